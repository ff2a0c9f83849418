// CUDA C++ as a record: its types, literals and function names. What it has no word for is in the prelude.

import type { ScalarType } from "../../ir/loop/expr.ts";
import { InternalError } from "../../ir/types.ts";
import { scalarOf, type Type } from "../gpu/block.ts";
import type { Language } from "../gpu/print.ts";

const SCALARS: Partial<Record<ScalarType, string>> = {
  f32: "float",
  i32: "int",
  u32: "unsigned",
  bool: "bool",
  f16: "half_float",
  bf16: "upper_half",
};
const VECTORS: Partial<Record<ScalarType, string>> = { f32: "float4", i32: "int4", u32: "uint4" };

/** A type's name. */
export function typeName(type: Type): string {
  const scalar = scalarOf(type);
  const name = (scalar === type ? SCALARS : VECTORS)[scalar];
  if (name === undefined) throw new InternalError(`${type} on CUDA`);
  return name;
}

function decimal(value: number): string {
  if (Number.isNaN(value)) return "__int_as_float(0x7fc00000)";
  if (!Number.isFinite(value)) return `__int_as_float(${value > 0 ? "0x7f800000" : "0xff800000"})`;
  const text = shortest(Math.abs(value));
  return value < 0 || Object.is(value, -0) ? `(-${text})` : text;
}

// The shortest decimal that reads back as the same f32.
function shortest(magnitude: number): string {
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(magnitude.toPrecision(digits));
    if (Math.fround(short) === magnitude) return `${/[.e]/.test(String(short)) ? String(short) : `${String(short)}.0`}f`;
  }
  throw new InternalError(`${String(magnitude)} is no f32`);
}

/** CUDA for one block of a launch, whose first workgroup has that number. */
export const cuda = (first: number): Language => ({
  builtins: {
    lane: "int(threadIdx.x)",
    group: first === 0 ? "int(blockIdx.x)" : `(int(blockIdx.x) - ${String(first)})`,
    time: "time",
  },
  constant: (value, type) => {
    switch (type) {
      case "bool":
        return value ? "true" : "false";
      case "u32":
        return `${String(value >>> 0)}u`;
      case "i32":
        return value === -2147483648 ? "(-2147483647 - 1)" : value < 0 ? `(${String(value)})` : String(value);
      case "f32":
      case "f16":
      case "bf16":
        return decimal(Math.fround(value));
      default:
        return type satisfies never;
    }
  },
  unary: (op, type) => {
    switch (op) {
      case "neg":
      case "not":
        return undefined;
      case "sign":
        return "sign_of";
      case "round_tf32":
      case "round_bf16":
      case "round_f16":
        return op;
      case "abs":
        return type === "u32" ? "unsigned" : "magnitude";
      case "exp":
      case "log":
      case "sqrt":
      case "rsqrt":
      case "tanh":
      case "erf":
      case "sin":
      case "cos":
      case "floor":
      case "ceil":
        return `${op}f`;
      default:
        return op satisfies never;
    }
  },
  binary: (op) => {
    switch (op) {
      case "min":
        return "smaller";
      case "max":
        return "larger";
      case "pow":
        return "powf";
      default:
        return undefined;
    }
  },
  isNan: (text) => `(${text} != ${text})`,
  select: (condition, yes, no) => `(${condition} ? ${yes} : ${no})`,
  cast: (text, from, to) => {
    // Saturating, and 0 for what is no number.
    if (from === "f32" && to === "i32") return `__float2int_rz(${text})`;
    if (from === "f32" && to === "u32") return `__float2uint_rz(${text})`;
    return `${typeName(to)}(${text})`;
  },
  threefry: (k0, k1, c0, c1) => `threefry(${k0}, ${k1}, ${c0}, ${c1})`,
  vector: (type, parts) => `make_${typeName(type)}(${parts.join(", ")})`,
  zeros: (type) => `make_${typeName(type)}(${["0", "0", "0", "0"].join(", ")})`,
  broadcast: () => {
    throw new InternalError("CUDA has shared memory where lanes would hand values on");
  },
  combineLanes: (op, _type, text) => `lanes_${op}(${text})`,
  bitcast: (text, to) => (to === "u32" ? `__float_as_uint(${text})` : `__uint_as_float(${text})`),
  matrices: {
    word: (of, parts) => `word_${of}(${parts.join(", ")})`,
    load: (names, memory, index) => [`unsigned ${names.join(", ")};`, `load_matrices(${names.join(", ")}, ${memory} + ${index});`],
    multiply: (of, sums, left, right) => `multiply_${of}(${[...sums, ...left, ...right].join(", ")});`,
  },
  copies: {
    copy: (words, memory, index, from, source, condition) =>
      `copy_aside<${String(4 * words)}>(${memory}, ${index}, ${from} + (${source}), ${condition});`,
    endBatch: () => "end_batch();",
    wait: (pending) => `wait_copies<${String(pending)}>();`,
  },
  wideMatrices: {
    multiply: (of, sums, left, right) => `multiply_wide_${of}(${sums.join(", ")}, matrix_at(${left}), matrix_at(${right}));`,
    begin: () => "begin_products();",
    end: () => "end_products();",
    wait: (pending, sums) => [`wait_products<${String(pending)}>();`, ...sums.map((sum) => `settle(${sum});`)],
    publish: () => "publish();",
  },
  tileCopies: {
    init: (barriers, count) => `init_barriers(${barriers}, ${String(count)});`,
    copy: (condition, barrier, bytes, copies) => [
      `if (threadIdx.x == 0 && ${condition}) {`,
      `  expect_bytes(${barrier}, ${String(bytes)});`,
      ...copies.map(({ map, row, column, to }) => `  copy_tile(${to}, ${map}, ${column}, ${row}, ${barrier});`),
      "}",
    ],
    wait: (barrier, parity, areThere) => `${areThere} = await_tiles(${barrier}, ${parity}, ${areThere});`,
  },
  define: (name, type, text) => `const ${typeName(type)} ${name} = ${text};`,
  declare: (name, type, text) => `${typeName(type)} ${name}${text === undefined ? "" : ` = ${text}`};`,
  loop: (name, start, end, increment, kept) => [
    ...(kept ? ["#pragma unroll 1"] : []),
    `for (int ${name} = ${start}; ${name} < ${end}; ${increment})`,
  ],
  barrier: () => "__syncthreads();",
});
