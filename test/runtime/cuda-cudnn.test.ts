// What NVIDIA's cuDNN would do on GPUs that are not there: it is told of an H100 and an A100, and asked for plans of every convolution of networks in every
// precision. It executes none. Skipped, with the reason, where there is no cuDNN of 9.8 or later beside a cuBLASLt, or no koffi.

import { describe, expect, it } from "vitest";
import type { ConvolutionOfLibrary } from "../../src/ir/program.ts";
import { bytesPerElement, sizeOf } from "../../src/ir/types.ts";
import { convolutionOperation } from "../../src/runtime/cuda/cudnn-convolution.ts";
import { attentionOperation } from "../../src/runtime/cuda/cudnn-attention.ts";
import { Descriptors } from "../../src/runtime/cuda/cudnn-descriptors.ts";
import { enginesOf, graphOf, plansOf, type GraphOperation, type GraphPlan } from "../../src/runtime/cuda/cudnn-graph.ts";
import { CUDNN_STATUSES, CUDNN_VALUES as V } from "../../src/runtime/cuda/cudnn-values.ts";
import type { Argument } from "../../src/runtime/cuda/driver.ts";
import { bind, findKoffi, type Koffi } from "../../src/runtime/cuda/koffi.ts";
import { filesOf } from "../../src/runtime/cuda/libraries.ts";
import { NativeLibrary } from "../../src/runtime/cuda/library.ts";
import { loadForCudnn } from "../../src/runtime/cuda/open-libraries.ts";
import { CUDNN, VERSIONS } from "../../src/runtime/cuda/signatures.ts";
import { askerFor, GPUS, TOLD_OF_DEVICES } from "../support/cuda-devices.ts";
import { kernelsOfExample } from "../support/cuda-kernels.ts";
import { compileGraph } from "../support/run-graph.ts";
import { ATTENTIONS, compiled } from "./attention-cases.ts";
import { CONVOLUTIONS, graphOfAll } from "./convolution-suite.ts";

/** The library, which counts its descriptors. */
class Counting extends NativeLibrary<typeof CUDNN> {
  live = 0;

  override call(name: keyof typeof CUDNN, ...args: readonly Argument[]): void {
    super.call(name, ...args);
    if (name === "cudnnBackendCreateDescriptor") this.live += 1;
  }
  override attempt(name: keyof typeof CUDNN, ...args: readonly Argument[]): void {
    super.attempt(name, ...args);
    if (name === "cudnnBackendDestroyDescriptor") this.live -= 1;
  }
}

/** The library, or why there is none. */
function opened(koffi: Koffi | undefined): Counting | string {
  const [path] = filesOf("cudnn", { env: process.env });
  if (!koffi) return "the npm package koffi is not installed";
  if (path === undefined) return "no cuDNN of NVIDIA's to ask";
  try {
    loadForCudnn(koffi, path, { env: process.env });
  } catch {
    return "cuDNN does not begin without the cuBLASLt of its toolkit";
  }
  const version = bind(koffi, path, VERSIONS.cudnn, "u64").get("cudnnGetVersion")?.() ?? 0;
  return version < TOLD_OF_DEVICES ? "only cuDNN 9.8 and later can be told of a GPU" : new Counting(koffi, path, CUDNN, CUDNN_STATUSES);
}

const library = opened(await findKoffi());
if (typeof library === "string") console.warn(`skipped: ${library}`);

/** Whether there is a driver's library that it would find. */
const hasDriver = await (async (): Promise<boolean> => {
  try {
    (await findKoffi())?.load("libcuda.so.1");
    return true;
  } catch {
    return false;
  }
})();

const SMALLER_SUMS: readonly number[] = [
  V.CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS,
  V.CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION,
  V.CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC,
];

describe.skipIf(typeof library === "string").each(Object.keys(GPUS) as (keyof typeof GPUS)[])("for an %s NVIDIA's library", (gpu) => {
  /** As a session asks for them; all descriptors are given back. */
  function plans(operation: GraphOperation): readonly GraphPlan[] {
    if (typeof library === "string") throw new Error(library);
    const device = askerFor(library, gpu);
    const descriptors = new Descriptors(library);
    const found = plansOf(descriptors, device.asker, operation);
    descriptors.dispose();
    device.dispose();
    expect(library.live).toBe(0);
    return found;
  }

  /** That a convolution has plans, as exact as its precision, and none that asks for more memory than 128 MiB or twice what its tensors take. */
  function check(given: ConvolutionOfLibrary): readonly GraphPlan[] {
    const operation = convolutionOperation(given);
    const found = plans(operation);
    const bytes = operation.tensors.reduce((sum, { dtype, shape }) => sum + bytesPerElement(dtype) * sizeOf(shape), 0);
    expect(found.length, operation.name).toBeGreaterThan(0);
    for (const { notes, workspaceBytes } of found) {
      expect(workspaceBytes, operation.name).toBeLessThanOrEqual(Math.max(128 << 20, 2 * bytes));
      expect(
        notes.filter((note) => SMALLER_SUMS.includes(note)),
        operation.name,
      ).toEqual([]);
      const usesTensorCores = notes.includes(V.CUDNN_NUMERICAL_NOTE_TENSOR_CORE);
      if (given.precision === "f32" || given.precision === "tf32") expect(usesTensorCores, operation.name).toBe(given.precision === "tf32");
    }
    return found;
  }

  const everyFormat = (["f32", "tf32", "bf16", "f16"] as const).flatMap((precision) =>
    (["cnn", "resnet18"] as const).map((network) => [network, precision] as const),
  );
  it.each(everyFormat)("does the convolutions of %s in %s, as its first advice has it", async (network, precision) => {
    const kernels = await kernelsOfExample(network, precision);
    const products = [...kernels.values()].flatMap(({ library: form }) => (form?.product.kind === "convolution" ? [form.product] : []));
    expect(products.length).toBeGreaterThan(network === "cnn" ? 2 : 19);
    const distinct = new Map(products.map((product) => [convolutionOperation(product).name, product]));
    for (const [name, product] of distinct) expect(check(product)[0]?.advice, name).toMatch(/^A/);
  });

  it.each(CONVOLUTIONS)("does $name", (given) => {
    const [product] = compileGraph(graphOfAll([given]), "cuda").program.kernels.flatMap((kernel) => kernel.library?.product ?? []);
    if (product?.kind !== "convolution") throw new Error("nothing to ask it");
    check(product);
  });

  // What it has for attention it loads with the driver, which it looks for: without one the graph is looked at, and that is all.
  it.each(ATTENTIONS)("knows what attention is $name", (given) => {
    if (typeof library === "string") throw new Error(library);
    const [product] = compiled(given)
      .kernels.flatMap((kernel) => kernel.library?.product ?? [])
      .filter(({ kind }) => kind === "attention");
    if (product?.kind !== "attention") throw new Error("nothing to ask it");
    const device = askerFor(library, gpu);
    const descriptors = new Descriptors(library);
    const operation = attentionOperation(product);
    const graph = graphOf(descriptors, device.asker, operation);
    const allowed = hasDriver
      ? enginesOf(descriptors, device.asker, graph, V.CUDNN_HEUR_MODE_A).filter(({ notes }) => operation.isAllowed(notes))
      : undefined;
    descriptors.dispose();
    device.dispose();
    expect(library.live).toBe(0);
    // All that it has for attention multiplies by tensor cores.
    if (allowed) expect(allowed.length > 0).toBe(given.precision !== "f32");
  });
});
