// Metrics of evaluations on a device, against scikit-learn's (scripts/make-metrics.py).

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { splitFromArrays } from "../../src/runtime/data/loaded-split.ts";
import type { Device } from "../../src/runtime/device.ts";
import { createEvaluator } from "../../src/runtime/evaluate.ts";
import { openIdentity, type IdentityRecipe } from "../support/identity.ts";

type Value = number | readonly (readonly number[])[];

interface Case {
  readonly kind: "class" | "set" | "number";
  readonly outputs: readonly (readonly number[])[];
  readonly labels: readonly (number | readonly number[])[];
  readonly metrics: Readonly<Record<string, Value>>;
}

export const CASES = JSON.parse(readFileSync(new URL("../fixtures/metrics.json", import.meta.url), "utf8")) as Readonly<
  Record<string, Case>
>;

/** `f1_micro` as a recipe asks for it. */
export const metricWord = (name: string): string => name.replace(/^top_(\d+)$/, "top_k($1)").replace(/_(micro|weighted)$/, "(average: $1)");

const LOSSES = { class: "cross_entropy", set: "binary_cross_entropy", number: "mse" } as const;
/** More batches than the device keeps scores of, and a last one that is not full. */
const BATCH = 2;

export function recipeOf({ kind, outputs, metrics }: Pick<Case, "kind" | "outputs" | "metrics">): IdentityRecipe {
  const width = outputs[0]?.length ?? 0;
  return {
    ...{ width, batch: BATCH },
    recipe: `loss ${LOSSES[kind]}\n  metrics ${Object.keys(metrics).map(metricWord).join(", ")}`,
    label: kind === "class" ? { dtype: "i32", shape: [] } : { dtype: "f32", shape: [width] },
    classes: kind === "number" ? [] : Array.from({ length: width }, (_, i) => `class ${i}`),
  };
}

const rounded = (value: unknown): unknown => {
  if (typeof value === "number") return expect.closeTo(value, 5);
  return Array.isArray(value) ? value.map(rounded) : value;
};

export function metricSuite(open: () => Promise<Device>): void {
  describe("metrics are scikit-learn's", () => {
    it.each(Object.entries(CASES))("%s", async (_, given) => {
      const { kind, outputs, labels, metrics } = given;
      const device = await open();
      const network = await openIdentity(recipeOf(given), device);
      const values = Float32Array.from(outputs.flat());
      const label = kind === "class" ? Int32Array.from(labels.flat()) : Float32Array.from(labels.flat());
      const evaluated = await createEvaluator(network.loaded)(splitFromArrays(network.artifact.dataInfo, { values, label }));
      const { loss, ...others } = evaluated ?? {};
      expect(loss).toBeTypeOf("number");
      expect(others).toEqual(Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, rounded(value)])));
      network.dispose();
      device.dispose();
    });
  });
}
