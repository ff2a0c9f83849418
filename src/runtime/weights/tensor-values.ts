// Between the bytes of a safetensors tensor and the typed arrays that devices take. Half precision is widened, never guessed:
// a dtype that would lose values is refused with its name. Browser-safe.

import { hostArray, type HostArray } from "../../ir/arrays.ts";
import { fromHalf } from "../../ir/half.ts";
import type { DType } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import type { SafetensorsDType, Tensor } from "./safetensors.ts";

type ElementArray<T> = { readonly BYTES_PER_ELEMENT: number } & (new (buffer: ArrayBufferLike, at: number, length: number) => T);

/** Of the bytes themselves where they lie as an array of these elements must, else of a copy: files of other writers are not aligned. */
function elements<T>(Elements: ElementArray<T>, data: Uint8Array): T {
  const size = Elements.BYTES_PER_ELEMENT;
  const { buffer, byteOffset } = data.byteOffset % size === 0 ? data : data.slice();
  return new Elements(buffer, byteOffset, data.length / size);
}

/** Of a tensor that holds doubles. */
export const toFloat64 = ({ data }: Tensor): Float64Array => elements(Float64Array, data);

/** Not a copy where the file holds these very numbers: who keeps it copies it. */
export function toFloat32(name: string, tensor: Tensor): Float32Array {
  const { dtype, data } = tensor;
  switch (dtype) {
    case "F32":
      return elements(Float32Array, data);
    case "F64":
      return Float32Array.from(elements(Float64Array, data), (value) => {
        if (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))
          throw new DataError(`tensor ${name} holds ${value}, which is beyond the numbers of f32`);
        return value;
      });
    case "F16":
      return Float32Array.from(elements(Uint16Array, data), fromHalf);
    case "BF16": {
      const halves = elements(Uint16Array, data);
      const bits = new Uint32Array(halves.length);
      for (let i = 0; i < halves.length; i++) bits[i] = (halves[i] ?? 0) << 16;
      return new Float32Array(bits.buffer);
    }
    default: {
      const integers = integersOf(name, tensor);
      const values = new Float32Array(integers.length);
      for (let i = 0; i < integers.length; i++) {
        values[i] = Number(integers[i] ?? 0);
        // A bigint is compared as the number that it is.
        if (values[i] != integers[i]) throw new DataError(`tensor ${name} holds ${integers[i] ?? 0}, which is no number of f32`); // eslint-disable-line eqeqeq
      }
      return values;
    }
  }
}

/** The integers of a file, each as its dtype means it. */
function integersOf(name: string, { dtype, data }: Tensor): ArrayLike<number> | ArrayLike<bigint> {
  switch (dtype) {
    case "I8":
      return elements(Int8Array, data);
    case "U8":
    case "BOOL":
      return data;
    case "I16":
      return elements(Int16Array, data);
    case "U16":
      return elements(Uint16Array, data);
    case "I32":
      return elements(Int32Array, data);
    case "U32":
      return elements(Uint32Array, data);
    case "I64":
      return elements(BigInt64Array, data);
    case "U64":
      return elements(BigUint64Array, data);
    default:
      throw new DataError(`tensor ${name} is ${dtype}, expected numbers`);
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
    case "bf16":
      if (tensor.dtype === FILE_DTYPES[dtype]) return elements(Uint16Array, tensor.data);
      throw new DataError(`tensor ${name} is ${tensor.dtype}, expected ${FILE_DTYPES[dtype]}`);
    default:
      return dtype satisfies never;
  }
}

const FILE_DTYPES = { f32: "F32", f16: "F16", bf16: "BF16", i32: "I32", u32: "U32", u8: "U8", bool: "BOOL" } as const satisfies Record<
  DType,
  SafetensorsDType
>;

/** What a device gave back, for writing. */
export const fromHostArray = (values: HostArray | Float64Array, dtype: DType, shape: readonly number[]): Tensor => ({
  dtype: values instanceof Float64Array ? "F64" : FILE_DTYPES[dtype],
  shape,
  data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
});
