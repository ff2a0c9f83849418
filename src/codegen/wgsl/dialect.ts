// WGSL as a record: its types, literals and function names, and the helper functions for what its built-ins do badly.
// Helpers are printed only into the shaders that call them.

import type { ScalarType } from "../../ir/loop/expr.ts";
import { InternalError } from "../../ir/types.ts";
import { scalarOf, type Type } from "../gpu/block.ts";
import type { Language } from "../gpu/print.ts";

const FLOAT_MAX = 3.4028234663852886e38;

function decimal(value: number): string {
  const magnitude = Math.abs(value);
  let text = String(magnitude);
  for (let digits = 1; digits <= 9; digits++) {
    // The shortest decimal that reads back as the same f32, and is none beyond the largest: WGSL does not round that.
    const short = magnitude.toPrecision(digits);
    if (Number(short) <= FLOAT_MAX && Math.fround(Number(short)) === magnitude) {
      text = String(Number(short));
      break;
    }
  }
  if (!/[.e]/.test(text)) text += ".0";
  return value < 0 || Object.is(value, -0) ? `(-${text})` : text;
}

/** Functions that generated code may call, by name, in the order in which they may call each other. */
export const HELPERS = {
  infinity: `// A run-time value: constant expressions must be finite in WGSL.
var<private> infinity_bits: u32 = 0x7f800000u;
fn infinity() -> f32 { return bitcast<f32>(infinity_bits); }`,

  is_nan: `// By its bits: implementations may assume that comparisons never see NaN.
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`,

  not_equal: `// What is no number differs from everything; the operator may say that it differs from nothing.
fn not_equal(x: f32, y: f32) -> bool { return x != y || is_nan(x) || is_nan(y); }`,

  larger: `// The built-in may leave out what is no number; a sum does not.
fn larger(x: f32, y: f32) -> f32 { return select(max(x, y), x + y, is_nan(x) || is_nan(y)); }`,

  smaller: `// As larger.
fn smaller(x: f32, y: f32) -> f32 { return select(min(x, y), x + y, is_nan(x) || is_nan(y)); }`,

  subgroup_larger: `// As larger, of all lanes.
fn subgroup_larger(x: f32) -> f32 { return select(subgroupMax(x), subgroupAdd(x), subgroupAny(is_nan(x))); }`,

  subgroup_smaller: `// As larger, of all lanes.
fn subgroup_smaller(x: f32) -> f32 { return select(subgroupMin(x), subgroupAdd(x), subgroupAny(is_nan(x))); }`,

  round_tf32: `// To the 10 bits behind the point that tf32 has; what is no number has bits that a carry would make a number of.
fn round_tf32(x: f32) -> f32 { return select(bitcast<f32>((bitcast<u32>(x) + 0x1000u) & 0xffffe000u), x, is_nan(x)); }`,

  round_bf16: `// To the upper half of the bits, ties to even.
fn round_bf16(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  return select(bitcast<f32>((bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u), x, is_nan(x));
}`,

  round_f16: `// Below its smallest normal number a half has 24 bits behind the point, and infinity is what it has beyond 65504.
fn round_f16(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let normal = bitcast<f32>((bits + 0xfffu + ((bits >> 13u) & 1u)) & 0xffffe000u);
  let most = select(normal, bitcast<f32>((bits & 0x80000000u) | 0x7f800000u), abs(x) >= 65520.0);
  return select(select(most, round(x * 16777216.0) * 5.9604644775390625e-8, abs(x) < 6.103515625e-5), x, is_nan(x));
}`,

  sign_of: `// Of what is no number 0; the built-in may give anything.
fn sign_of(x: f32) -> f32 { return f32(x > 0.0) - f32(x < 0.0); }`,

  stable_tanh: `// The built-in may overflow for large arguments and cancel for small ones.
fn stable_tanh(x: f32) -> f32 {
  let a = abs(x);
  let s = x * x;
  let t = exp(-2.0 * a);
  let series = x + x * s * (-0.33333334 + s * (0.13333334 + s * (-0.053968254 + s * 0.021869488)));
  return select(sign(x) * ((1.0 - t) / (1.0 + t)), series, a < 0.25);
}`,

  erf: `// Two least-squares fits, of erf(x)/x - 1 in x^2 and of -log(1 - erf(x)) in x: within 1e-7 of erf.
fn erf(x: f32) -> f32 {
  let a = min(abs(x), 4.0);
  let s = x * x;
  let near = x + x * (0.128379167 + s * (-0.376126349 + s * (0.112837144 + s * (-0.0268604775 + s * (0.00520378645 +
    s * (-0.000817485076 + s * 8.50989002e-5))))));
  let far = 1.0 - exp(0.000174438442 - a * (1.12951497 + a * (0.63334422 + a * (0.108286054 + a * (-0.0251253133 +
    a * (0.00417409716 + a * (-0.000435258931 + a * 2.11790311e-5)))))));
  return select(select(sign(x) * far, near, a < 0.9), x, is_nan(x));
}`,

  real_pow: `// The built-in is undefined for a negative base.
fn real_pow(x: f32, y: f32) -> f32 {
  let magnitude = pow(abs(x), y);
  let isOdd = floor(y * 0.5) * 2.0 != y;
  let signed = select(magnitude, -magnitude, x < 0.0 && isOdd);
  return select(signed, 1.0, y == 0.0);
}`,

  threefry: `// Threefry-2x32-20 (Salmon et al. 2011), first word.
fn threefry(key: vec2u, counter: vec2u) -> u32 {
  let k2 = key.x ^ key.y ^ 0x1bd11bdau;
  var x = counter + key;
  x = threefry_rounds(x, vec4u(13u, 15u, 26u, 6u)) + vec2u(key.y, k2 + 1u);
  x = threefry_rounds(x, vec4u(17u, 29u, 16u, 24u)) + vec2u(k2, key.x + 2u);
  x = threefry_rounds(x, vec4u(13u, 15u, 26u, 6u)) + vec2u(key.x, key.y + 3u);
  x = threefry_rounds(x, vec4u(17u, 29u, 16u, 24u)) + vec2u(key.y, k2 + 4u);
  x = threefry_rounds(x, vec4u(13u, 15u, 26u, 6u)) + vec2u(k2, key.x + 5u);
  return x.x;
}
fn threefry_rounds(start: vec2u, rotations: vec4u) -> vec2u {
  var x = start;
  x.x += x.y; x.y = ((x.y << rotations.x) | (x.y >> (32u - rotations.x))) ^ x.x;
  x.x += x.y; x.y = ((x.y << rotations.y) | (x.y >> (32u - rotations.y))) ^ x.x;
  x.x += x.y; x.y = ((x.y << rotations.z) | (x.y >> (32u - rotations.z))) ^ x.x;
  x.x += x.y; x.y = ((x.y << rotations.w) | (x.y >> (32u - rotations.w))) ^ x.x;
  return x;
}`,
} as const satisfies Readonly<Record<string, string>>;

export type Helper = keyof typeof HELPERS;

const NAMES = Object.keys(HELPERS) as Helper[];

/** Each helper with those that it calls. */
const TOGETHER: ReadonlyMap<Helper, readonly Helper[]> = new Map(
  NAMES.map((name) => [name, NAMES.filter((other) => new RegExp(`\\b${other}\\(`).test(HELPERS[name]))]),
);

const VECTORS: Partial<Record<ScalarType, string>> = { f32: "vec4f", i32: "vec4i", u32: "vec4u", f16: "vec4h" };

/** A type's name. */
export function typeName(type: Type): string {
  const scalar = scalarOf(type);
  if (scalar === type) return type;
  const name = VECTORS[scalar];
  if (name === undefined) throw new InternalError(`vectors of ${scalar}`);
  return name;
}

/** WGSL for one shader: `helpers` receives the functions that its text calls. */
export function wgsl(helpers: Set<Helper>): Language {
  const helper = (name: Helper): Helper => {
    TOGETHER.get(name)?.forEach((each) => helpers.add(each));
    return name;
  };
  // Infinities come from a helper, since a constant expression in WGSL must be finite.
  const infinity = (value: number): string => (value < 0 ? `(-${helper("infinity")}())` : `${helper("infinity")}()`);
  const extreme = (op: "min" | "max", dtype: ScalarType): string => (dtype === "f32" ? helper(op === "max" ? "larger" : "smaller") : op);
  return {
    builtins: { lane: "lane", group: "group", time: "time.x" },
    constant: (value, dtype) => {
      switch (dtype) {
        case "bool":
          return value ? "true" : "false";
        case "u32":
          return `${String(value >>> 0)}u`;
        case "i32":
          return value === -2147483648 ? "i32(-2147483648)" : value < 0 ? `(${String(value)})` : String(value);
        case "f16":
          return `f16(${Number.isFinite(value) ? decimal(value) : infinity(value)})`;
        case "f32":
          return Math.abs(value) > FLOAT_MAX ? infinity(value) : decimal(Math.fround(value));
        case "bf16":
          throw new InternalError("bf16 in WGSL");
        default:
          return dtype satisfies never;
      }
    },
    unary: (op, dtype) => {
      switch (op) {
        case "neg":
        case "not":
          return undefined;
        case "rsqrt":
          return "inverseSqrt";
        case "tanh":
          return helper("stable_tanh");
        case "erf":
          return helper("erf");
        case "sign":
          return dtype === "f32" ? helper("sign_of") : "sign";
        case "round_tf32":
        case "round_bf16":
        case "round_f16":
          return helper(op);
        default:
          return op;
      }
    },
    binary: (op, dtype) => {
      switch (op) {
        case "min":
        case "max":
          return extreme(op, dtype);
        case "ne":
          return dtype === "f32" ? helper("not_equal") : undefined;
        case "pow":
          return helper("real_pow");
        default:
          return undefined;
      }
    },
    isNan: (text) => `${helper("is_nan")}(${text})`,
    select: (condition, yes, no) => `select(${no}, ${yes}, ${condition})`,
    cast: (text, _from, to) => `${to}(${text})`,
    threefry: (k0, k1, c0, c1) => `${helper("threefry")}(vec2u(${k0}, ${k1}), vec2u(${c0}, ${c1}))`,
    vector: (type, parts) => `${typeName(type)}(${parts.join(", ")})`,
    zeros: (type) => `${typeName(type)}()`,
    broadcast: (text, _type, from) => `subgroupBroadcast(${text}, ${String(from)}u)`,
    combineLanes: (op, type, text) => {
      if (op === "sum") return `subgroupAdd(${text})`;
      if (type !== "f32") return `${op === "max" ? "subgroupMax" : "subgroupMin"}(${text})`;
      return `${helper(op === "max" ? "subgroup_larger" : "subgroup_smaller")}(${text})`;
    },
    bitcast: (text, to) => `bitcast<${to}>(${text})`,
    define: (name, _type, text) => `let ${name} = ${text};`,
    declare: (name, type, text) => (text === undefined ? `var ${name}: ${typeName(type)};` : `var ${name} = ${text};`),
    // The grid has one layer, which the driver does not know.
    loop: (name, start, end, increment, kept) => [
      `for (var ${name} = ${start}; ${name} < ${end}${kept ? " + i32(workgroup_id.z)" : ""}; ${increment})`,
    ],
    barrier: (of) => (of === "shared" ? "workgroupBarrier();" : "storageBarrier();"),
  };
}
