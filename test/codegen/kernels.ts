// Hand-made kernels for the tests of code generation and devices: one small builder, and a way to run any kernel alone on a device.

import {
  acc,
  add,
  axis,
  cast,
  constant,
  div,
  float,
  int,
  load,
  mul,
  rem,
  select,
  sub,
  unary,
  binary,
  and,
  type Expr,
} from "../../src/ir/loop/expr.ts";
import type { Axis, Kernel, KernelParameter, ReduceOp, Stage } from "../../src/ir/loop/kernel.ts";
import { PROGRAM_VERSION, type BufferPlan, type Launch, type Program } from "../../src/ir/program.ts";
import { bytesPerElement, type DType } from "../../src/ir/types.ts";
import type { Target } from "../../src/codegen/target.ts";
import type { KnownProfile } from "../../src/ir/program.ts";
import type { Device, HostArray } from "../../src/runtime/device.ts";

export const param = (name: string, length: number, access: KernelParameter["access"] = "read", dtype: DType = "f32"): KernelParameter => ({
  name,
  dtype,
  length,
  access,
});

export const kernelOf = (
  name: string,
  params: readonly KernelParameter[],
  axes: readonly Axis[],
  stages: readonly Stage[],
  time?: Axis,
): Kernel => ({ name, params, axes, stages, ...(time ? { time } : {}) });

export const axesOf = (extents: Readonly<Record<string, number>>): Axis[] =>
  Object.entries(extents).map(([name, extent]) => ({ name, extent }));

/** Row-major index of axes. */
export const at = (extents: Readonly<Record<string, number>>): Expr =>
  Object.entries(extents).reduce((index, [name, extent]) => add(mul(index, int(extent)), axis(name, extent)), int(0));

/** y[m, n] = sum over k of a[m, k] * b[k, n] + bias[n], for each b. */
export function matmul(m: number, n: number, k: number, b = 1): Kernel {
  const B = axis("b", b),
    M = axis("m", m),
    N = axis("n", n),
    K = axis("k", k);
  const row = (x: Expr, extent: number, y: Expr): Expr => add(mul(x, int(extent)), y);
  return kernelOf(
    "matmul",
    [param("x", b * m * k), param("w", b * k * n), param("bias", n), param("y", b * m * n, "write")],
    axesOf({ b, m, n }),
    [
      {
        kind: "contract",
        k: { name: "k", extent: k },
        dtype: "f32",
        lhs: load(0, row(row(B, m, M), k, K), "f32"),
        rhs: load(1, row(row(B, k, K), n, N), "f32"),
      },
      { kind: "store", axes: [], writes: [{ buffer: 3, index: row(row(B, m, M), n, N), value: add(acc(0, "f32"), load(2, N, "f32")) }] },
    ],
  );
}

export interface ConvShape {
  readonly batch: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly size: number;
  readonly kernel: number;
  readonly padding: number;
  /** Of input gradients alone; 1 for all else. */
  readonly stride?: number;
}

const inside = (x: Expr, size: number): Expr => and(binary("le", int(0), x), binary("lt", x, int(size)));

/** NCHW convolution, stride 1: m = output channel, n = pixel, k = (input channel, dy, dx). */
export function convForward({ batch, inputs, outputs, size, kernel, padding }: ConvShape): Kernel {
  const out = size + 2 * padding - kernel + 1;
  const k = inputs * kernel * kernel;
  const B = axis("b", batch),
    M = axis("m", outputs),
    N = axis("n", out * out),
    K = axis("k", k);
  const c = div(K, int(kernel * kernel));
  const y = sub(add(div(N, int(out)), rem(div(K, int(kernel)), int(kernel))), int(padding));
  const x = sub(add(rem(N, int(out)), rem(K, int(kernel))), int(padding));
  const pixel = load(1, add(mul(add(mul(B, int(inputs)), c), int(size * size)), add(mul(y, int(size)), x)), "f32");
  return kernelOf(
    "conv_forward",
    [
      param("w", outputs * k),
      param("x", batch * inputs * size * size),
      param("bias", outputs),
      param("y", batch * outputs * out * out, "write"),
    ],
    axesOf({ b: batch, m: outputs, n: out * out }),
    [
      {
        kind: "contract",
        k: { name: "k", extent: k },
        dtype: "f32",
        lhs: load(0, add(mul(M, int(k)), K), "f32"),
        rhs: padding ? select(and(inside(y, size), inside(x, size)), pixel, float(0)) : pixel,
      },
      {
        kind: "store",
        axes: [],
        writes: [
          {
            buffer: 3,
            index: add(mul(add(mul(B, int(outputs)), M), int(out * out)), N),
            value: binary("max", add(acc(0, "f32"), load(2, M, "f32")), float(0)),
          },
        ],
      },
    ],
  );
}

/** Input gradient of the same convolution: m = input channel, n = input pixel, k = (output channel, dy, dx). */
export function convInputGradient({ batch, inputs, outputs, size, kernel, padding, stride = 1 }: ConvShape): Kernel {
  const out = Math.floor((size + 2 * padding - kernel) / stride) + 1;
  const k = outputs * kernel * kernel;
  const B = axis("b", batch),
    M = axis("m", inputs),
    N = axis("n", size * size),
    K = axis("k", k);
  const o = div(K, int(kernel * kernel)),
    dy = rem(div(K, int(kernel)), int(kernel)),
    dx = rem(K, int(kernel));
  const [down, across] = [sub(add(div(N, int(size)), int(padding)), dy), sub(add(rem(N, int(size)), int(padding)), dx)];
  const [y, x] = [div(down, int(stride)), div(across, int(stride))];
  // What a filter that moves by more than one meets, and never before the first row or column: quotients are rounded to zero.
  const meets = [down, across]
    .map((at) => and(binary("le", int(0), at), binary("eq", rem(at, int(stride)), int(0))))
    .reduce((met, each) => and(met, each));
  const gradient = load(1, add(mul(add(mul(B, int(outputs)), o), int(out * out)), add(mul(y, int(out)), x)), "f32");
  const isInside = and(inside(y, out), inside(x, out));
  const weight = load(0, add(mul(add(mul(o, int(inputs)), M), int(kernel * kernel)), rem(K, int(kernel * kernel))), "f32");
  return kernelOf(
    "conv_input_gradient",
    [
      param("w", outputs * inputs * kernel * kernel),
      param("dy", batch * outputs * out * out),
      param("dx", batch * inputs * size * size, "write"),
    ],
    axesOf({ b: batch, m: inputs, n: size * size }),
    [
      {
        kind: "contract",
        k: { name: "k", extent: k },
        dtype: "f32",
        lhs: weight,
        rhs: select(stride === 1 ? isInside : and(meets, isInside), gradient, float(0)),
      },
      {
        kind: "store",
        axes: [],
        writes: [{ buffer: 2, index: add(mul(add(mul(B, int(inputs)), M), int(size * size)), N), value: acc(0, "f32") }],
      },
    ],
  );
}

/** Weight gradient: m = output channel, n = (input channel, dy, dx), k = (image, output pixel), split into `parts` as b. */
export function convWeightGradient({ batch, inputs, outputs, size, kernel, padding }: ConvShape, parts: number): Kernel {
  const out = size + 2 * padding - kernel + 1;
  const pixels = out * out;
  const n = inputs * kernel * kernel;
  const k = (batch * pixels) / parts;
  const B = axis("b", parts),
    M = axis("m", outputs),
    N = axis("n", n),
    K = axis("k", k);
  const position = add(mul(B, int(k)), K);
  const image = div(position, int(pixels)),
    pixel = rem(position, int(pixels));
  const c = div(N, int(kernel * kernel));
  const y = sub(add(div(pixel, int(out)), rem(div(N, int(kernel)), int(kernel))), int(padding));
  const x = sub(add(rem(pixel, int(out)), rem(N, int(kernel))), int(padding));
  const value = load(1, add(mul(add(mul(image, int(inputs)), c), int(size * size)), add(mul(y, int(size)), x)), "f32");
  return kernelOf(
    "conv_weight_gradient",
    [param("dy", batch * outputs * pixels), param("x", batch * inputs * size * size), param("dw", parts * outputs * n, "write")],
    axesOf({ b: parts, m: outputs, n }),
    [
      {
        kind: "contract",
        k: { name: "k", extent: k },
        dtype: "f32",
        lhs: load(0, add(mul(add(mul(image, int(outputs)), M), int(pixels)), pixel), "f32"),
        rhs: select(and(inside(y, size), inside(x, size)), value, float(0)),
      },
      { kind: "store", axes: [], writes: [{ buffer: 2, index: add(mul(add(mul(B, int(outputs)), M), int(n)), N), value: acc(0, "f32") }] },
    ],
  );
}

/** A contraction's kernel that adds its results to what is there instead. */
export function addedInPlace(kernel: Kernel): Kernel {
  const stages = kernel.stages.map((stage) =>
    stage.kind === "store"
      ? { ...stage, writes: stage.writes.map((it) => ({ ...it, value: add(load(it.buffer, it.index, "f32"), it.value) })) }
      : stage,
  );
  return { ...kernel, stages, params: kernel.params.map((p) => (p.access === "write" ? { ...p, access: "read_write" as const } : p)) };
}

/** Row softmax in one kernel: max, sum, store. */
export function softmax(rows: number, columns: number): Kernel {
  const R = axis("row", rows);
  const cell = (name: string): Expr => load(0, add(mul(R, int(columns)), axis(name, columns)), "f32");
  const shifted = (name: string): Expr => unary("exp", sub(cell(name), acc(0, "f32")));
  return kernelOf("softmax", [param("x", rows * columns), param("y", rows * columns, "write")], axesOf({ row: rows }), [
    { kind: "reduce", axes: axesOf({ i: columns }), op: "max", dtype: "f32", value: cell("i") },
    { kind: "reduce", axes: axesOf({ j: columns }), op: "sum", dtype: "f32", value: shifted("j") },
    {
      kind: "store",
      axes: axesOf({ j2: columns }),
      writes: [{ buffer: 1, index: add(mul(R, int(columns)), axis("j2", columns)), value: div(shifted("j2"), acc(1, "f32")) }],
    },
  ]);
}

/** By how much, in twentieths and at all, the elements of each row are above its mean: bytes, bools and floats of one stage. */
export function aboveMean(rows: number, columns: number): Kernel {
  const cell = (name: string): Expr => add(mul(axis("p", rows), int(columns)), axis(name, columns));
  const x = (name: string): Expr => load(0, cell(name), "f32");
  const params = [
    param("x", rows * columns),
    param("above", rows * columns, "write", "bool"),
    param("part", rows * columns, "write", "u8"),
    param("y", rows * columns, "write"),
  ];
  return kernelOf("above_mean", params, axesOf({ p: rows }), [
    { kind: "reduce", axes: axesOf({ r: columns }), op: "sum", dtype: "f32", value: mul(x("r"), float(1 / columns)) },
    {
      kind: "store",
      axes: axesOf({ s: columns }),
      writes: [
        { buffer: 1, index: cell("s"), value: binary("lt", add(acc(0, "f32"), float(0.01)), x("s")) },
        { buffer: 2, index: cell("s"), value: cast(unary("abs", mul(x("s"), float(20))), "u32") },
        { buffer: 3, index: cell("s"), value: sub(x("s"), acc(0, "f32")) },
      ],
    },
  ]);
}

/** y[r] = op of x[order[k]] for starts[r] <= k < starts[r + 1], over rows of `features` elements and at least -9. */
export function segments(op: ReduceOp, rows: number, features: number, length: number): Kernel {
  const point = axis("p", rows * features);
  const [row, feature] = [div(point, int(features)), rem(point, int(features))];
  const clamped = (x: Expr): Expr => binary("min", binary("max", x, int(0)), int(length));
  const range = { from: clamped(load(1, row, "i32")), to: clamped(load(1, add(row, int(1)), "i32")), mean: length / rows };
  const value = load(0, add(mul(load(2, axis("r", length), "i32"), int(features)), feature), "f32");
  const params = [
    param("x", length * features),
    param("starts", rows + 1, "read", "i32"),
    param("order", length, "read", "i32"),
    param("y", rows * features, "write"),
  ];
  return kernelOf(`segment_${op}`, params, axesOf({ p: rows * features }), [
    { kind: "reduce", axes: axesOf({ r: length }), op, dtype: "f32", value, range },
    { kind: "store", axes: [], writes: [{ buffer: 3, index: point, value: binary("max", acc(0, "f32"), float(-9)) }] },
  ]);
}

/** An elementwise kernel over `length` elements: y = f(x...). */
export const elementwise = (name: string, length: number, inputs: number, f: (...x: Expr[]) => Expr): Kernel =>
  kernelOf(
    name,
    [...Array.from({ length: inputs }, (_, i) => param(`x${String(i)}`, length)), param("y", length, "write")],
    axesOf({ i: length }),
    [
      {
        kind: "store",
        axes: [],
        writes: [
          {
            buffer: inputs,
            index: axis("i", length),
            value: f(...Array.from({ length: inputs }, (_, i) => load(i, axis("i", length), "f32"))),
          },
        ],
      },
    ],
  );

export const zero = constant(0, "f32");

/** A program of one kernel; buffer i of the program is parameter i. Several programs share nothing. */
export function programOf(kernel: Kernel, target: Target, loop?: { count: number; reverse: boolean }, options?: KnownProfile): Program {
  let offset = 0;
  const buffers = kernel.params.map(({ name, dtype, length }): BufferPlan => {
    const bytes = length * bytesPerElement(dtype);
    const plan: BufferPlan = { name, role: "input", dtype, shape: [length], bytes, offset };
    offset += Math.ceil(bytes / 256) * 256;
    return plan;
  });
  const launch = { kind: "kernel", kernel: 0, buffers: kernel.params.map((_, i) => i) } as const;
  const launches: Launch[] = [loop ? { kind: "loop", ...loop, body: [launch] } : launch];
  return {
    format: "tlc-program",
    version: PROGRAM_VERSION,
    target: target.name,
    ...(target.prelude !== undefined && { prelude: target.prelude }),
    arenaBytes: offset,
    buffers,
    kernels: [target.compileKernel(kernel, options)],
    entries: { predict: launches },
  };
}

/** Runs a kernel alone and returns what it wrote, by parameter. */
export async function runKernel(
  device: Device,
  target: Target,
  kernel: Kernel,
  inputs: Readonly<Record<string, HostArray>>,
  loop?: { count: number; reverse: boolean },
  options?: KnownProfile,
): Promise<Map<string, HostArray>> {
  const session = await device.load(programOf(kernel, target, loop, options));
  for (const [name, data] of Object.entries(inputs)) session.write(name, data);
  session.run("predict");
  const result = await session.read(kernel.params.filter((p) => p.access !== "read").map((p) => p.name));
  session.dispose();
  return result;
}

/** Reproducible numbers in [-1, 1). */
export function numbers(length: number, seed = 1): Float32Array {
  let state = seed * 2654435761;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** || a - b || / || b || */
export function relativeError(a: HostArray, b: HostArray): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += ((a[i] ?? NaN) - (b[i] ?? NaN)) ** 2;
    norm += (b[i] ?? NaN) ** 2;
  }
  return Math.sqrt(difference / Math.max(norm, Number.MIN_VALUE));
}
