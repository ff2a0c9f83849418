// A training from cached features is the one without a cache: the same losses, weights and metrics, stage after stage, with what is frozen
// untouched to the last bit. On any device.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compileSpec } from "../../src/compile.ts";
import { artifactProblem } from "../../src/ir/artifact-schema.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { HostArray } from "../../src/ir/arrays.ts";
import { readExact, writeExact } from "../../src/ir/exact-json.ts";
import { splitFromArrays, type LoadedSplit } from "../../src/runtime/data/loaded-split.ts";
import type { Device } from "../../src/runtime/device.ts";
import type { EpochEvent, FeaturesEvent, UncachedEvent } from "../../src/runtime/events.ts";
import { FeatureMemory, withFeatures, type FeatureRequest, type FeatureStore } from "../../src/runtime/features.ts";
import { initialize, Network } from "../../src/runtime/network.ts";
import { train, type TrainOptions } from "../../src/runtime/trainer.ts";
import type { NamedWeights } from "../../src/runtime/weights/model-weights.ts";
import { readSafetensors } from "../../src/runtime/weights/safetensors.ts";
import { fromHostArray } from "../../src/runtime/weights/tensor-values.ts";
import { createRandom } from "../support/random.ts";
import { temporaryFolder } from "../support/temporary.ts";

const folder = temporaryFolder("tlc-features-");

/** Two stages with one cut, though they train other parameters above it, and a third with another. */
const SPEC = `network net(classes = 3) {
  input image: f32[3, 8, 8]
  conv1: conv2d(16, kernel: 5, padding: 2, bias: false) -> bn1: batch_norm -> relu
  conv2: conv2d(16, kernel: 3, padding: 1, bias: false) -> bn2: batch_norm -> relu
  global_avg_pool
  dropout(0.2)
  fc: linear(classes)
}
dataset d {
  train images("d")
}
recipe r {
  network net(classes: d.classes)
  data d
  loss cross_entropy
  metrics accuracy
  optimizer adamw(lr: 1e-2)
  batch 4
  seed 3
  stage head {
    freeze ** except fc
    epochs 2
  }
  stage bias {
    freeze ** except fc.bias
    epochs 2
  }
  stage top {
    freeze conv1, bn1
    epochs 2
  }
}
`;

/** Of a network that learns from another one: whole, from its head on, and with nothing kept. */
const TAUGHT = `network big(classes = 3) {
  input image: f32[3, 8, 8]
  conv1: conv2d(8, kernel: 3, padding: 1) -> relu
  global_avg_pool
  fc: linear(classes)
}
${SPEC.slice(0, SPEC.indexOf("  stage head"))}
  distill from big(classes: d.classes) weights "big.safetensors" with soft_targets(temperature: 2, weight: 0.5)
  stage all {
    epochs 2
  }
  stage head {
    freeze ** except fc
    features cached
    epochs 2
  }
  stage plain {
    features uncached
    epochs 2
  }
}
`;

const TEACHER: readonly (readonly [string, readonly number[]])[] = [
  ["conv1.weight", [8, 3, 3, 3]],
  ["conv1.bias", [8]],
  ["fc.weight", [3, 8]],
  ["fc.bias", [3]],
];

function teacher(seed: number): NamedWeights {
  const random = createRandom(seed);
  const tensors = new Map(
    TEACHER.map(([name, shape]) => {
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1);
      return [name, fromHostArray(values, "f32", shape)] as const;
    }),
  );
  return {
    matches: new Map(TEACHER.map(([name]) => [name, { tensor: name }])),
    read: (name) => Promise.resolve(tensors.get(name)!),
  };
}

const CLASSES = ["a", "b", "c"];

async function compiled(device: Device, spec = SPEC): Promise<Artifact> {
  const file = join(folder, "features.tlspec");
  writeFileSync(file, spec);
  const { artifact, diagnostics } = await compileSpec(file, {
    target: device.info.kind,
    verify: true,
    ...(device.limits && { limits: device.limits }),
    describeWeights: () => Promise.resolve(new Map(TEACHER.map(([name, shape]) => [name, { dtype: "F32", shape }]))),
    describeData: () =>
      Promise.resolve({
        inputs: [{ name: "image", dtype: "u8", shape: [3, 8, 8] }],
        label: { name: "label", dtype: "i32", shape: [] },
        classes: CLASSES,
      }),
  });
  if (!artifact) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return artifact;
}

function examples({ dataInfo }: Artifact, count: number, seed: number): LoadedSplit {
  const random = createRandom(seed);
  return splitFromArrays(dataInfo, {
    image: Uint8Array.from({ length: count * 192 }, () => Math.floor(random() * 256)),
    label: Int32Array.from({ length: count }, () => Math.floor(random() * 3)),
  });
}

interface Outcome {
  readonly epochs: readonly Omit<EpochEvent, "seconds">[];
  readonly features: readonly FeaturesEvent[];
  readonly uncached: readonly UncachedEvent[];
  readonly losses: readonly number[];
  readonly weights: ReadonlyMap<string, Uint8Array>;
}

/** A store in memory that says what it was asked. */
class Store implements FeatureStore {
  readonly kept = new Map<string, readonly HostArray[]>();
  find = (request: FeatureRequest): Promise<readonly HostArray[] | undefined> => Promise.resolve(this.kept.get(nameOf(request)));
  keep = (request: FeatureRequest, features: readonly HostArray[]): Promise<void> => {
    this.kept.set(nameOf(request), features);
    return Promise.resolve();
  };
}

const nameOf = ({ key, parameters, examples: columns, count }: FeatureRequest): string =>
  JSON.stringify([key, parameters.map((it) => [...it]), columns.map(({ data }) => [...data]), count]);

export function featuresSuite(open: () => Promise<Device>, { isExact }: { readonly isExact: boolean }): void {
  describe("a training from features", () => {
    const run = async (device: Device, artifact: Artifact, options: TrainOptions): Promise<Outcome> => {
      const network = await Network.open(artifact, device);
      const [epochs, features, losses] = [[] as Omit<EpochEvent, "seconds">[], [] as FeaturesEvent[], [] as number[]];
      const uncached: UncachedEvent[] = [];
      let weights = new Map<string, Uint8Array>();
      try {
        // Neither fills its last batch.
        const data = { train: examples(artifact, 10, 1), val: examples(artifact, 7, 2), test: examples(artifact, 5, 4) };
        for await (const event of train(network, data, options)) {
          if (event.event === "epoch") epochs.push((({ seconds: _, ...rest }) => rest)(event));
          if (event.event === "features") features.push(event);
          if (event.event === "uncached") uncached.push(event);
          if (event.event === "step") losses.push(event.loss);
          if (event.event === "done")
            weights = new Map([...readSafetensors(event.weights).tensors].map(([name, { data: bytes }]) => [name, bytes]));
        }
      } finally {
        network.dispose();
      }
      return { epochs, features, uncached, losses, weights };
    };

    it("is the training without them, and leaves what is frozen alone", async () => {
      const device = await open();
      try {
        const artifact = await compiled(device);
        expect(artifact.stages.map(({ features }) => features?.columns.map(({ shape }) => shape))).toEqual([[[16]], [[16]], [[16, 8, 8]]]);
        const plain = await run(device, artifact, { features: false });
        const cached = await run(device, artifact, {});
        expect(plain.features).toEqual([]);
        expect(cached.features.map((it) => [it.stage, it.split, it.examples, it.from, it.bytes])).toEqual([
          ["head", "train", 10, "device", 640],
          ["head", "val", 7, "device", 448],
          ["bias", "train", 10, "memory", 640],
          ["bias", "val", 7, "memory", 448],
          ["top", "train", 10, "device", 40960],
          ["top", "val", 7, "device", 28672],
        ]);
        if (isExact) expect(cached).toEqual({ ...plain, features: cached.features });
        else {
          expect(cached.losses.length).toBe(plain.losses.length);
          cached.losses.forEach((loss, i) => expect(loss).toBeCloseTo(plain.losses[i] ?? NaN, 4));
        }
        const first = await run(device, artifact, { epochs: 0 });
        for (const name of ["conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"])
          expect(cached.weights.get(name)).toEqual(first.weights.get(name));
        expect(cached.weights.get("conv2.weight")).not.toEqual(first.weights.get("conv2.weight"));
      } finally {
        device.dispose();
      }
    });

    it("begins warm where a store has its features, and only there", async () => {
      const device = await open();
      try {
        const artifact = await compiled(device);
        const store = new Store();
        const cold = await run(device, artifact, { features: store });
        // Those of the stage between are in memory.
        expect(store.kept.size).toBe(4);
        const warm = await run(device, artifact, { features: store });
        expect(warm.features.map((it) => it.from)).toEqual(["disk", "disk", "memory", "memory", "disk", "disk"]);
        expect(warm).toEqual({ ...cold, features: warm.features });
      } finally {
        device.dispose();
      }
    });

    it("is none in a stage that says so, and why is said unless nothing was to be kept", async () => {
      const device = await open();
      try {
        const artifact = await compiled(
          device,
          SPEC.replace("freeze ** except fc.bias", "freeze ** except fc.bias\n    features uncached"),
        );
        const { features, uncached, losses } = await run(device, artifact, {});
        expect(features.map(({ stage }) => stage)).toEqual(["head", "head", "top", "top"]);
        expect(uncached).toEqual([{ event: "uncached", stage: "bias", reason: "the recipe says `features uncached`" }]);
        const plain = await run(device, artifact, { features: false });
        expect([plain.features, plain.uncached]).toEqual([[], []]);
        if (isExact) expect(losses).toEqual(plain.losses);
        const whole = await compiled(device, SPEC.replaceAll(/freeze .*/g, ""));
        expect((await run(device, whole, {})).uncached).toEqual([]);
      } finally {
        device.dispose();
      }
    });

    it("asks a teacher once of each example, and learns what it learns from one that is asked in every step", async () => {
      const device = await open();
      try {
        const artifact = await compiled(device, TAUGHT);
        expect(
          artifact.stages.map(
            ({ features }) => features && [features.inputs, features.columns].map((it) => it?.map((column) => column.name)),
          ),
        ).toEqual([[["image"], ["teacher/answers"]], [undefined, ["features/0", "teacher/answers"]], undefined]);
        const two = await compiled(device, `${TAUGHT.slice(0, TAUGHT.indexOf("  stage plain"))}}\n`);
        expect(artifactProblem(readExact(writeExact(two)))).toBeUndefined();
        const plain = await run(device, artifact, { features: false, teacher: teacher(1) });
        const store = new Store();
        const cached = await run(device, artifact, { features: store, teacher: teacher(1) });
        expect(cached.features.map((it) => [it.stage, it.split, it.from, it.bytes])).toEqual([
          ["all", "train", "device", 120],
          ["head", "train", "device", 760],
          ["head", "val", "device", 532],
        ]);
        expect(cached.uncached).toEqual([{ event: "uncached", stage: "plain", reason: "the recipe says `features uncached`" }]);
        if (isExact) expect(cached).toEqual({ ...plain, features: cached.features, uncached: cached.uncached });
        else cached.losses.forEach((loss, i) => expect(loss).toBeCloseTo(plain.losses[i] ?? NaN, 4));
        expect(cached.losses.length).toBe(plain.losses.length);
        const warm = await run(device, artifact, { features: store, teacher: teacher(1) });
        expect(warm.features.map((it) => it.from)).toEqual(["disk", "disk", "disk"]);
        expect(warm).toEqual({ ...cached, features: warm.features });
        // Another teacher answers something else.
        const other = await run(device, artifact, { features: store, teacher: teacher(2) });
        expect(other.features.map((it) => it.from)).toEqual(["device", "device", "device"]);
        expect(other.losses).not.toEqual(cached.losses);
      } finally {
        device.dispose();
      }
    });

    it("asks a teacher in every step about pictures that change, or that are streamed, and says so", async () => {
      const device = await open();
      try {
        const changing = await compiled(device, TAUGHT.replace('images("d")', 'images("d")\n  augment horizontal_flip'));
        expect(changing.stages.map(({ features }) => features)).toEqual([undefined, undefined, undefined]);
        const reason = "augmentation (horizontal_flip) makes other examples in every epoch; `features cached(views: K)` keeps K of each";
        expect((await run(device, changing, { teacher: teacher(1) })).uncached[0]).toEqual({ event: "uncached", stage: "all", reason });
        const artifact = await compiled(device, TAUGHT);
        const network = await Network.open(artifact, device);
        try {
          const loaded = await network.restart((stage) => {
            initialize(stage);
            return Promise.resolve();
          });
          const streamed = { ...examples(artifact, 10, 1), streamed: {} as NonNullable<LoadedSplit["streamed"]> };
          const options = { device: device.info, epochs: 2, isStopped: () => false, store: undefined };
          const outcome = withFeatures(loaded, { train: streamed }, new FeatureMemory(), options);
          expect((await outcome.next()).value).toMatchObject({ event: "uncached", reason: expect.stringContaining("streamed") as string });
          expect((await outcome.next()).value).toEqual({ loaded, evaluating: loaded, data: { train: streamed } });
        } finally {
          network.dispose();
        }
      } finally {
        device.dispose();
      }
    });

    it("is none where each example is seen once", async () => {
      const device = await open();
      try {
        const artifact = await compiled(device);
        expect((await run(device, artifact, { epochs: 1 })).features).toEqual([]);
      } finally {
        device.dispose();
      }
    });
  });
}
