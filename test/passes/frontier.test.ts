// Freezing is absence, over random networks and freeze sets: no op of a training step is for a gradient below the deepest trained layer, and
// none that is reads what a layer below it computed, but for what that layer is given. What is not computed is not kept either.

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import { elaborate, planRecipe } from "../../src/dsl/index.ts";
import { topologicalOrder } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import { autodiff } from "../../src/passes/autodiff.ts";
import { decompose } from "../../src/passes/decompose.ts";
import { buildTraceEntry } from "../../src/passes/step-graph.ts";
import { loadClean } from "../dsl/support.ts";
import { createRandom } from "../support/random.ts";

const LAYERS = [
  "conv2d(4, kernel: 3, padding: 1, bias: false)",
  "conv2d(6, kernel: 1)",
  "batch_norm",
  "relu",
  "gelu",
  "group_norm(2)",
  "max_pool2d(2)",
  "dropout(0.3)",
] as const;

interface Case {
  readonly names: readonly string[];
  readonly frozen: readonly string[];
  readonly text: string;
}

function randomCase(seed: number): Case {
  const random = createRandom(seed);
  const pick = (n: number): number => Math.floor(random() * n);
  let pools = 0;
  const kinds = Array.from({ length: 4 + pick(6) }, () => {
    const kind = LAYERS[pick(LAYERS.length)] ?? "relu";
    return kind.startsWith("max_pool") && ++pools > 2 ? "relu" : kind;
  });
  const steps = kinds.map((kind, i) => `  l${i}: ${kind}`);
  const names = [...kinds.map((_, i) => `l${i}`), "fc"];
  const weighted = names.filter((_, i) => /conv|norm/.test(kinds[i] ?? ""));
  const frozen = weighted.filter(() => pick(3) > 0);
  const freeze = frozen.length === 0 ? "" : `freeze ${frozen.map((name) => `${name}.**`).join(", ")}`;
  const text = `network net {
  input image: f32[2, 8, 8]
  stem: conv2d(4, kernel: 3, padding: 1)
${steps.join("\n")}
  global_avg_pool
  fc: linear(3)
}
recipe r {
  network net
  loss cross_entropy
  ${freeze === "" ? "freeze stem" : `${freeze}, stem`}
  optimizer sgd(lr: 0.1)
  batch 4
}
`;
  return { names, frozen, text };
}

/** The graph of a training step with its gradients, and what of it is forward. */
function stepOf(text: string): {
  readonly order: readonly Node[];
  readonly forward: ReadonlySet<Node>;
  readonly layerOf: (node: Node) => string;
} {
  const spec = loadClean(text);
  const planned = planRecipe(spec);
  const b = createBuilder();
  const network = planned && elaborate(spec, planned, { batch: 4, builder: b });
  const [stage] = planned?.stages ?? [];
  if (!planned || !network || !stage) throw new Error("the spec is wrong");
  const { entries } = buildTraceEntry(
    {
      ...{ b, network, recipe: planned.plan, stage: stage.plan, steps: { preprocess: [], augment: [] } },
      dataInfo: {
        inputs: [{ name: "image", dtype: "f32", shape: [2, 8, 8] }],
        label: { name: "label", dtype: "i32", shape: [] },
        classes: ["a", "b", "c"],
      },
      isFrozen: stage.frozen,
      groupOf: () => ({ rate: 0.1, decay: 0 }),
      penaltiesOf: () => [],
    },
    { isFirst: true, memoryOf: () => ({ kept: "", counted: "" }), trainedSince: new Map() },
  );
  const graph = entries.get("train")?.graph;
  if (!graph) throw new Error("no training step");
  // Once all is made of primitives, what autodiff has expanded is what the forward pass computes.
  const { outputs } = decompose(autodiff(graph));
  const updates = [...outputs].flatMap(([name, node]) => (name.includes("running_") || name.includes("num_batches") ? [node] : []));
  const forward = new Set(topologicalOrder([outputs.get("loss"), outputs.get("output"), ...updates].filter((node) => node !== undefined)));
  return { order: topologicalOrder(outputs.values()), forward, layerOf: (node) => b.originOf(node)?.path ?? "" };
}

describe("below the frontier", () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed + 1))("nothing is differentiated and nothing kept, random network %i", (seed) => {
    const { names, frozen, text } = randomCase(seed);
    const { order, forward, layerOf } = stepOf(text);
    const isTrained = (name: string): boolean =>
      order.some((node) => "kind" in node.attrs && isWeightOf(node, name)) && !frozen.includes(name);
    const deepest = names.findIndex(isTrained);
    expect(deepest).toBeGreaterThanOrEqual(0);
    const place = new Map(["stem", ...names].map((name, i) => [name, i - 1]));
    const below = (node: Node): boolean => (place.get(layerOf(node)) ?? Infinity) < deepest;
    const backward = order.filter((node) => !forward.has(node));
    expect(backward.filter(below).map((node) => `${node.op.name} for ${layerOf(node)}`)).toEqual([]);
    // What the deepest trained layer is given, and no value before it.
    const given = new Set(order.filter((node) => layerOf(node) === names[deepest]).flatMap(({ inputs }) => inputs));
    const kept = new Set(backward.flatMap(({ inputs }) => inputs).filter((node) => forward.has(node) && below(node)));
    expect([...kept].filter((node) => !given.has(node)).map((node) => `${node.op.name} of ${layerOf(node)}`)).toEqual([]);
  });
});

const isWeightOf = ({ attrs }: Node, layer: string): boolean =>
  "name" in attrs && "kind" in attrs && attrs.kind === "weight" && String(attrs.name).startsWith(`weight/${layer}.`);
