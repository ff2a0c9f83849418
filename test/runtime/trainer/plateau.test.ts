// The schedule `plateau` beside PyTorch's ReduceLROnPlateau (scripts/make-traces.py), and what a run makes of it.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { planOf } from "../../../src/ir/recipe/define.ts";
import { plateau } from "../../../src/ir/recipe/schedules/plateau.ts";
import { afterEpoch, NO_PLATEAU } from "../../../src/runtime/checkpoint/plateau.ts";
import { splitFromArrays } from "../../../src/runtime/data/loaded-split.ts";
import type { TrainEvent } from "../../../src/runtime/events.ts";
import { Network } from "../../../src/runtime/network.ts";
import { openDevice } from "../../../src/runtime/open-device.ts";
import { openReferenceDevice } from "../../../src/runtime/reference/device.ts";
import { train } from "../../../src/runtime/trainer.ts";
import { compileText } from "../../support/run-spec.ts";

interface Case {
  readonly better: "lower" | "higher";
  readonly args: Readonly<Record<string, number>>;
  readonly values: readonly number[];
  readonly rates: readonly number[];
}

const cases = JSON.parse(readFileSync(new URL("../../fixtures/plateaus.json", import.meta.url), "utf8")) as readonly Case[];

describe("a plateau", () => {
  it.each(cases)("is where PyTorch finds it: $better, $args", ({ better, args, values, rates }) => {
    const plan = planOf(plateau, args);
    let state = NO_PLATEAU;
    for (const [i, value] of values.entries()) {
      state = afterEpoch({ better }, plan, state, value);
      expect(Math.max(0.1 * state.factor, args["min_lr"] ?? 0), String(i)).toBeCloseTo(rates[i]!, 12);
    }
    expect(rates.at(-1)).toBeLessThan(0.1);
  });

  it("is one of epochs that report no number, as well", () => {
    let state = NO_PLATEAU;
    for (const value of [NaN, 2, NaN, NaN]) state = afterEpoch({ better: "lower" }, planOf(plateau, { patience: 1 }), state, value);
    expect(state).toEqual({ best: 2, stalled: 0, cooling: 0, factor: 0.1 });
  });
});

const info = {
  inputs: [{ name: "values", dtype: "f32", shape: [2] }],
  label: { name: "label", dtype: "f32", shape: [1] },
  classes: [],
} as const;

const DEVICES = [
  ["reference", () => Promise.resolve(openReferenceDevice())],
  ["wasm", () => openDevice("wasm", { threads: 1 })],
] as const;

describe.each(DEVICES)("a schedule that watches epochs, on %s", (_, open) => {
  const ratesOf = async (settings: string): Promise<readonly (number | undefined)[]> => {
    const device = await open();
    const text = `network net {
  input values: f32[2]
  fc: linear(1)
}
dataset d { train table("d.csv", values: [0, 1], label: 2) }
recipe r {
  network net
  data d
  loss mse
  batch 2
  ${settings}
}
`;
    const network = await Network.open(await compileText(text, info, device.info.kind), device);
    const split = splitFromArrays(info, { values: Float32Array.of(1, 2, 3, 4), label: Float32Array.of(1, 2) });
    const events: TrainEvent[] = [];
    for await (const event of train(network, { train: split })) events.push(event);
    network.dispose();
    device.dispose();
    return events.flatMap((it) => (it.event === "step" ? [it.lr && Number(it.lr.toPrecision(5))] : []));
  };

  it("lets the rate fall behind an epoch, not below the least, and begins anew with a stage", async () => {
    // No loss is better by all of itself: every epoch but the first stalls.
    const plateauOf = (more: string): string => `schedule plateau(watch: train.loss, factor: 0.5, patience: 0, threshold: 1${more})`;
    expect(await ratesOf(`optimizer sgd(lr: 0.01)\n  ${plateauOf("")}\n  epochs 4`)).toEqual([0.01, 0.01, 0.005, 0.0025]);
    const settings = `optimizer sgd(lr: 0.01)\n  ${plateauOf(", min_lr: 0.004")}\n  epochs 4\n  stage a { }\n  stage b { epochs 3 }`;
    expect(await ratesOf(settings)).toEqual([0.01, 0.01, 0.005, 0.004, 0.01, 0.01, 0.005]);
  });
});
