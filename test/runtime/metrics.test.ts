// Metrics on the devices that are always there, and what they say where scikit-learn says nothing.

import { describe, expect, it } from "vitest";
import { metricOf, METRICS } from "../../src/ir/recipe/metrics/index.ts";
import { rankingOf } from "../../src/ir/recipe/metrics/ranking.ts";
import { PADDING } from "../../src/ir/padding.ts";
import { planOf } from "../../src/ir/recipe/define.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { CASES, metricSuite, metricWord } from "./metric-suite.ts";

describe("reference", () => {
  metricSuite(() => Promise.resolve(openReferenceDevice()));
});
describe("wasm", () => {
  metricSuite(() => openDevice("wasm"));
});

it("compares every metric", () => {
  const words = new Set(Object.values(CASES).flatMap(({ metrics }) => Object.keys(metrics).map((name) => metricWord(name).split("(")[0])));
  expect(words).toEqual(new Set(METRICS.map(({ name }) => name)));
});

describe("rankings", () => {
  const valueOf = (name: string, ranking: ReturnType<typeof rankingOf>): number | undefined => {
    const { metric, args } = metricOf(planOf(METRICS.find((it) => it.name === name)!));
    return metric.made === "of scores" ? metric.value(ranking, args) : undefined;
  };

  it("of labels of one class alone have no value, and none of the classes that do not occur counts", () => {
    const alone = rankingOf(Float32Array.of(1, 2, 3), Int32Array.of(1, 1, 1), 1, "class");
    expect([valueOf("auc", alone), valueOf("average_precision", alone)]).toEqual([undefined, 1]);
    const none = rankingOf(Float32Array.of(1, 2, 3), Int32Array.of(0, 0, 0), 1, "class");
    expect([valueOf("auc", none), valueOf("average_precision", none)]).toEqual([undefined, undefined]);
    // The third class has no label: neither a half nor 0 of it is in the mean.
    const scores = Float32Array.of(3, 0, 9, 0, 3, 8, 2, 1, 7);
    expect(valueOf("auc", rankingOf(scores, Int32Array.of(0, 1, 0), 3, "class"))).toBe(1);
  });

  it("leave out the steps behind the end of a sequence", () => {
    const scores = Float32Array.of(0.1, 0.9, 0.5, 0.4);
    const { columns } = rankingOf(scores, Int32Array.of(0, 1, PADDING, 1), 1, "class");
    expect(columns).toEqual([{ scores: Float32Array.of(0.1, 0.9, 0.4), isPositive: Uint8Array.of(0, 1, 1) }]);
  });
});
