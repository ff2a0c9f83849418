// What a run makes of several batches in a step and of averages of weights, on a device: steps and metrics, what is evaluated and saved, and what
// the next stage takes over.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataInfo } from "../../src/ir/plan.ts";
import { splitFromArrays, type LoadedSplit } from "../../src/runtime/data/loaded-split.ts";
import type { Device } from "../../src/runtime/device.ts";
import type { DoneEvent, EpochEvent, TrainEvent } from "../../src/runtime/events.ts";
import { Network } from "../../src/runtime/network.ts";
import { train, type TrainOptions } from "../../src/runtime/trainer.ts";
import { readSafetensors } from "../../src/runtime/weights/safetensors.ts";
import { toFloat32 } from "../../src/runtime/weights/tensor-values.ts";
import { createRandom } from "../support/random.ts";
import { compileText } from "../support/run-spec.ts";
import { relativeError } from "../support/values.ts";
import type { Subject } from "./stages-suite.ts";

const EXAMPLES = 22;

const info: DataInfo = {
  inputs: [{ name: "features", dtype: "f32", shape: [6] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["a", "b", "c"],
};

const spec = (settings: string, norm = "layer_norm"): string => `network net {
  input features: f32[6]
  low: linear(8) -> norm: ${norm} -> tanh
  fc: linear(3)
}
dataset d { train table("d.tsv", features: f, label: l) }
recipe r {
  network net
  data d
  loss cross_entropy
  ${settings}
}
`;

function examples(): LoadedSplit {
  const random = createRandom(9);
  return splitFromArrays(info, {
    features: Float32Array.from({ length: EXAMPLES * 6 }, () => random() * 2 - 1),
    label: Int32Array.from({ length: EXAMPLES }, (_, i) => i % 3),
  });
}

type Weights = ReadonlyMap<string, readonly number[]>;

export function updatesSuite({ name, open }: Subject): void {
  describe(`updates on ${name}`, () => {
    let device: Device;
    beforeAll(async () => {
      device = await open();
    });
    afterAll(() => device.dispose());

    async function run(settings: string, options: TrainOptions = {}, norm?: string): Promise<{ events: TrainEvent[]; end: Weights }> {
      const network = await Network.open(await compileText(spec(settings, norm), info, device.info.kind), device);
      try {
        const events: TrainEvent[] = [];
        for await (const event of train(network, { train: examples(), val: examples() }, options)) events.push(event);
        const { tensors } = readSafetensors((events.at(-1) as DoneEvent).weights);
        return { events, end: new Map([...tensors].map(([tensor, values]) => [tensor, [...toFloat32(tensor, values)]])) };
      } finally {
        network.dispose();
      }
    }

    const expectClose = (actual: Weights, expected: Weights, tolerance: number): void => {
      expect([...actual.keys()]).toEqual([...expected.keys()]);
      for (const [tensor, values] of expected) expect(relativeError(actual.get(tensor) ?? [], values), tensor).toBeLessThan(tolerance);
    };
    const stepsOf = (events: readonly TrainEvent[]) => events.flatMap((it) => (it.event === "step" ? [it] : []));

    it.each([
      // 22 examples: steps of 8, 8 and the 6 that are left, of which the last batch of two is half of one of four.
      ["sgd(lr: 0.3, momentum: 0.9)", 2, 4],
      ["adamw(lr: 0.05) clip 0.4", 4, 2],
    ])("gathers batches to the step of one as large: %s, %i times %i", async (optimizer, batch, accumulate) => {
      const settings = `optimizer ${optimizer}\n  schedule cosine(warmup_steps: 2)\n  regularize l2(0.01) except vectors\n  epochs 3`;
      const many = await run(`${settings}\n  batch ${batch}\n  accumulate ${accumulate}`);
      const one = await run(`${settings}\n  batch ${batch * accumulate}`);
      expectClose(many.end, one.end, 2e-5);
      const [gathered, whole] = [many, one].map(({ events }) => stepsOf(events));
      expect(gathered?.map(({ step, epoch }) => [step, epoch])).toEqual(
        [1, 2, 3, 4, 5, 6, 7, 8, 9].map((step) => [step, Math.ceil(step / 3)]),
      );
      for (const [i, { loss, lr }] of (whole ?? []).entries()) {
        expect(gathered?.[i]?.loss).toBeCloseTo(loss, 4);
        expect(gathered?.[i]?.lr).toBeCloseTo(lr ?? NaN, 6);
      }
      const epochs = ({ events }: typeof many): EpochEvent[] => events.flatMap((it) => (it.event === "epoch" ? [it] : []));
      expect(epochs(many)[2]?.train["loss"]).toBeCloseTo(Number(epochs(one)[2]?.train["loss"]), 4);
      expect(many.events[0]).toMatchObject({ steps: 9 });
    });

    it("is the same run in stages, where one gathers and the next does not", async () => {
      const settings = "batch 4\n  epochs 1\n  optimizer adam(lr: 0.05)";
      const { events, end } = await run(`${settings}\n  stage a { accumulate 2 }\n  stage b { }`);
      expect(stepsOf(events).map(({ stage, step }) => `${stage}${step}`)).toEqual(["a1", "a2", "a3", "b1", "b2", "b3", "b4", "b5", "b6"]);
      for (const values of end.values()) expect(values.every(Number.isFinite)).toBe(true);
    });

    it("saves and evaluates averages, with statistics as they are", async () => {
      const settings = "batch 11\n  epochs 2\n  optimizer sgd(lr: 0.5)";
      const plain = await run(settings, {}, "batch_norm");
      const averaged = await run(`${settings}\n  average ema(decay: 0.6)`, {}, "batch_norm");
      // A decay of nothing keeps the last weights.
      const last = await run(`${settings}\n  average ema(decay: 0)`, {}, "batch_norm");
      expectClose(last.end, plain.end, 1e-6);
      const lossOf = ({ events }: typeof plain): number =>
        events.flatMap((it) => (it.event === "epoch" ? [Number(it.val?.["loss"])] : []))[1]!;
      expect(lossOf(last)).toBeCloseTo(lossOf(plain), 5);
      expect(Math.abs(lossOf(averaged) - lossOf(plain))).toBeGreaterThan(1e-4);
      expect(stepsOf(averaged.events).map(({ loss }) => loss)).toEqual(stepsOf(plain.events).map(({ loss }) => loss));
      expect(averaged.end.get("norm.running_mean")).toEqual(plain.end.get("norm.running_mean"));
      expect(relativeError(averaged.end.get("fc.weight") ?? [], plain.end.get("fc.weight") ?? [])).toBeGreaterThan(1e-3);
    });

    it("has the weights themselves while there is no average", async () => {
      const settings = "batch 11\n  epochs 1\n  optimizer sgd(lr: 0.5)";
      expectClose((await run(`${settings}\n  average ema`, { epochs: 0 })).end, (await run(settings, { epochs: 0 })).end, 1e-9);
    });

    it("averages what a later stage begins to train from where it was", async () => {
      const settings = "batch 22\n  epochs 1\n  optimizer sgd(lr: 0.5)\n  stage head { freeze ** except fc }\n  stage all { }";
      const [before, plain, averaged] = [
        await run(settings, { epochs: 0 }),
        await run(settings),
        await run(`${settings}\n  average ema(decay: 0.75)`),
      ];
      const expected = (before.end.get("low.weight") ?? []).map((old, i) => old + 0.25 * ((plain.end.get("low.weight")?.[i] ?? NaN) - old));
      expect(relativeError(averaged.end.get("low.weight") ?? [], expected)).toBeLessThan(1e-5);
    });

    it("leaves what is frozen as it is, to the bit", async () => {
      const settings =
        "batch 4\n  accumulate 3\n  epochs 2\n  optimizer adamw(lr: 0.1) clip 1.0\n  average ema\n  regularize l1(0.1) except low";
      const start = await run(`${settings}\n  freeze low, norm`, { epochs: 0 }, "batch_norm");
      const { end } = await run(`${settings}\n  freeze low, norm`, {}, "batch_norm");
      const changed = [...end].filter(([tensor, values]) => values.join() !== start.end.get(tensor)?.join());
      expect(changed.map(([tensor]) => tensor).sort()).toEqual(["fc.bias", "fc.weight"]);
    });
  });
}
