// WGSL as a record: its types, literals, function names and reserved words, and the helper functions for what its built-ins do badly.
// Helpers are printed only into the shaders that call them.

import type { ScalarType } from "../../ir/loop/expr.ts";
import type { ReduceOp } from "../../ir/loop/kernel.ts";
import type { Dialect } from "../c-family.ts";

const FLOAT_MAX = 3.4028234663852886e38;

function decimal(value: number): string {
  const magnitude = Math.abs(value);
  let text = String(magnitude);
  for (let digits = 1; digits <= 9; digits++) {
    // The shortest decimal that reads back as the same f32.
    const short = magnitude.toPrecision(digits);
    if (Math.fround(Number(short)) === magnitude) {
      text = String(Number(short));
      break;
    }
  }
  if (!/[.e]/.test(text)) text += ".0";
  return value < 0 || Object.is(value, -0) ? `(-${text})` : text;
}

// Built-ins and helpers that generated code calls, keywords, and the words that WGSL reserves.
const RESERVED: ReadonlySet<string> = new Set(
  `abs all any array atomic bitcast bool ceil clamp cos dot erf exp f16 f32 floor fma group i32 infinity inverseSqrt is_nan lane larger local_index
     log main max min mat4x4f not_equal pow real_pow round select sign sign_of sin smaller sqrt stable_tanh storage storageBarrier step subgroupAdd
     subgroupAny subgroupBroadcast subgroupMax subgroupMin subgroupShuffle subgroup_larger subgroup_smaller tanh texture threefry threefry_rounds trunc u32 uniform vec2 vec2f vec2u vec3 vec3u vec4 vec4f vec4i
     workgroup workgroupBarrier workgroupUniformLoad workgroup_id infinity_bits
     alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let loop override private ptr
     requires return struct switch true var while
     NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become cast catch class co_await co_return co_yield
     coherent column_major common compile compile_fragment concept const_cast consteval constexpr constinit crate debugger decltype delete demote
     demote_to_helper do dynamic_cast enum explicit export extends extern external fallthrough filter final finally friend from fxgroup get goto
     groupshared highp impl implements import inline instanceof interface layout lowp macro macro_rules match mediump meta mod module move mut mutable
     namespace new nil noexcept noinline nointerpolation non_coherent noncoherent noperspective null nullptr of operator package packoffset partition
     pass patch pixelfragment precise precision premerge priv protected pub public readonly ref regardless register reinterpret_cast require resource
     restrict self set shared sizeof smooth snorm static static_assert static_cast std subroutine super target template this thread_local throw trait
     try type typedef typeid typename typeof union unless unorm unsafe unsized use using varying virtual volatile wgsl where with writeonly yield`.split(
    /\s+/,
  ),
);

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

export interface WgslDialect extends Dialect {
  /** The function that combines two values of a reduction, or those of a subgroup's lanes; undefined where it is an operator. */
  combine(op: ReduceOp, dtype: ScalarType, lanes: boolean): string | undefined;
}

/** WGSL for one shader: `helpers` receives the functions that its text calls. */
export function wgslDialect(helpers: Set<Helper>): WgslDialect {
  const helper = (name: Helper): Helper => {
    TOGETHER.get(name)?.forEach((each) => helpers.add(each));
    return name;
  };
  // Infinities come from a helper, since a constant expression in WGSL must be finite.
  const infinity = (value: number): string => (value < 0 ? `(-${helper("infinity")}())` : `${helper("infinity")}()`);
  const extreme = (op: "min" | "max", dtype: ScalarType): string => (dtype === "f32" ? helper(op === "max" ? "larger" : "smaller") : op);
  return {
    // WebGPU clamps indices.
    safeLoads: true,
    types: { f32: "f32", f16: "f16", i32: "i32", u32: "u32", bool: "bool" },
    reserved: RESERVED,
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
    combine: (op, dtype, lanes) => {
      if (op === "sum") return lanes ? "subgroupAdd" : undefined;
      if (!lanes) return extreme(op, dtype);
      if (dtype !== "f32") return op === "max" ? "subgroupMax" : "subgroupMin";
      return helper(op === "max" ? "subgroup_larger" : "subgroup_smaller");
    },
    isNan: (text) => `${helper("is_nan")}(${text})`,
    select: (condition, yes, no) => `select(${no}, ${yes}, ${condition})`,
    cast: (text, _from, to) => `${to}(${text})`,
    threefry: (k0, k1, c0, c1) => `${helper("threefry")}(vec2u(${k0}, ${k1}), vec2u(${c0}, ${c1}))`,
    define: (name, _dtype, text) => `let ${name} = ${text};`,
    declare: (name, dtype) => `var ${name}: ${dtype};`,
  };
}
