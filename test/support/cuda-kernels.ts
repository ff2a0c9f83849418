// Every CUDA kernel that the tests know of, for those that compile them all: of the samples of all ops with their gradients, and of the
// training, evaluation and prediction of examples.

import { resolve } from "node:path";
import { compileSpec, type CompileRequest } from "../../src/compile.ts";
import { renderDiagnostics } from "../../src/diagnostics.ts";
import type { Graph } from "../../src/ir/graph.ts";
import type { CompiledKernel } from "../../src/ir/program.ts";
import { pictureColumn } from "../../src/ir/recipe/steps/index.ts";
import { describeData } from "../../src/runtime/data/index.ts";
import { compileGraph } from "./run-graph.ts";

/** Kernels by their name in a module: equal ones once. */
export type Kernels = Map<string, CompiledKernel>;

export function collect(kernels: readonly CompiledKernel[], into: Kernels = new Map()): Kernels {
  for (const kernel of kernels) if (kernel.cuda) into.set(kernel.cuda.entry, kernel);
  return into;
}

export function kernelsOfGraphs(graphs: readonly Graph[], into: Kernels = new Map()): Kernels {
  for (const graph of graphs) collect(compileGraph(graph, "cuda").program.kernels, into);
  return into;
}

const pictures: CompileRequest["describeData"] = (plan) =>
  Promise.resolve({
    inputs: [pictureColumn("image", plan, [3, 375, 500])],
    label: { name: "label", dtype: "i32", shape: [] },
    classes: Array.from({ length: 1000 }, (_, i) => String(i)),
  });

const own: CompileRequest["describeData"] = (plan, labels) => describeData(plan, labels, { within: [resolve("specs/examples")] });

/** A small network of convolutions, a recurrent one, and a deep one with pictures of many sizes, norms and a schedule; and in which precision besides. */
const EXAMPLES: readonly (readonly [spec: string, recipe: string, data: CompileRequest["describeData"], precision: string])[] = [
  ["specs/examples/cnn.tlspec", "cnn", own, "f16"],
  ["specs/examples/lstm.tlspec", "tagger", own, "tf32"],
  ["bench/resnet.tlspec", "resnet18", pictures, "bf16"],
];

export async function kernelsOfExamples(into: Kernels = new Map(), isNarrow = false): Promise<Kernels> {
  for (const [spec, recipe, data, precision] of EXAMPLES) {
    const set = isNarrow ? [`precision=${precision}`] : [];
    const { artifact, diagnostics, sources } = await compileSpec(spec, { target: "cuda", recipe, set, describeData: data, verify: true });
    if (!artifact) throw new Error(renderDiagnostics(diagnostics, sources));
    for (const { program } of artifact.stages) collect(program.kernels, into);
  }
  return into;
}
