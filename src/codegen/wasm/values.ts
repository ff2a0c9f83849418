// Values of a WebAssembly function in the making: an interned graph of instructions without effects. Each value knows the depth of the
// loop that it varies in, so that the printer can compute it outside of all loops further in. Printing is in function.ts.

import { InternalError } from "../../ir/types.ts";

export type WasmType = "i32" | "f32" | "v128";

export interface Value {
  readonly id: number;
  /** An instruction; or `var` for a local that statements set, `call $f`, and `either`: see function.ts. */
  readonly op: string;
  /** What stands between the instruction and its operands: a constant, lanes, a memory offset; the local of a `var`. */
  readonly immediate: string;
  readonly args: readonly Value[];
  readonly type: WasmType;
  /** Loops around the innermost variable that it depends on. */
  readonly depth: number;
}

const INTERLEAVED = ["0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23", "8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31"];

export class Values {
  readonly #known = new Map<string, Value>();
  #count = 0;
  #epoch = 0;

  /** What is loaded from memory that the kernel writes is loaded again after this. */
  forgetLoads(): void {
    this.#epoch++;
  }

  variable(name: string, type: WasmType, depth: number): Value {
    return { id: this.#count++, op: "var", immediate: name, args: [], type, depth };
  }

  make(op: string, type: WasmType, args: readonly Value[], immediate = ""): Value {
    return this.#intern(`${op} ${immediate}`, op, type, args, immediate, 0);
  }

  /** A load that must not move: out of loops deeper than `depth`, or over a store. */
  unstable(op: string, type: WasmType, args: readonly Value[], immediate: string, depth: number): Value {
    return this.#intern(`${op} ${immediate} ${String(this.#epoch)} ${String(depth)}`, op, type, args, immediate, depth);
  }

  #intern(name: string, op: string, type: WasmType, args: readonly Value[], immediate: string, depth: number): Value {
    const key = `${name} ${args.map((arg) => arg.id).join()}`;
    let value = this.#known.get(key);
    if (!value) {
      value = { id: this.#count++, op, immediate, args, type, depth: args.reduce((most, arg) => Math.max(most, arg.depth), depth) };
      this.#known.set(key, value);
    }
    return value;
  }

  i32(value: number): Value {
    return this.make("i32.const", "i32", [], String(value | 0));
  }

  f32(value: number): Value {
    return this.make("f32.const", "f32", [], floatText(value));
  }

  /** Four equal lanes. */
  splat(x: Value): Value {
    if (x.op === "i32.const") return this.lanes("i32x4", Array<string>(4).fill(x.immediate));
    if (x.op === "f32.const") return this.lanes("f32x4", Array<string>(4).fill(x.immediate));
    return this.make(x.type === "f32" ? "f32x4.splat" : "i32x4.splat", "v128", [x]);
  }

  lanes(shape: "i32x4" | "f32x4", values: readonly (string | number)[]): Value {
    return this.make("v128.const", "v128", [], `${shape} ${values.join(" ")}`);
  }

  lane(x: Value, lane: number, type: "i32" | "f32"): Value {
    return this.make(`${type}x4.extract_lane`, type, [x], String(lane));
  }

  /** The lanes of two vectors by turns: of the first two of each, and of the last. */
  interleaved(x: Value, y: Value): Value[] {
    return INTERLEAVED.map((bytes) => this.make("i8x16.shuffle", "v128", [x, y], bytes));
  }

  add(x: Value, y: Value): Value {
    const [a, b] = [constantOf(x), constantOf(y)];
    if (a !== undefined && b !== undefined) return this.i32(a + b);
    if (a === 0) return y;
    if (b === 0) return x;
    return this.make("i32.add", "i32", [x, y]);
  }

  mul(x: Value, factor: number): Value {
    const a = constantOf(x);
    if (a !== undefined) return this.i32(Math.imul(a, factor));
    if (factor === 0) return this.i32(0);
    if (factor === 1) return x;
    if (factor > 0 && Number.isInteger(Math.log2(factor))) return this.make("i32.shl", "i32", [x, this.i32(Math.log2(factor))]);
    return this.make("i32.mul", "i32", [x, this.i32(factor)]);
  }

  /** The sum, its terms ordered by the loops they vary in: the outer part is then a value of the outer loop. */
  sum(terms: readonly Value[]): Value {
    const sorted = [...terms].sort((a, b) => a.depth - b.depth);
    return sorted.reduce((x, y) => this.add(x, y), this.i32(0));
  }

  binary(op: string, x: Value, y: Value): Value {
    return this.make(op, op.startsWith("i32.") ? "i32" : op.startsWith("f32.") ? "f32" : "v128", [x, y]);
  }

  unary(op: string, x: Value): Value {
    return this.make(op, op.startsWith("i32.") || op.endsWith("all_true") ? "i32" : op.startsWith("f32.") ? "f32" : "v128", [x]);
  }
}

export const constantOf = (x: Value): number | undefined => (x.op === "i32.const" ? Number(x.immediate) : undefined);

export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

/** The element that must be there. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new InternalError("a value is missing");
  return value;
}
