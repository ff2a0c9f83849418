// The types of values in every IR: an element type and a static shape. All shapes are known at compile time;
// a symbolic dimension of the language (`i32[time]`) is bound before a graph is built.

/** Element types. `u8` is storage: it is computed with as u32. `f16` and `bf16`, the upper half of an f32, are storage where a target has them. */
export type DType = "f32" | "f16" | "bf16" | "i32" | "u32" | "u8" | "bool";

export type Shape = readonly number[];

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

export const tensorType = (dtype: DType, shape: Shape): TensorType => Object.freeze({ dtype, shape: Object.freeze([...shape]) });

/** Number of elements; 1 for a scalar. */
export const sizeOf = (shape: Shape): number => shape.reduce((product, extent) => product * extent, 1);

/** Bytes of one element in a buffer. A bool is a byte that is 0 or 1. */
export const bytesPerElement = (dtype: DType): number => DTYPE_BYTES[dtype];

const DTYPE_BYTES = { f32: 4, f16: 2, bf16: 2, i32: 4, u32: 4, u8: 1, bool: 1 } as const satisfies Record<DType, number>;

/** Bytes of a tensor in an arena: whole 32-bit words, at least one. */
export const wordBytes = ({ dtype, shape }: TensorType): number => Math.max(4, Math.ceil((sizeOf(shape) * bytesPerElement(dtype)) / 4) * 4);

/** Whether four elements share a word of memory. */
export const isByte = (dtype: DType): boolean => bytesPerElement(dtype) === 1;

export const isFloat = (dtype: DType): boolean => dtype === "f32" || isHalf(dtype);

/** Whether a float is storage of 16 bits, which is computed with as f32. */
export const isHalf = (dtype: DType): dtype is "f16" | "bf16" => dtype === "f16" || dtype === "bf16";

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export const sameType = (a: TensorType, b: TensorType): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape);

/** `f32[2, 3]`, as the printers and diagnostics spell it. */
export const formatType = (type: TensorType): string => `${type.dtype}[${type.shape.join(", ")}]`;

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides: number[] = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i] ?? 1;
  }
  return strides;
}

/** A fault of the compiler itself, never of its user. */
export class InternalError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(`internal: ${message}`, options);
    this.name = "InternalError";
  }
}
