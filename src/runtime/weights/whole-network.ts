// The weights of a network that is not trained, from a file in memory.

import type { Artifact } from "../../ir/artifact.ts";
import { DataError } from "../errors.ts";
import type { NamedWeights } from "./model-weights.ts";
import type { Tensor } from "./safetensors.ts";

/** Tensors in memory under the network's own names, all of which must be there. */
export function wholeNetwork(parameters: Artifact["parameters"], tensors: ReadonlyMap<string, Tensor>): NamedWeights {
  const missing = parameters.find(({ name }) => !tensors.has(name));
  if (missing) throw new DataError(`${missing.name} of the teacher is missing`);
  const misshapen = parameters.find(({ name, shape }) => tensors.get(name)?.shape.join() !== shape.join());
  if (misshapen) throw new DataError(`${misshapen.name} of the teacher is not [${misshapen.shape.join(", ")}]`);
  const of = (name: string): Promise<Tensor> => {
    const tensor = tensors.get(name);
    return tensor ? Promise.resolve(tensor) : Promise.reject(new DataError(`${name} of the teacher is missing`));
  };
  return { matches: new Map(parameters.map(({ name }) => [name, { tensor: name }])), read: of };
}
