// Stopping early and keeping the best epoch: what counts as a gain, and what a stage is left with.

import { describe, expect, it } from "vitest";
import type { StagePlan } from "../../../src/ir/plan.ts";
import { Watch } from "../../../src/runtime/checkpoint/watch.ts";
import { splitFromArrays } from "../../../src/runtime/data/loaded-split.ts";
import type { DoneEvent, TrainEvent } from "../../../src/runtime/events.ts";
import { Network } from "../../../src/runtime/network.ts";
import { train } from "../../../src/runtime/trainer.ts";
import { readSafetensors } from "../../../src/runtime/weights/safetensors.ts";
import { toFloat32 } from "../../../src/runtime/weights/tensor-values.ts";
import { fakeArtifact, fakeDevice } from "./fake-session.ts";

const [stage] = fakeArtifact().recipe.stages as [StagePlan];

/** The epoch after which the stage stops, and the best, of values in the order of epochs. */
function watched(
  metric: string,
  values: readonly number[],
  rule: { patience: number; within?: number },
): [number | undefined, number | undefined] {
  const measure = { split: "val", metric, better: metric === "loss" ? "lower" : "higher" } as const;
  const watch = new Watch({ ...stage, stop: { ...measure, within: 0, ...rule }, keep: measure });
  for (const [i, value] of values.entries()) {
    watch.see({ epoch: i + 1, train: {}, val: { [metric]: value } });
    if (watch.isStalled) return [i + 1, watch.watched.keep?.epoch];
  }
  return [undefined, watch.watched.keep?.epoch];
}

describe("what a stage watches", () => {
  it.each<[string, readonly number[], { patience: number; within?: number }, readonly [number | undefined, number | undefined]]>([
    ["loss", [3, 2, 2.5, 2.1, 2.2], { patience: 3 }, [5, 2]],
    ["loss", [3, 2, 2.5, 1.9, 2.2], { patience: 2 }, [undefined, 4]],
    // An equal value is no gain; the first of the best is kept.
    ["loss", [2, 2, 2], { patience: 2 }, [3, 1]],
    ["accuracy", [0.5, 0.7, 0.6, 0.65], { patience: 2 }, [4, 2]],
    ["accuracy", [0.5, 0.7, 0.6, 0.75], { patience: 2 }, [undefined, 4]],
    // Gains within the margin are none for stopping; for the best any is one, and small gains add up.
    ["loss", [1, 0.95, 0.92, 0.8], { patience: 2, within: 0.1 }, [3, 3]],
    ["loss", [1, 0.95, 0.89, 0.85, 0.82], { patience: 2, within: 0.1 }, [5, 5]],
    // What is no number is no gain, and before the first number nothing stalls.
    ["loss", [NaN, NaN, 2, NaN, Infinity], { patience: 2 }, [5, 3]],
  ])("of %s %j, %j", (metric, values, rule, expected) => {
    expect(watched(metric, values, rule)).toEqual(expected);
  });
});

describe("a run that watches", () => {
  const plans = (change: Partial<StagePlan>, epochs = 6) => {
    const artifact = fakeArtifact({ epochs, stages: ["a", "b"] });
    return { ...artifact, recipe: { ...artifact.recipe, stages: artifact.recipe.stages.map((it) => ({ ...it, ...change })) } };
  };

  /** Weights grow by one in each epoch, which are three steps. */
  const run = async (change: Partial<StagePlan>, loss: (epoch: number) => number): Promise<readonly TrainEvent[]> => {
    const artifact = plans(change);
    const { device, sessions } = fakeDevice(artifact, {
      loss: (step) => loss(Math.ceil(step / 3)),
      onRun: (entry, times) => {
        const weight = sessions.at(-1)!.buffers.get("weight/fc.weight");
        if (entry === "train" && weight) weight[0]! += times / 3;
      },
    });
    const split = splitFromArrays(artifact.dataInfo, { image: new Uint8Array(10), label: new Int32Array(10) });
    const events: TrainEvent[] = [];
    for await (const event of train(await Network.open(artifact, device), { train: split })) events.push(event);
    return events;
  };
  const weightOf = (events: readonly TrainEvent[]): number =>
    toFloat32("fc.weight", readSafetensors((events.at(-1) as DoneEvent).weights).tensors.get("fc.weight")!)[0]!;
  const measure = { split: "train", metric: "loss", better: "lower" } as const;

  it("stops each stage by itself, says so, and goes on from the best", async () => {
    const falling = (epoch: number): number => (epoch <= 2 ? 1 / epoch : 1);
    const events = await run({ stop: { ...measure, patience: 2, within: 0 }, keep: measure }, falling);
    const ends = events.filter((event) => event.event === "stage");
    expect(ends).toEqual([
      {
        event: "stage",
        stage: "a",
        epochs: 4,
        stalled: true,
        best: { epoch: 2, metric: "train.loss", value: expect.closeTo(0.5) as number },
      },
      {
        event: "stage",
        stage: "b",
        epochs: 4,
        stalled: true,
        best: { epoch: 2, metric: "train.loss", value: expect.closeTo(0.5) as number },
      },
    ]);
    const best = events.flatMap((event) => (event.event === "epoch" && event.best === true ? [`${event.stage} ${event.epoch}`] : []));
    expect(best).toEqual(["a 1", "a 2", "b 1", "b 2"]);
    // Half, and two epochs in each stage.
    expect(weightOf(events)).toBeCloseTo(4.5);
  });

  it("trains all epochs where it only keeps the best", async () => {
    const events = await run({ keep: measure }, (epoch) => (epoch === 3 ? 0.1 : 1));
    expect(events.filter((event) => event.event === "stage")).toMatchObject([
      { epochs: 6, stalled: false, best: { epoch: 3 } },
      { epochs: 6, stalled: false, best: { epoch: 3 } },
    ]);
    expect(weightOf(events)).toBeCloseTo(6.5);
  });

  it("wants what it watches", async () => {
    await expect(run({ keep: { split: "val", metric: "loss", better: "lower" } }, () => 1)).rejects.toThrow(
      "the recipe watches val.loss, and there are no examples to validate on",
    );
  });
});
