// Between the bytes of a safetensors tensor and the typed arrays that devices take. Half precision is widened, never guessed:
// a dtype that would lose values is refused with its name. Browser-safe.

import type { HostArray } from "../../ir/arrays.ts";
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
      return Float32Array.from(new Float64Array(buffer));
    case "F16":
      return Float32Array.from(new Uint16Array(buffer), fromHalf);
    case "BF16":
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer);
    default:
      throw new DataError(`tensor ${name} is ${tensor.dtype}, expected floating-point numbers`);
  }
}

export function toInt32(name: string, tensor: Tensor): Int32Array {
  const buffer = aligned(tensor.data);
  switch (tensor.dtype) {
    case "I32":
    case "U32":
      return new Int32Array(buffer);
    case "U8":
    case "BOOL":
      return Int32Array.from(new Uint8Array(buffer));
    case "I64":
    case "U64":
      return Int32Array.from(new BigInt64Array(buffer), (value) => {
        const narrowed = Number(BigInt.asIntN(32, value));
        if (BigInt(narrowed) !== value) throw new DataError(`tensor ${name} holds ${value}, which does not fit 32 bits`);
        return narrowed;
      });
    default:
      throw new DataError(`tensor ${name} is ${tensor.dtype}, expected integers`);
  }
}

/** In the form a buffer of type `dtype` takes. */
export function toHostArray(name: string, tensor: Tensor, dtype: DType): HostArray {
  switch (dtype) {
    case "f32":
      return toFloat32(name, tensor);
    case "i32":
      return toInt32(name, tensor);
    case "u8":
      if (tensor.dtype === "U8") return tensor.data;
      throw new DataError(`tensor ${name} is ${tensor.dtype}, expected U8`);
    case "u32":
      return new Uint32Array(toInt32(name, tensor).buffer);
    case "bool":
      return Uint8Array.from(toInt32(name, tensor), Number);
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
