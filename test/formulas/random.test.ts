// What random numbers must be: of the right distribution and independent of their neighbours, of other streams, steps and seeds. Ten
// thousands of draws; bounds are five standard deviations of the estimate, so that a sound generator passes and a wrong formula does not.

import { describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import type { Node } from "../../src/ir/node.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import { tensorType } from "../../src/ir/types.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { openCamera } from "../support/pictures.ts";
import { runGraph } from "../support/run-graph.ts";
import { compileText, read, start } from "../support/run-spec.ts";

const COUNT = 40_000;
const BOUND = 5;

type Draw = (b: Builder, seed: Node, step: Node, attrs: { readonly shape: readonly number[]; readonly stream: number }) => Node;
const uniform: Draw = (b, seed, step, attrs) => b.randomUniform(seed, step, attrs);
const normal: Draw = (b, seed, step, attrs) => b.randomNormal(seed, step, attrs);

async function draw(make: Draw, { seed = 1, step = 0, stream = 0, shape = [COUNT] as readonly number[] } = {}): Promise<number[]> {
  const b = createBuilder();
  const scalar = (name: string): Node => b.input({ name, role: "batch", type: tensorType("u32", []) });
  const value = make(b, scalar("seed"), scalar("step"), { shape, stream });
  const inputs = new Map([
    ["seed", Float64Array.of(seed)],
    ["step", Float64Array.of(step)],
  ]);
  const results = await runGraph(openReferenceDevice(), { builder: b, outputs: new Map([["value", value]]) }, inputs);
  return Array.from(results.get("value") ?? []);
}

const mean = (list: readonly number[]): number => list.reduce((sum, v) => sum + v, 0) / list.length;
const moment = (list: readonly number[], power: number): number => mean(list.map((v) => v ** power));
/** Squared distances from the mean. */
function squares(list: readonly number[]): number[] {
  const centre = mean(list);
  return list.map((v) => (v - centre) ** 2);
}
const deviation = (list: readonly number[]): number => Math.sqrt(mean(squares(list)));

function correlation(a: readonly number[], b: readonly number[]): number {
  const [ma, mb] = [mean(a), mean(b)];
  return mean(a.map((v, i) => (v - ma) * ((b[i] ?? NaN) - mb))) / (deviation(a) * deviation(b));
}

/** Neither the numbers nor their squares say anything about each other. */
function expectIndependent(a: readonly number[], b: readonly number[], what: string): void {
  for (const [x, y] of [
    [a, b],
    [squares(a), squares(b)],
    [a, squares(b)],
  ] as const)
    expect(Math.abs(correlation(x, y)), what).toBeLessThan(BOUND / Math.sqrt(a.length));
}

/** A share of the draws that has probability `p`. */
function expectShare(list: readonly number[], isIn: (v: number) => boolean, p: number, what: string): void {
  const share = list.filter(isIn).length / list.length;
  expect(Math.abs(share - p), `${what}: ${share}, not ${p}`).toBeLessThan(BOUND * Math.sqrt((p * (1 - p)) / list.length));
}

function expectUniform(list: readonly number[], low: number, high: number): void {
  const unit = list.map((v) => (v - low) / (high - low));
  expect(Math.min(...unit)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...unit)).toBeLessThanOrEqual(1);
  // The k-th moment is 1 / (k + 1).
  for (const power of [1, 2, 3]) {
    const error = Math.sqrt(1 / (2 * power + 1) - 1 / (power + 1) ** 2) / Math.sqrt(list.length);
    expect(Math.abs(moment(unit, power) - 1 / (power + 1)), `moment ${power}`).toBeLessThan(BOUND * error);
  }
  for (let bin = 0; bin < 16; bin++) expectShare(unit, (v) => v >= bin / 16 && v < (bin + 1) / 16, 1 / 16, `bin ${bin}`);
  expect(Math.min(...unit)).toBeLessThan(10 / list.length);
  expect(Math.max(...unit)).toBeGreaterThan(1 - 10 / list.length);
}

function expectNormal(list: readonly number[], std: number): void {
  const unit = list.map((v) => v / std);
  // Moments 1 to 4 are 0, 1, 0 and 3; the variance of the k-th's estimate comes from moment 2k: 1, 3, 15, 105.
  const moments = [0, 1, 0, 3];
  [1, 3, 15, 105].forEach((square, i) => {
    const error = Math.sqrt((square - (moments[i] ?? NaN) ** 2) / list.length);
    expect(Math.abs(moment(unit, i + 1) - (moments[i] ?? NaN)), `moment ${i + 1}`).toBeLessThan(BOUND * error);
  });
  // P(|x| > 1, 2, 3).
  [0.3173105, 0.0455003, 0.0026998].forEach((p, i) => expectShare(unit, (v) => Math.abs(v) > i + 1, p, `beyond ${i + 1}`));
  expectShare(unit, (v) => v > 0, 0.5, "above 0");
  expectShare(unit, (v) => Math.abs(v) < 0.1, 0.0796557, "within 0.1");
}

describe.each([
  ["randomUniform", uniform],
  ["randomNormal", normal],
])("%s", (name, make) => {
  it("has its distribution, whatever the shape", async () => {
    for (const shape of [[COUNT], [COUNT / 8, 4, 2]]) {
      const list = await draw(make, { shape });
      if (name === "randomUniform") {
        expectUniform(list, 0, 1);
        expect(Math.max(...list)).toBeLessThan(1);
      } else expectNormal(list, 1);
    }
  });

  it("is independent of its neighbours, other streams, steps and seeds", async () => {
    const list = await draw(make);
    for (const lag of [1, 2, COUNT / 2]) expectIndependent(list.slice(0, COUNT - lag), list.slice(lag), `lag ${lag}`);
    expectIndependent(list, await draw(make, { stream: 1 }), "stream");
    expectIndependent(list, await draw(make, { step: 1 }), "step");
    expectIndependent(list, await draw(make, { seed: 2 }), "seed");
    // Key and counter are not mixed up.
    expectIndependent(await draw(make, { seed: 3, step: 5 }), await draw(make, { seed: 5, step: 3 }), "seed and step");
    expect(await draw(make)).toEqual(list);
  });
});

describe("dropout", () => {
  it.each([0.1, 0.5, 0.8])("drops a share of %f and scales the rest up, anew in every step", async (rate) => {
    const white = { channels: 4, height: 8, width: 8, levels: new Uint8Array(256).fill(255) };
    const camera = await openCamera("", [4, 8, 8], white, { batch: 4, layers: `-> dropout(${rate})` });
    const steps = [await camera.train(), await camera.train(), await camera.train(), await camera.train()];
    const all = steps.flat(2).map((v) => Math.round(v * 1e4) / 1e4);
    const kept = Math.round(1e4 / (1 - rate)) / 1e4;
    expect(all.filter((v) => v !== 0 && Math.abs(v - kept) > 2e-4)).toEqual([]);
    expectShare(all, (v) => v === 0, rate, "dropped");
    const [first, second] = steps.map((pictures) => pictures.flat());
    expectIndependent(first ?? [], second ?? [], "steps");
    expect(await camera.predict()).toEqual(new Array(256).fill(1));
  });

  // Of examples [4, 8, 8], four in a batch.
  it.each([
    ["dropout2d", 64],
    ["drop_path", 256],
  ])("of %s drops %i values together", async (layer, together) => {
    const white = { channels: 4, height: 8, width: 8, levels: new Uint8Array(256).fill(255) };
    const camera = await openCamera("", [4, 8, 8], white, { batch: 4, layers: `-> reshape([4, 8, 8]) -> ${layer}(0.5) -> flatten` });
    const first: number[] = [];
    for (let step = 0; step < 24; step++) {
      const values = (await camera.train()).flat().map((v) => Math.round(v * 1e4) / 1e4);
      const groups = Array.from({ length: values.length / together }, (_, i) => values.slice(i * together, (i + 1) * together));
      for (const group of groups) expect(new Set(group).size).toBe(1);
      first.push(...groups.map(([value = NaN]) => value));
    }
    expect(new Set(first)).toEqual(new Set([0, 2]));
    expectShare(first, (value) => value === 0, 0.5, "dropped");
    expect(await camera.predict()).toEqual(new Array(256).fill(1));
  });
});

describe("initial weights", () => {
  const spec = `network net {
  input image: f32[4, 20, 20]
  conv: conv2d(100, kernel: 5) -> flatten
  fc: linear(3)
}
network tagger {
  input tokens: i32[6]
  embedding: embedding(500, 40)
  rnn: lstm(64)
  fc: linear(3)
}
dataset pictures {
  train images("d")
}
dataset sequences {
  train table("d.csv", tokens: t, label: l)
}
recipe r {
  network NETWORK
  data DATA
  loss cross_entropy
  optimizer adam
  batch 2
  epochs 1
}
`;
  const classes = ["a", "b", "c"];
  const initial = async (network: string, data: string, info: DataInfo, seed: number) =>
    start(await compileText(spec.replace("NETWORK", network).replace("DATA", data), info), seed);

  it("are PyTorch's: uniform within 1 / sqrt(fan-in), embeddings normal, and others for another seed", async () => {
    const net = (seed: number) =>
      initial(
        "net",
        "pictures",
        { inputs: [{ name: "image", dtype: "u8", shape: [4, 20, 20] }], label: { name: "label", dtype: "i32", shape: [] }, classes },
        seed,
      );
    const session = await net(1);
    const [conv, fc] = [await read(session, "weight/conv.weight"), await read(session, "weight/fc.weight")];
    expectUniform(conv, -1 / Math.sqrt(4 * 25), 1 / Math.sqrt(4 * 25));
    expectUniform(fc, -1 / Math.sqrt(25_600), 1 / Math.sqrt(25_600));
    expectIndependent(conv, fc.slice(0, conv.length), "weights");
    expectIndependent(conv, await read(await net(2), "weight/conv.weight"), "seeds");
    expect(Math.max(...(await read(session, "weight/conv.bias")).map(Math.abs))).toBeLessThanOrEqual(0.1);

    const tagger = await initial(
      "tagger",
      "sequences",
      { inputs: [{ name: "tokens", dtype: "i32", shape: [6] }], label: { name: "label", dtype: "i32", shape: [6] }, classes },
      1,
    );
    expectNormal(await read(tagger, "weight/embedding.weight"), 1);
    expectUniform(await read(tagger, "weight/rnn.weight_hh_l0"), -1 / 8, 1 / 8);
    expectUniform(await read(tagger, "weight/rnn.weight_ih_l0"), -1 / 8, 1 / 8);
  });
});
