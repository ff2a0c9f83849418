// The typed array of each element type: on the host, as devices take and give values, and in the interpreter, where floats are float64.

import { toHalf } from "./half.ts";
import { InternalError, type DType } from "./types.ts";

/** Half floats are their bits. */
export type HostArray = Float32Array | Int32Array | Uint32Array | Uint8Array | Uint16Array;
export type InterpreterArray = Float64Array | Int32Array | Uint32Array | Uint8Array;

/** What all classes of typed arrays have in common. */
interface ArrayClass<A> {
  readonly name: string;
  new (length: number): A;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): A;
  from(values: ArrayLike<number>): A;
}

const INTEGERS = { i32: Int32Array, u32: Uint32Array, u8: Uint8Array, bool: Uint8Array };

export const HOST_ARRAYS: Readonly<Record<DType, ArrayClass<HostArray>>> = {
  ...INTEGERS,
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
};

const INTERPRETER_ARRAYS: Readonly<Record<DType, ArrayClass<InterpreterArray>>> = {
  ...INTEGERS,
  f32: Float64Array,
  f16: Float64Array,
  bf16: Float64Array,
};

/** `length` elements of a type, all zero. */
export const hostArray = (dtype: DType, length: number): HostArray => new HOST_ARRAYS[dtype](length);
export const interpreterArray = (dtype: DType, length: number): InterpreterArray => new INTERPRETER_ARRAYS[dtype](length);

/** Numbers as the nearest elements of a type. */
export function hostArrayFrom(values: ArrayLike<number>, dtype: DType): HostArray {
  if (dtype === "bf16") throw new InternalError("the host has no values of bf16");
  return dtype === "f16" ? Uint16Array.from(values, toHalf) : HOST_ARRAYS[dtype].from(values);
}
