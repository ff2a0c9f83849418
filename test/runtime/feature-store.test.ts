// Features on disk: found under all that they depend on and nothing else; a damaged file is none.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openFeatureStore } from "../../src/runtime/feature-store.ts";
import type { FeatureRequest } from "../../src/runtime/features.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tlc-features-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const COUNT = 120;
const request: FeatureRequest = {
  key: "a graph, a device",
  parameters: [Float32Array.of(1, 2, 3), Float32Array.of(4)],
  examples: [{ dtype: "u8", shape: [2], data: Uint8Array.from({ length: 2 * COUNT }, (_, i) => i) }],
  count: COUNT,
  columns: [
    { name: "features/0", dtype: "f32", shape: [3] },
    { name: "features/1", dtype: "i32", shape: [] },
  ],
};
const features = [Float32Array.from({ length: 3 * COUNT }, (_, i) => i / 7), Int32Array.from({ length: COUNT }, (_, i) => i)];

it("gives back what it keeps, also to another store in the same folder", async () => {
  expect(await openFeatureStore(folder).find(request)).toBeUndefined();
  await openFeatureStore(folder).keep(request, features);
  expect(await openFeatureStore(folder).find(request)).toEqual(features);
});

it("has nothing for another graph, other weights, other examples or other features", async () => {
  const store = openFeatureStore(folder);
  await store.keep(request, features);
  const others: readonly Partial<FeatureRequest>[] = [
    { key: "another graph" },
    { parameters: [Float32Array.of(1, 2, 3), Float32Array.of(5)] },
    { parameters: [Float32Array.of(1, 2), Float32Array.of(3, 4)] },
    { examples: request.examples.map((column) => ({ ...column, data: new Uint8Array(2 * COUNT) })) },
    { examples: request.examples.map((column) => ({ ...column, shape: [2, 1] })) },
    { columns: [{ name: "features/0", dtype: "f32", shape: [4] }] },
  ];
  for (const other of others) expect(await store.find({ ...request, ...other })).toBeUndefined();
});

it("removes a damaged file", async () => {
  const store = openFeatureStore(folder);
  await store.keep(request, features);
  const [name = ""] = readdirSync(folder);
  const bytes = readFileSync(join(folder, name));
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(join(folder, name), bytes);
  expect(await store.find(request)).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
});

it("leaves what is computed in a moment", async () => {
  const few = { ...request, count: 5, examples: [{ dtype: "u8" as const, shape: [2], data: new Uint8Array(10) }] };
  await openFeatureStore(folder).keep(few, [new Float32Array(15), new Int32Array(5)]);
  expect(readdirSync(folder)).toEqual([]);
});

it("keeps nothing where it cannot write, and does not fail", async () => {
  writeFileSync(join(folder, "file"), "");
  const store = openFeatureStore(join(folder, "file"));
  await store.keep(request, features);
  expect(await store.find(request)).toBeUndefined();
});
