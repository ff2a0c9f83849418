// Loops over time whose rows have nothing to do with each other: which they are, and that their numbers are the interpreter's to the same
// bits on any number of threads. Where a row looks at another's, threads must meet after each launch, or the numbers are wrong.

import { describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import { scanResults } from "../../src/ir/ops/scan.ts";
import { tensorType, type Shape } from "../../src/ir/types.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { layOut } from "../../src/runtime/wasm/layout.ts";
import type { Loop, LoopRows } from "../../src/runtime/wasm/messages.ts";
import { createRandom } from "../support/random.ts";
import { compileGraph, interpret, runGraph } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";
import { kernel, launch, openWasm, programOf } from "./wasm-hand-made.ts";
import { sliceAxis } from "../../src/ir/ops/pieces.ts";

const [TIME, ROWS, WIDTH] = [100, 22, 10];

/** What a step has: its carries, its x for two gates, and the gates' weights. */
interface Step {
  readonly h: Node;
  readonly c: Node;
  readonly x: Node;
  readonly w: Node;
}

/** Final carries and all h of a loop, with inputs for what it starts from. */
function graphOf(step: (b: Builder, it: Step) => { readonly h: Node; readonly c: Node }, width = WIDTH): Graph {
  const b = createBuilder();
  const shapes: Record<keyof Step, Shape> = { h: [ROWS, width], c: [ROWS, width], x: [ROWS, 2 * width], w: [2 * width, width] };
  const local = (name: keyof Step): Node => b.input({ name: `local.${name}`, role: "local", type: tensorType("f32", shapes[name]) });
  const it = { h: local("h"), c: local("c"), x: local("x"), w: local("w") };
  const next = step(b, it);
  const body = { carries: [it.h, it.c], slices: [it.x], invariants: [it.w], next: [next.h, next.c], outputs: [next.h] };
  const input = (name: keyof Step, ...over: number[]): Node =>
    b.input({ name, role: "batch", type: tensorType("f32", [...over, ...shapes[name]]) });
  const operands = [input("h"), input("c"), input("x", TIME), input("w")];
  const results = scanResults(b, b.scan(operands, { body, length: TIME, reverse: false }) as Node<never>);
  return { builder: b, outputs: new Map(results.map((node, i) => [`y${String(i)}`, node])) };
}

/** A product, and a kernel that reads two columns of it for each of its points. */
const gated = (b: Builder, { h, c, x, w }: Step): { h: Node; c: Node } => {
  const width = h.type.shape[1]!;
  const all = b.add(x, b.matmul(h, w, { transposeA: false, transposeB: true }));
  const [left, right] = [sliceAxis(b, all, 1, 0, width), sliceAxis(b, all, 1, width, 2 * width)];
  const next = b.add(b.mul(b.sigmoid(left), c), b.mul(0.5, b.tanh(right)));
  return { h: b.tanh(next), c: next };
};

function rowsOf(graph: Graph, threads: number): LoopRows | undefined {
  const { steps } = layOut(compileGraph(graph, "wasm").program, threads).entries["predict"]!;
  const loops = steps.filter((step): step is Loop => "body" in step);
  expect(loops).toHaveLength(1);
  return loops[0]!.rows;
}

async function check(graph: Graph, tolerance = 1e-4): Promise<void> {
  const random = createRandom(8);
  const draw = (size: number): Float64Array => Float64Array.from({ length: size }, () => random() - 0.5);
  const width = graph.outputs.get("y0")!.type.shape[1]!;
  const sizes = { h: ROWS * width, c: ROWS * width, x: 2 * TIME * ROWS * width, w: 2 * width * width };
  const inputs = new Map(Object.entries(sizes).map(([name, size]) => [name, draw(size)]));
  const expected = interpret(graph, inputs);
  const bits = new Set<string>();
  for (const threads of [1, 2, 3, 4]) {
    const device = await openDevice("wasm", { threads });
    const results = await runGraph(device, graph, inputs);
    expect(disagreement(results, expected, tolerance), String(threads)).toBeUndefined();
    bits.add([...results.values()].map((values) => Buffer.from(values.buffer).toString("base64")).join());
    device.dispose();
  }
  expect(bits.size).toBe(1);
}

describe("rows of a loop", () => {
  it("are shared once for all of it where each looks at its own", async () => {
    const graph = graphOf(gated);
    expect(rowsOf(graph, 2)).toMatchObject({ extent: ROWS, at: 12, threads: 2, perUnit: [4, 1] });
    expect(rowsOf(graph, 1)).toMatchObject({ extent: ROWS, at: ROWS, threads: 1 });
    await check(graph);
  });

  it("are not where their columns are mixed with other rows", async () => {
    const graph = graphOf((b, it) => {
      const next = gated(b, it);
      const turned = b.concat([sliceAxis(b, next.c, 0, 1, ROWS), sliceAxis(b, next.c, 0, 0, 1)], { axis: 0 });
      return { h: next.h, c: turned };
    });
    expect(rowsOf(graph, 2)).toBeUndefined();
    await check(graph);
  });

  it("are not where a step needs something of all of them", async () => {
    const graph = graphOf((b, it) => {
      const next = gated(b, it);
      const mean = b.reduceSum(b.mul(next.h, 1 / ROWS), { axes: [0], keepDims: true });
      return { h: next.h, c: b.add(next.c, b.expand(mean, { shape: next.c.type.shape })) };
    });
    expect(rowsOf(graph, 2)).toBeUndefined();
    await check(graph);
  });

  it("are not where weights are so large that threads had better share columns", () => {
    expect(rowsOf(graphOf(gated, 400), 2)).toBeUndefined();
  });
});

describe("hand-made rows", () => {
  const units = 12;
  /** y[time + 1][i] = y[time][i] + x[0], which is kept from the thread's first step on. */
  const grow = kernel(
    "grow",
    `(if (local.get $fresh) (then (i32.store (local.get $kept) (i32.load (call $at (i32.const 1) (i32.const 0))))))
     (i32.store (call $at (i32.const 0) (i32.add (local.get $i) (i32.mul (i32.const ${String(units)}) (i32.add (local.get $time) (i32.const 1)))))
       (i32.add (i32.load (local.get $kept))
         (i32.load (call $at (i32.const 0) (i32.add (local.get $i) (i32.mul (i32.const ${String(units)}) (local.get $time)))))))`,
    { units, writes: [0], keeps: { params: [1], bytes: 4 } },
  );
  const rows = { extent: units, perUnit: 1, own: [{ param: 0, stride: 1 }] };
  const count = 50;

  it.each([1, 2, 3, 4])("of a loop are each done once in every step, by %d threads", async (threads) => {
    const device = await openWasm(threads);
    const own = { ...grow, wasm: { ...grow.wasm!, rows } };
    const buffers = [
      { name: "y", words: units * (count + 1) },
      { name: "x", words: units },
    ];
    const program = programOf([own], buffers, { train: [{ kind: "loop", count, reverse: false, body: [launch(0, 0, 1)] }] });
    const { steps } = layOut(program, threads).entries["train"]!;
    expect(steps).toMatchObject([{ rows: { threads: Math.min(threads, 4) } }]);
    const session = await device.load(program);
    for (const factor of [1, 3]) {
      session.write("y", new Int32Array(units));
      session.write("x", Int32Array.of(factor));
      session.run("train");
      const y = (await session.read(["y"])).get("y") ?? [];
      expect(Array.from(y)).toEqual(Array.from({ length: units * (count + 1) }, (_, i) => factor * Math.floor(i / units)));
    }
    device.dispose();
  });

  const with_ = (changed: object): LoopRows | undefined => {
    const other = { ...grow, wasm: { ...grow.wasm!, rows: { ...rows, ...changed } } };
    const buffers = [
      { name: "y", words: units * (count + 1) },
      { name: "x", words: units },
      { name: "over", words: units, offset: 4 * units },
    ];
    const body = "param" in changed ? [launch(0, 0, 1), launch(1, 2, 0)] : [launch(0, 0, 1), launch(1, 0, 1)];
    const own = { ...grow, wasm: { ...grow.wasm!, rows } };
    const { steps } = layOut(programOf([own, other], buffers, { train: [{ kind: "loop", count, reverse: false, body }] }), 2).entries[
      "train"
    ]!;
    return (steps[0] as Loop).rows;
  };

  it("are shared where all kernels mean the same rows", () => expect(with_({})).toMatchObject({ threads: 2 }));

  it.each<[string, object]>([
    ["another number of rows", { extent: 6 }],
    ["rows of another length", { own: [{ param: 0, stride: 2 }] }],
    ["what another writes, row or no row", { own: [] }],
    ["memory under another name", { param: true }],
  ])("are not where one means %s", (_, changed) => expect(with_(changed)).toBeUndefined());
});
