// Between the bytes of a safetensors tensor and the typed arrays that devices take. Half precision is widened, never guessed:
// a dtype that would lose values is refused with its name. Browser-safe.

import { hostArray, type HostArray } from "../../ir/arrays.ts";
import { fromHalf } from "../../ir/half.ts";
import type { DType } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import type { SafetensorsDType, Tensor } from "./safetensors.ts";

/** A copy, since tensors lie unaligned in files of other writers. */
const aligned = (data: Uint8Array): ArrayBuffer => {
  const copy = new ArrayBuffer(data.length);
  new Uint8Array(copy).set(data);
  return copy;
};

export function toFloat32(name: string, tensor: Tensor): Float32Array {
  const buffer = aligned(tensor.data);
  switch (tensor.dtype) {
    case "F32":
      return new Float32Array(buffer);
    case "F64":
      return Float32Array.from(new Float64Array(buffer), (value) => {
        if (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))
          throw new DataError(`tensor ${name} holds ${value}, which is beyond the numbers of f32`);
        return value;
      });
    case "F16":
      return Float32Array.from(new Uint16Array(buffer), fromHalf);
    case "BF16":
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer);
    default:
      throw new DataError(`tensor ${name} is ${tensor.dtype}, expected floating-point numbers`);
  }
}

/** The integers of a file, each as its dtype means it. */
function integersOf(name: string, { dtype, data }: Tensor): ArrayLike<number> | ArrayLike<bigint> {
  const buffer = aligned(data);
  switch (dtype) {
    case "I8":
      return new Int8Array(buffer);
    case "U8":
    case "BOOL":
      return new Uint8Array(buffer);
    case "I16":
      return new Int16Array(buffer);
    case "U16":
      return new Uint16Array(buffer);
    case "I32":
      return new Int32Array(buffer);
    case "U32":
      return new Uint32Array(buffer);
    case "I64":
      return new BigInt64Array(buffer);
    case "U64":
      return new BigUint64Array(buffer);
    default:
      throw new DataError(`tensor ${name} is ${dtype}, expected integers`);
  }
}

/** What integers a buffer of a type can hold, both ends included. */
const RANGES = { i32: [-(2 ** 31), 2 ** 31 - 1], u32: [0, 2 ** 32 - 1], u8: [0, 255], bool: [0, 1] } as const;

function toIntegers(name: string, tensor: Tensor, dtype: keyof typeof RANGES): HostArray {
  const values = integersOf(name, tensor);
  const [low, high] = RANGES[dtype];
  const result = hostArray(dtype, values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value < low || value > high) throw new DataError(`tensor ${name} holds ${value}, which is no ${dtype}`);
    result[i] = Number(value);
  }
  return result;
}

/** In the form a buffer of type `dtype` takes. */
export function toHostArray(name: string, tensor: Tensor, dtype: DType): HostArray {
  switch (dtype) {
    case "f32":
      return toFloat32(name, tensor);
    case "i32":
    case "u32":
    case "bool":
    case "u8":
      return toIntegers(name, tensor, dtype);
    case "f16":
      if (tensor.dtype === "F16") return new Uint16Array(aligned(tensor.data));
      throw new DataError(`tensor ${name} is ${tensor.dtype}, expected F16`);
    default:
      return dtype satisfies never;
  }
}

const FILE_DTYPES = { f32: "F32", f16: "F16", i32: "I32", u32: "U32", u8: "U8", bool: "BOOL" } as const satisfies Record<
  DType,
  SafetensorsDType
>;

/** What a device gave back, for writing. */
export const fromHostArray = (values: HostArray, dtype: DType, shape: readonly number[]): Tensor => ({
  dtype: FILE_DTYPES[dtype],
  shape,
  data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
});
