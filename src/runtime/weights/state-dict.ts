// What a checkpoint of PyTorch holds, as named tensors: dictionaries within dictionaries become dotted names, and what is no tensor (epochs,
// losses, settings) is left out. Training scripts put the weights beside optimizer and counters; then only the weights are taken.

import { DataError } from "../errors.ts";
import { Dict, NumpyArray, TensorView, Tuple, type PickleValue } from "./pickle/values.ts";

/** Under which names training scripts keep a network's weights, in the order in which they are looked for. */
const WRAPPERS = ["state_dict", "model_state_dict", "model", "net", "network", "module", "params_ema", "params", "weights"];
const MOST_DEPTH = 32;
/** Values looked at; what is shared may be reached in more ways than there are values. */
const MOST_VALUES = 1_000_000;

export function tensorsOf(root: PickleValue): ReadonlyMap<string, TensorView> {
  const tensors = new Map<string, TensorView>();
  let values = 0;
  const visit = (value: PickleValue, path: string, depth: number): void => {
    if (++values > MOST_VALUES) throw new DataError(`it has more than ${MOST_VALUES} values`);
    if (depth > MOST_DEPTH) throw new DataError(`its dictionaries are nested more than ${MOST_DEPTH} deep`);
    const view = value instanceof NumpyArray ? value.view : value;
    if (view instanceof TensorView) {
      if (tensors.has(path)) throw new DataError(`it has two tensors ${JSON.stringify(path)}`);
      tensors.set(path, view);
    } else for (const [key, inner] of childrenOf(value)) visit(inner, path === "" ? key : `${path}.${key}`, depth + 1);
  };
  visit(unwrapped(root), "", 0);
  if (tensors.size === 0) throw new DataError("it holds no tensors", "save a `state_dict`: torch.save(model.state_dict(), FILE)");
  return tensors;
}

function unwrapped(root: PickleValue, depth = 0): PickleValue {
  if (depth > MOST_DEPTH || !(root instanceof Dict) || [...root.entries].some(([, value]) => value instanceof TensorView)) return root;
  for (const name of WRAPPERS) {
    const inner = root.get(name);
    // A checkpoint in a checkpoint: Lightning's, saved again.
    if (inner instanceof Dict) return unwrapped(inner, depth + 1);
  }
  return root;
}

function* childrenOf(value: PickleValue): Iterable<readonly [string, PickleValue]> {
  if (value instanceof Dict) {
    for (const [key, inner] of value.entries) if (typeof key === "string" || typeof key === "number") yield [String(key), inner];
  } else if (Array.isArray(value) || value instanceof Tuple)
    for (const [i, inner] of (value instanceof Tuple ? value.items : value).entries()) yield [String(i), inner];
}
