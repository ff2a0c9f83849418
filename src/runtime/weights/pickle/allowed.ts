// The only names that a pickle of weights may use, and what each does here: the list of PyTorch's `weights_only`, as far as it makes tensors
// and what stands around them. Nothing is looked up anywhere else.

import { DataError } from "../../errors.ts";
import type { SafetensorsDType } from "../safetensors.ts";
import { refusePickle } from "./bytes.ts";
import { numpyDType, numpyReconstruct } from "./numpy.ts";
import { rebuildTensor, rebuildTensorV3 } from "./tensors.ts";
import { Dict, Global, Opaque, Tuple, type PickleValue } from "./values.ts";

/** What `torch.save` calls types of storages, and of elements. */
const STORAGES: Readonly<Record<string, SafetensorsDType | "bytes">> = {
  DoubleStorage: "F64",
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
  ComplexFloatStorage: "C64",
};

const DTYPES: Readonly<Record<string, SafetensorsDType>> = {
  ...{ float64: "F64", float32: "F32", float16: "F16", bfloat16: "BF16", complex64: "C64" },
  ...{ int64: "I64", int32: "I32", int16: "I16", int8: "I8", uint8: "U8", uint16: "U16", uint32: "U32", uint64: "U64", bool: "BOOL" },
  ...{ float8_e4m3fn: "F8_E4M3", float8_e5m2: "F8_E5M2", float8_e8m0fnu: "F8_E8M0" },
};

type Call = NonNullable<Global["call"]>;

/** `OrderedDict()`, or of pairs, as Python 2 wrote it. */
const orderedDict: Call = ([pairs = []]) => {
  const dict = new Dict();
  if (!Array.isArray(pairs)) return refusePickle("it makes an OrderedDict of what is no list");
  for (const pair of pairs) {
    const [key, value] = pair instanceof Tuple ? pair.items : Array.isArray(pair) ? pair : [];
    if (typeof key !== "string" || value === undefined) return refusePickle("it makes an OrderedDict of what are no pairs");
    dict.set(key, value);
  }
  return dict;
};

/** A parameter is its tensor; that it has a gradient, and hooks, does not matter here. */
const first: Call = ([tensor]) => tensor ?? refusePickle("it makes a parameter of nothing");

/** `func(*args)`, made an instance of a subclass of tensor, such as Parameter. */
const rebuildFromType: Call = ([func, , args]) =>
  func instanceof Global && func.call !== undefined && args instanceof Tuple
    ? func.call(args.items)
    : refusePickle("it makes a tensor of a type of its own");

const encode: Call = ([text]) => {
  if (typeof text !== "string") return refusePickle("it makes bytes of what is no text");
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
};

const set: Call = ([items = []]) => {
  const made = new Dict();
  if (!Array.isArray(items)) return refusePickle("it makes a set of what is no list");
  for (const item of items)
    made.set(typeof item === "string" || typeof item === "number" ? item : refusePickle("it has a container as a key"), true);
  return made;
};

const size: Call = ([items]) => (items instanceof Tuple ? items : refusePickle("it has a torch.Size of what is no tuple"));

const opaque =
  (what: string): Call =>
  () =>
    new Opaque(what);

const CALLS: Readonly<Record<string, Call>> = {
  "collections.OrderedDict": orderedDict,
  "torch._utils._rebuild_tensor": rebuildTensor,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_tensor_v3": rebuildTensorV3,
  "torch._utils._rebuild_parameter": first,
  "torch._utils._rebuild_parameter_with_state": first,
  "torch._tensor._rebuild_from_type_v2": rebuildFromType,
  "torch.Size": size,
  "torch.device": opaque("a device"),
  "torch.serialization._get_layout": opaque("a layout"),
  "_codecs.encode": encode,
  "builtins.set": set,
  "__builtin__.set": set,
  "numpy.dtype": numpyDType,
  "numpy.core.multiarray.scalar": opaque("a number of numpy"),
  "numpy._core.multiarray.scalar": opaque("a number of numpy"),
  "numpy.core.multiarray._reconstruct": numpyReconstruct,
  "numpy._core.multiarray._reconstruct": numpyReconstruct,
};

/** Named, and passed to what is called. */
const NAMES = ["torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.Parameter", "numpy.ndarray"];

const ALLOWED: ReadonlyMap<string, Global> = new Map([
  ...Object.entries(CALLS).map(([name, call]) => [name, new Global(name, { call })] as const),
  ...NAMES.map((name) => [name, new Global(name)] as const),
  ...Object.entries(STORAGES).flatMap(([name, dtype]) =>
    [`torch.${name}`, `torch.cuda.${name}`].map((full) => [full, new Global(full, { dtype })] as const),
  ),
  ...["torch.storage.UntypedStorage", "torch.UntypedStorage"].map((name) => [name, new Global(name, { dtype: "bytes" })] as const),
  ...Object.entries(DTYPES).map(([name, dtype]) => [`torch.${name}`, new Global(`torch.${name}`, { dtype })] as const),
]);

/** What a name means; throws for all that is not in the list. */
export function global(name: string): PickleValue {
  const found = ALLOWED.get(name);
  if (found !== undefined) return found;
  throw new DataError(
    `it asks for \`${name}\`, which is not among what weights are made of; nothing was run`,
    "if you trust the file, write what matters of it in Python: torch.save(model.state_dict(), FILE)",
  );
}
