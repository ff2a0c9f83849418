// The instructions that the assembler knows: name, bytes, and what stands between the name and the operands. Numbers are those of the
// WebAssembly core specification 2.0 (SIMD included) and of the relaxed SIMD proposal.

/** What an instruction carries besides operands. */
export type Immediate = "none" | "memory" | "lane" | "memory lane" | "shuffle";

export interface Opcode {
  /** The prefix (0xfc or 0xfd) and the number after it, or one byte. */
  readonly prefix?: number;
  readonly code: number;
  readonly immediate: Immediate;
  /** log2 of the natural alignment of a memory access. */
  readonly align: number;
}

const table = new Map<string, Opcode>();

function row(prefix: number | undefined, first: number, names: string, immediate: Immediate = "none", align = 0): void {
  names
    .trim()
    .split(/\s+/)
    .forEach((name, i) => {
      if (name !== "_") table.set(name, { ...(prefix !== undefined && { prefix }), code: first + i, immediate, align });
    });
}

const each = (types: string, names: string): string =>
  types
    .split(" ")
    .flatMap((type) =>
      names
        .trim()
        .split(/\s+/)
        .map((name) => (name === "_" ? "_" : `${type}.${name}`)),
    )
    .join(" ");

row(undefined, 0x00, "unreachable nop");
row(undefined, 0x1a, "drop select");
row(undefined, 0x28, "i32.load", "memory", 2);
row(undefined, 0x29, "i64.load", "memory", 3);
row(undefined, 0x2a, "f32.load", "memory", 2);
row(undefined, 0x2b, "f64.load", "memory", 3);
row(undefined, 0x2c, "i32.load8_s i32.load8_u", "memory", 0);
row(undefined, 0x2e, "i32.load16_s i32.load16_u", "memory", 1);
row(undefined, 0x36, "i32.store", "memory", 2);
row(undefined, 0x37, "i64.store", "memory", 3);
row(undefined, 0x38, "f32.store", "memory", 2);
row(undefined, 0x39, "f64.store", "memory", 3);
row(undefined, 0x3a, "i32.store8", "memory", 0);
row(undefined, 0x3b, "i32.store16", "memory", 1);
row(undefined, 0x45, each("i32 i64", "eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"));
row(undefined, 0x5b, each("f32 f64", "eq ne lt gt le ge"));
row(undefined, 0x67, each("i32 i64", "clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr"));
row(undefined, 0x8b, each("f32 f64", "abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign"));
row(
  undefined,
  0xa7,
  `i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u i64.extend_i32_s i64.extend_i32_u
   i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u f32.convert_i32_s f32.convert_i32_u f32.convert_i64_s f32.convert_i64_u
   f32.demote_f64 f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s f64.convert_i64_u f64.promote_f32 i32.reinterpret_f32
   i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64`,
);
row(
  0xfc,
  0,
  "i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u",
);

row(0xfd, 0, "v128.load", "memory", 4);
row(0xfd, 1, "v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u v128.load32x2_s v128.load32x2_u", "memory", 3);
row(0xfd, 7, "v128.load8_splat", "memory", 0);
row(0xfd, 8, "v128.load16_splat", "memory", 1);
row(0xfd, 9, "v128.load32_splat", "memory", 2);
row(0xfd, 10, "v128.load64_splat", "memory", 3);
row(0xfd, 11, "v128.store", "memory", 4);
row(0xfd, 13, "i8x16.shuffle", "shuffle");
row(0xfd, 14, "i8x16.swizzle i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat");
row(
  0xfd,
  21,
  `i8x16.extract_lane_s i8x16.extract_lane_u i8x16.replace_lane i16x8.extract_lane_s i16x8.extract_lane_u i16x8.replace_lane
   i32x4.extract_lane i32x4.replace_lane i64x2.extract_lane i64x2.replace_lane f32x4.extract_lane f32x4.replace_lane
   f64x2.extract_lane f64x2.replace_lane`,
  "lane",
);
row(0xfd, 35, each("i8x16 i16x8 i32x4", "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"));
row(0xfd, 65, each("f32x4 f64x2", "eq ne lt gt le ge"));
row(0xfd, 77, "v128.not v128.and v128.andnot v128.or v128.xor v128.bitselect v128.any_true");
row(0xfd, 86, "v128.load32_lane", "memory lane", 2);
row(0xfd, 87, "v128.load64_lane", "memory lane", 3);
row(0xfd, 88, "v128.store8_lane", "memory lane", 0);
row(0xfd, 90, "v128.store32_lane", "memory lane", 2);
row(0xfd, 91, "v128.store64_lane", "memory lane", 3);
row(0xfd, 92, "v128.load32_zero", "memory", 2);
row(0xfd, 93, "v128.load64_zero", "memory", 3);
row(0xfd, 94, "f32x4.demote_f64x2_zero f64x2.promote_low_f32x4");
row(0xfd, 103, "f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest");
row(0xfd, 116, "f64x2.ceil f64x2.floor");
row(0xfd, 122, "f64x2.trunc");
row(0xfd, 135, "i16x8.extend_low_i8x16_s i16x8.extend_high_i8x16_s i16x8.extend_low_i8x16_u i16x8.extend_high_i8x16_u");
row(0xfd, 148, "f64x2.nearest");
row(0xfd, 160, "i32x4.abs i32x4.neg _ i32x4.all_true i32x4.bitmask");
row(0xfd, 167, "i32x4.extend_low_i16x8_s i32x4.extend_high_i16x8_s i32x4.extend_low_i16x8_u i32x4.extend_high_i16x8_u");
row(0xfd, 171, "i32x4.shl i32x4.shr_s i32x4.shr_u i32x4.add _ _ i32x4.sub _ _ _ i32x4.mul i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u");
row(0xfd, 192, "i64x2.abs i64x2.neg");
row(0xfd, 199, "i64x2.extend_low_i32x4_s i64x2.extend_high_i32x4_s i64x2.extend_low_i32x4_u i64x2.extend_high_i32x4_u");
row(
  0xfd,
  203,
  "i64x2.shl i64x2.shr_s i64x2.shr_u i64x2.add _ _ i64x2.sub _ _ _ i64x2.mul i64x2.eq i64x2.ne i64x2.lt_s i64x2.gt_s i64x2.le_s i64x2.ge_s",
);
row(0xfd, 220, "i64x2.extmul_low_i32x4_s i64x2.extmul_high_i32x4_s i64x2.extmul_low_i32x4_u i64x2.extmul_high_i32x4_u");
row(0xfd, 224, each("f32x4", "abs neg _ sqrt add sub mul div min max pmin pmax"));
row(0xfd, 236, each("f64x2", "abs neg _ sqrt add sub mul div min max pmin pmax"));
row(
  0xfd,
  248,
  `i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u i32x4.trunc_sat_f64x2_s_zero
   i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u`,
);
row(0xfd, 0x105, "f32x4.relaxed_madd f32x4.relaxed_nmadd");

export const OPCODES: ReadonlyMap<string, Opcode> = table;
