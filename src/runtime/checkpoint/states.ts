// The states of a loaded stage, out of a device and back to the bit.

import type { StateKind } from "../../ir/state.ts";
import { sizeOf } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import type { LoadedStage } from "../network.ts";
import type { Tensor } from "../weights/safetensors.ts";
import { fromHostArray, toFloat64, toHostArray } from "../weights/tensor-values.ts";
import type { Snapshot } from "./checkpoint.ts";

/** As they are after everything enqueued so far, which this does not wait for. */
export async function readStates({ stage, session }: LoadedStage, isAsked: (kind: StateKind) => boolean = () => true): Promise<Snapshot> {
  const states = stage.states.filter(({ kind }) => isAsked(kind));
  const values = await (session.exact ?? session).read(states.map(({ name }) => name));
  const snapshot = new Map<string, Tensor>();
  for (const { name, type } of states) {
    const array = values.get(name);
    if (array !== undefined) snapshot.set(name, fromHostArray(array, type.dtype, type.shape));
  }
  return snapshot;
}

/** Nothing is written before all is known to fit. */
export function writeStates(loaded: LoadedStage, snapshot: Snapshot): void {
  const { stage, session } = loaded;
  const { exact } = session;
  const states = new Map(stage.states.map((state) => [state.name, state]));
  const writes = [...snapshot].map(([name, tensor]) => {
    const type = states.get(name)?.type;
    if (!type) throw new DataError(`the stage ${stage.name} has no state ${name}`);
    if (type.shape.join() !== tensor.shape.join())
      throw new DataError(`the state ${name} is [${tensor.shape.join(", ")}], the stage ${stage.name} has [${type.shape.join(", ")}]`);
    if (exact && tensor.dtype === "F64") return () => exact.write(name, toFloat64(tensor));
    const values = toHostArray(name, tensor, type.dtype);
    if (values.length !== sizeOf(type.shape)) throw new DataError(`the state ${name} is not whole`);
    return () => session.write(name, values);
  });
  for (const write of writes) write();
  loaded.hasWeights = true;
}

/** All that a stage carries from step to step. */
export function restoreStates(loaded: LoadedStage, snapshot: Snapshot): void {
  const missing = loaded.stage.states.find(({ name }) => !snapshot.has(name));
  if (missing) throw new DataError(`the state ${missing.name} is missing`);
  writeStates(loaded, snapshot);
}

/** What makes a network's answers, without what only its training remembers. */
export const isOfNetwork = (kind: StateKind): boolean => !["optimizer", "counter", "metric", "teacher"].includes(kind);
