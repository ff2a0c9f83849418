// The assembler against another one (wabt), instruction by instruction, and what its users rely on.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import createWabt from "wabt";
import { assemble } from "../../src/codegen/wasm/assemble.ts";
import { OPCODES } from "../../src/codegen/wasm/opcodes.ts";
import { InternalError } from "../../src/ir/types.ts";
import { sharedFlagAt } from "../../src/ir/wasm-module.ts";

const wabt = await createWabt();
const FEATURES = { simd: true, threads: true, bulk_memory: true, relaxed_simd: true, sat_float_to_int: true };
const MEMORY = '(import "env" "memory" (memory 1 65536 shared))';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const theirs = (text: string): string => hex(wabt.parseWat("test.wat", text, FEATURES).toBinary({}).buffer);
const ours = (text: string): string => hex(assemble(text, { relaxed: true }));

const IMMEDIATES = {
  none: "",
  memory: "offset=300",
  lane: "1",
  "memory lane": "offset=70000 1",
  shuffle: Array.from({ length: 16 }, (_, i) => 31 - i).join(" "),
} as const;

describe("instructions", () => {
  // Unreachable code has whatever operands an instruction wants.
  it.each([...OPCODES])("%s", (name, { immediate }) => {
    const text = `(module ${MEMORY} (func $f (unreachable) (${name} ${IMMEDIATES[immediate]}) (unreachable)))`;
    expect(ours(text)).toBe(theirs(text));
  });
});

describe("structure", () => {
  it.each([
    [
      "functions",
      `(func $f (export "run") (param $x i32) (param $y v128) (result i32) (local $a f32) (local $b f32) (local $c i32) (call $g (local.get $x)))
       (func $g (param $x i32) (result i32) (i32.add (local.get $x) (i32.const 1)))`,
    ],
    [
      "loops",
      `(func $f (param $n i32) (block $out (loop $l (br_if $out (i32.eqz (local.get $n))) (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br $l))))`,
    ],
    [
      "conditions",
      `(func $f (param $n i32) (result f32) (if (result f32) (local.get $n) (then (f32.const 1)) (else (f32.const -0))))
       (func $g (param $n i32) (if (i32.eqz (local.get $n)) (then (return))) (nop))`,
    ],
    [
      "constants",
      `(func $f (drop (i32.const -2147483648)) (drop (i32.const 64)) (drop (i64.const -9007199254740993)) (drop (f64.const 1e-300)) (drop (f32.const -inf)) (drop (v128.const i32x4 1 -1 0x7f 4)) (drop (v128.const f32x4 1 -0 1e-45 inf)) (drop (v128.const f64x2 0.1 -inf)))`,
    ],
    ["lanes", `(func $f (param $a i32) (param $v v128) (v128.store32_lane offset=8 2 (local.get $a) (local.get $v)))`],
  ])("%s", (_, body) => {
    const text = `(module ${MEMORY} ${body})`;
    expect(ours(text)).toBe(theirs(text));
    expect(WebAssembly.validate(Buffer.from(ours(text), "hex"))).toBe(true);
  });

  it("fuses multiply-adds only where it may", () => {
    const text = (instruction: string): string =>
      `(module ${MEMORY} (func $f (param $a v128) (param $b v128) (param $c v128) (result v128) ${instruction}))`;
    const operands = "(local.get $a) (local.get $b) (local.get $c)";
    const madd = text(`(f32x4.madd ${operands})`);
    expect(ours(madd)).toBe(theirs(text(`(f32x4.relaxed_madd ${operands})`)));
    const apart = text("(f32x4.add (f32x4.mul (local.get $a) (local.get $b)) (local.get $c))");
    expect(hex(assemble(madd, { relaxed: false }))).toBe(theirs(apart));
  });

  it("says where the memory is shared", () => {
    const bytes = assemble(`(module ${MEMORY} (func $f (param $x i32) (nop)) (func $g (nop)))`, { relaxed: false });
    const at = sharedFlagAt(bytes);
    expect(bytes[at]).toBe(3);
    bytes[at] = 1;
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
    expect(() => new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), { env: { memory } })).not.toThrow();
  });
});

it("keeps every float32", () => {
  fc.assert(
    fc.property(fc.float(), (x) => {
      const text = `(module ${MEMORY} (func $f (export "f") (result f32) (f32.const ${Number.isNaN(x) ? "nan" : Object.is(x, -0) ? "-0" : String(x).replace("Infinity", "inf")})))`;
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
      const module = new WebAssembly.Module(assemble(text, { relaxed: false }) as BufferSource);
      const f = new WebAssembly.Instance(module, { env: { memory } }).exports["f"] as () => number;
      expect(Object.is(f(), x)).toBe(true);
    }),
  );
});

it.each([
  ["an unknown instruction", "(func $f (i32.plus (i32.const 1)))", "i32.plus"],
  ["an unknown local", "(func $f (local.get $x))", "$x"],
  ["an unknown function", "(func $f (call $g))", "$g"],
  ["an unknown label", "(func $f (br $l))", "$l"],
  ["two functions of one name", "(func $f (nop)) (func $f (nop))", "name"],
  ["what is no function", "(fnuc $f (nop))", "fnuc"],
  ["a constant that is no number", "(func $f (drop (i32.const zz)))", "zz"],
  ["a missing constant", "(func $f (drop (i32.const)))", "nothing"],
  ["a fraction of an integer", "(func $f (drop (i32.const 1.5)))", "1.5"],
  ["an offset that is no number", "(func $f (drop (i32.load offset=x (i32.const 0))))", "x"],
  ["a lane that does not exist", "(func $f (drop (f32x4.extract_lane 256 (v128.const f32x4 0 0 0 0))))", "256"],
  ["a vector of three", "(func $f (drop (v128.const f32x4 0 0 0)))", "v128.const"],
  ["two locals of one name", "(func $f (local $x i32) (local $x i32))", "$x"],
  ["a missing parenthesis", "(func $f (nop)", "parentheses"],
])("names %s", (_, body, word) => {
  const attempt = (): Uint8Array => assemble(`(module ${MEMORY} ${body})`, { relaxed: false });
  expect(attempt).toThrow(InternalError);
  expect(attempt).toThrow(word);
});
