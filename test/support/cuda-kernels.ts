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

/** A small network of convolutions, a recurrent one, and a deep one with pictures of many sizes, norms and a schedule. */
const EXAMPLES = {
  cnn: ["specs/examples/cnn.tlspec", own],
  tagger: ["specs/examples/lstm.tlspec", own],
  resnet18: ["bench/resnet.tlspec", pictures],
} as const;

/** The format that each of them is narrowed to. */
const NARROW = { cnn: "f16", tagger: "tf32", resnet18: "bf16" } as const;

export async function kernelsOfExample(recipe: keyof typeof EXAMPLES, precision: string, into: Kernels = new Map()): Promise<Kernels> {
  const [spec, describeData] = EXAMPLES[recipe];
  const set = precision === "f32" ? [] : [`precision=${precision}`];
  const { artifact, diagnostics, sources } = await compileSpec(spec, { target: "cuda", recipe, set, describeData, verify: true });
  if (!artifact) throw new Error(renderDiagnostics(diagnostics, sources));
  for (const { program } of artifact.stages) collect(program.kernels, into);
  return into;
}

export async function kernelsOfExamples(into: Kernels = new Map(), isNarrow = false): Promise<Kernels> {
  for (const recipe of ["cnn", "tagger", "resnet18"] as const) await kernelsOfExample(recipe, isNarrow ? NARROW[recipe] : "f32", into);
  return into;
}
