// What an optimizer remembers of weights that a stage leaves alone and the next trains again, beside PyTorch's optimizer, which keeps it
// (scripts/make-traces.py).

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { artifactProblem } from "../../src/ir/artifact-schema.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import { readExact, writeExact } from "../../src/ir/exact-json.ts";
import { splitFromArrays } from "../../src/runtime/data/loaded-split.ts";
import type { DoneEvent, TrainEvent } from "../../src/runtime/events.ts";
import { Network } from "../../src/runtime/network.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { train } from "../../src/runtime/trainer.ts";
import { readSafetensors, type Tensor } from "../../src/runtime/weights/safetensors.ts";
import { toFloat32 } from "../../src/runtime/weights/tensor-values.ts";
import { compileText } from "../support/run-spec.ts";
import { relativeError } from "../support/values.ts";

const info = {
  inputs: [{ name: "values", dtype: "f32", shape: [5] }],
  label: { name: "label", dtype: "f32", shape: [2] },
  classes: [],
} as const;

const compile = (settings: string, target: string): Promise<Artifact> =>
  compileText(
    `network net {
  input values: f32[5]
  fc1: linear(6) -> tanh
  fc2: linear(2)
}
dataset d { train table("d.csv", values: 0..5, label: [5, 6]) }
recipe r {
  network net
  data d
  loss mse
  batch 4
  ${settings}
}
`,
    info,
    target,
  );

const below = (prefix: string, tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> =>
  new Map([...tensors].flatMap(([name, it]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), it] as const] : [])));

const STAGES = "\n  stage a { epochs 3 }\n  stage b {\n    freeze fc1\n    epochs 4\n  }\n  stage c { epochs 2 }";

const OPTIMIZERS = {
  adamw: "adamw(lr: 0.05, betas: [0.8, 0.9], weight_decay: 0.1)",
  sgd: "sgd(lr: 0.2, momentum: 0.8, dampening: 0.4, weight_decay: 0.05)",
  nadam: "nadam(lr: 0.02)",
} as const;

const DEVICES = [
  ["reference", () => Promise.resolve(openReferenceDevice())],
  ["wasm", () => openDevice("wasm", { threads: 1 })],
] as const;

const fixture = (name: string): ReadonlyMap<string, Tensor> =>
  readSafetensors(readFileSync(fileURLToPath(new URL(`../fixtures/paused-${name}.safetensors`, import.meta.url)))).tensors;

async function trained(
  settings: string,
  name: string,
  open: (typeof DEVICES)[number][1],
  weights: ReadonlyMap<string, Tensor> = below("weight/", fixture(name)),
): Promise<ReadonlyMap<string, Tensor>> {
  const device = await open();
  const given = fixture(name);
  const batch = below("batch/", given);
  const arrays = Object.fromEntries([...batch].map(([column, values]) => [column, toFloat32(column, values)]));
  const network = await Network.open(await compile(settings, device.info.kind), device);
  try {
    const events: TrainEvent[] = [];
    const options = { weights: { tensors: weights, metadata: new Map<string, string>() } };
    for await (const event of train(network, { train: splitFromArrays(info, arrays) }, options)) events.push(event);
    return readSafetensors((events.at(-1) as DoneEvent).weights).tensors;
  } finally {
    network.dispose();
    device.dispose();
  }
}

const errorOf = (actual: ReadonlyMap<string, Tensor>, expected: ReadonlyMap<string, Tensor>): number =>
  Math.max(...[...expected].map(([name, values]) => relativeError(toFloat32(name, actual.get(name)!), toFloat32(name, values))));

describe.each(DEVICES)("memories on %s", (_, open) => {
  it.each(Object.entries(OPTIMIZERS))("go on behind a stage that freezes: %s", async (name, optimizer) => {
    const after = await trained(`optimizer ${optimizer}${STAGES}`, name, open);
    expect(errorOf(after, below("after/2/", fixture(name)))).toBeLessThan(1e-5);
  });

  it("begin anew where another optimizer has trained in between", async () => {
    const { adamw } = OPTIMIZERS;
    // A rate so small that nothing moves: only what is remembered tells it from no stage at all.
    const between = "stage b {\n    optimizer sgd(lr: 1e-12)\n    epochs 1\n  }";
    const run = await trained(`optimizer ${adamw}\n  stage a { epochs 3 }\n  ${between}\n  stage c { epochs 2 }`, "adamw", open);
    const first = await trained(`optimizer ${adamw}\n  epochs 3`, "adamw", open);
    expect(errorOf(run, await trained(`optimizer ${adamw}\n  epochs 2`, "adamw", open, first))).toBeLessThan(1e-5);
    expect(errorOf(run, await trained(`optimizer ${adamw}\n  epochs 5`, "adamw", open))).toBeGreaterThan(1e-3);
  });
});

it("stand in a stage that has no use for them, and only there", async () => {
  const artifact = await compile(
    `optimizer ${OPTIMIZERS.adamw}${STAGES}\n  stage d { freeze fc1 }`.replace(
      "stage d { freeze fc1 }",
      "stage d {\n    freeze fc1\n    epochs 1\n  }",
    ),
    "reference",
  );
  const states = artifact.stages.map((stage) =>
    stage.states.flatMap(({ name }) => (name.startsWith("optimizer/") && name.includes("fc1.weight") ? [name] : [])),
  );
  const moments = ["optimizer/first_moment/fc1.weight", "optimizer/second_moment/fc1.weight"];
  expect(states).toEqual([moments, moments, moments, []]);
  const counts = artifact.stages.map((stage) =>
    stage.states.flatMap(({ name }) => (name.startsWith("optimizer/first_correction") ? [name] : [])),
  );
  const [all, paused] = ["optimizer/first_correction", "optimizer/first_correction@a+c"];
  expect(counts.map((names) => [...names].sort())).toEqual([[all, paused], [all, paused], [all, paused], [all]]);
});

it.each(["reference", "wasm"])("what a stage only hands on is a state of a folder for %s", async (target) => {
  const artifact = await compile(`optimizer ${OPTIMIZERS.adamw}${STAGES}`, target);
  expect(artifactProblem(readExact(writeExact(artifact)))).toBeUndefined();
});
