// A recipe whose network gives what it is given: one linear layer that starts as the identity. So a test hands a loss or a metric the
// outputs that it wants.

import type { Artifact } from "../../src/ir/artifact.ts";
import type { DataInfo, LabelInfo } from "../../src/ir/plan.ts";
import type { Device } from "../../src/runtime/device.ts";
import { Network } from "../../src/runtime/network.ts";
import { fromHostArray } from "../../src/runtime/weights/tensor-values.ts";
import { loadWeights } from "../../src/runtime/weights/model-weights.ts";
import { compileText } from "./run-spec.ts";

export interface IdentityRecipe {
  /** Numbers of an output. */
  readonly width: number;
  /** Lines: `loss` and what else belongs to the test. */
  readonly recipe: string;
  readonly batch: number;
  readonly label: Pick<LabelInfo["label"], "dtype" | "shape">;
  readonly classes: readonly string[];
}

const infoOf = ({ width, label, classes }: IdentityRecipe): DataInfo => ({
  inputs: [{ name: "values", dtype: "f32", shape: [width] }],
  label: { name: "label", ...label },
  classes,
});

export const identityArtifact = (it: IdentityRecipe, target: string): Promise<Artifact> =>
  compileText(
    `network identity {
  input values: f32[${it.width}]
  fc: linear(${it.width}, bias: false)
}
dataset d {
  train table("d.csv", values: v, label: l)
}
recipe r {
  network identity
  data d
  ${it.recipe}
  optimizer sgd(lr: 1)
  batch ${it.batch}
  epochs 1
}
`,
    infoOf(it),
    target,
  );

export async function openIdentity(it: IdentityRecipe, device: Device): Promise<Network> {
  const artifact = await identityArtifact(it, device.info.kind);
  const network = await Network.open(artifact, device);
  const { width } = it;
  const identity = Float32Array.from({ length: width * width }, (_, i) => Number(i % (width + 1) === 0));
  loadWeights(network.loaded, { tensors: new Map([["fc.weight", fromHostArray(identity, "f32", [width, width])]]), metadata: new Map() });
  return network;
}
