// Arrays of numpy within a pickle: their bytes stand in it, and become tensors as any other.

import type { SafetensorsDType } from "../safetensors.ts";
import { refusePickle } from "./bytes.ts";
import { checkedView, naturals } from "./tensors.ts";
import { NumpyArray, NumpyDType, Storage, Tuple, type PickleValue } from "./values.ts";

const DTYPES: ReadonlyMap<string, SafetensorsDType> = new Map([
  ...([
    ["f8", "F64"],
    ["f4", "F32"],
    ["f2", "F16"],
    ["b1", "BOOL"],
  ] as const),
  ...([
    ["i8", "I64"],
    ["i4", "I32"],
    ["i2", "I16"],
    ["i1", "I8"],
  ] as const),
  ...([
    ["u8", "U64"],
    ["u4", "U32"],
    ["u2", "U16"],
    ["u1", "U8"],
  ] as const),
]);

export const numpyDType = ([code]: readonly PickleValue[]): PickleValue =>
  typeof code === "string" ? new NumpyDType(code) : refusePickle("it has a dtype of numpy without a name");

/** An empty array, which gets its contents next. */
export const numpyReconstruct = (): PickleValue => new NumpyArray();

/** (version, byte order, …). */
export function setDTypeState(dtype: NumpyDType, state: PickleValue): void {
  if (!(state instanceof Tuple)) return refusePickle("it has a dtype of numpy that is none");
  dtype.isBigEndian = state.items[1] === ">";
}

/** (version, shape, dtype, whether columns come first, bytes). */
export function setArrayState(array: NumpyArray, state: PickleValue): void {
  const [, size, numpy, isFortran, bytes] = state instanceof Tuple ? state.items : [];
  if (!(numpy instanceof NumpyDType) || !(bytes instanceof Uint8Array)) return refusePickle("it has an array of numpy that is none");
  const dtype = DTYPES.get(numpy.code);
  if (dtype === undefined || numpy.isBigEndian)
    return refusePickle(`it has an array of numpy with elements \`${numpy.isBigEndian ? ">" : ""}${numpy.code}\``);
  const shape = naturals(size, "the shape of an array");
  const strides = isFortran === true ? columnsFirst(shape) : rowsFirst(shape);
  const storage = new Storage({ key: "", dtype, bytes: bytes.length, start: 0, inline: bytes });
  array.view = checkedView({ storage, dtype, shape, strides, offset: 0 });
}

const columnsFirst = (shape: readonly number[]): number[] => shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1));
const rowsFirst = (shape: readonly number[]): number[] => shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
