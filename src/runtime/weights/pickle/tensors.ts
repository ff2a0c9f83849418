// Tensors of a pickle: views of storages, with offsets and strides that anybody may have written. What a view reads lies in its storage, and
// no view has more elements than that, so that a few bytes cannot ask for gigabytes.

import { DTYPE_BITS, type SafetensorsDType } from "../safetensors.ts";
import { refusePickle } from "./bytes.ts";
import { Global, Storage, TensorView, Tuple, type PickleValue } from "./values.ts";

/** As many axes as PyTorch has in `state_dict`s, and more. */
const MOST_AXES = 16;

/** (storage, offset, size, stride, …): what follows is of gradients and hooks. */
export function rebuildTensor([storage, offset, size, stride]: readonly PickleValue[]): TensorView {
  if (!(storage instanceof Storage)) return refusePickle("it makes a tensor of what is no storage");
  if (storage.dtype === "bytes") return refusePickle("it makes a tensor of bytes of no type");
  return viewOf(storage, storage.dtype, offset, size, stride);
}

/** The same with the type of the elements for itself, which a storage of bytes does not know. */
export function rebuildTensorV3([storage, offset, size, stride, , , type]: readonly PickleValue[]): TensorView {
  if (!(storage instanceof Storage)) return refusePickle("it makes a tensor of what is no storage");
  const dtype = type instanceof Global ? type.dtype : undefined;
  if (dtype === undefined || dtype === "bytes") return refusePickle("it makes a tensor of no type");
  return viewOf(storage, dtype, offset, size, stride);
}

function viewOf(
  storage: Storage,
  dtype: SafetensorsDType,
  offset: PickleValue | undefined,
  size: PickleValue | undefined,
  stride: PickleValue | undefined,
): TensorView {
  if (typeof offset !== "number" || !Number.isSafeInteger(offset) || offset < 0) return refusePickle("a tensor begins nowhere");
  const shape = naturals(size, "the shape of a tensor");
  return checkedView({ storage, dtype, shape, strides: naturals(stride, "the strides of a tensor"), offset });
}

export function naturals(value: PickleValue | undefined, what: string): readonly number[] {
  const items = value instanceof Tuple ? value.items : Array.isArray(value) ? value : undefined;
  if (items === undefined || items.length > MOST_AXES || !items.every(isNatural))
    return refusePickle(`${what} is not at most ${MOST_AXES} natural numbers`);
  return items as readonly number[];
}

const isNatural = (value: PickleValue): boolean => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

export const bytesOf = (dtype: SafetensorsDType): number => DTYPE_BITS[dtype] / 8;

/** Throws unless all that it reads is in the storage. */
export function checkedView(view: Pick<TensorView, "storage" | "dtype" | "shape" | "strides" | "offset">): TensorView {
  const { storage, dtype, shape, strides, offset } = view;
  if (strides.length !== shape.length) return refusePickle("a tensor has as many strides as axes");
  const held = Math.floor(storage.bytes / bytesOf(dtype));
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (count === 0) return new TensorView(view);
  const last = shape.reduce((sum, extent, axis) => sum + (extent - 1) * (strides[axis] ?? 0), offset);
  // Products beyond the exact integers are far beyond any storage, too.
  if (!(last < held)) return refusePickle(`a tensor [${shape.join(", ")}] lies outside of its storage of ${held} elements`);
  if (!(count <= held)) return refusePickle(`a tensor [${shape.join(", ")}] repeats the ${held} elements of its storage`);
  return new TensorView(view);
}

/** Whether its elements lie in the file as they lie in a tensor of its own. */
export function isContiguous({ shape, strides }: TensorView): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis] ?? 1;
    if (extent !== 1 && strides[axis] !== expected) return false;
    expected *= extent;
  }
  return true;
}

/** The bytes of its storage that it reads: from its first to its last element. */
export function spanOf({ shape, strides, offset, dtype }: TensorView): { readonly begin: number; readonly end: number } {
  const size = bytesOf(dtype);
  if (shape.includes(0)) return { begin: 0, end: 0 };
  const last = shape.reduce((sum, extent, axis) => sum + (extent - 1) * (strides[axis] ?? 0), offset);
  return { begin: offset * size, end: (last + 1) * size };
}

/** The elements of a strided view, row-major. @param span the bytes of `spanOf` */
export function gather({ shape, strides, dtype }: TensorView, span: Uint8Array): Uint8Array {
  const size = bytesOf(dtype);
  const count = shape.reduce((product, extent) => product * extent, 1);
  const result = new Uint8Array(count * size);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to += size) {
    for (let byte = 0; byte < size; byte++) result[to + byte] = span[from * size + byte] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0;
      const next = (index[axis] ?? 0) + 1;
      if (next < (shape[axis] ?? 0)) {
        index[axis] = next;
        from += stride;
        break;
      }
      from -= (next - 1) * stride;
      index[axis] = 0;
    }
  }
  return result;
}
