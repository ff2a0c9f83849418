// Steps whose next state is made from all of the old one: none of them can write where it reads. What to copy is the compiler's
// business, so each must give what the interpreter gives, with and without every pass.

import { describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import type { Node } from "../../src/ir/node.ts";
import { tensorType, type Shape } from "../../src/ir/types.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { createRandom } from "../support/random.ts";
import { interpretSteps, runSteps, type Step } from "../support/run-graph.ts";
import { relativeError } from "../support/values.ts";
import { sliceAxis } from "../../src/ir/ops/pieces.ts";

type Update = (b: Builder, states: readonly Node[]) => readonly Node[];

const N = 5;
const plain = { transposeA: false, transposeB: false };
const swapped = { perm: [1, 0] };
const one = (f: (b: Builder, state: Node) => Node): Update => {
  return (b, [state]) => (state ? [f(b, state)] : []);
};

const UPDATES: readonly (readonly [name: string, shape: Shape, states: number, update: Update])[] = [
  ["s' = concat(s[1:], s[:1])", [N], 1, one((b, s) => b.concat([sliceAxis(b, s, 0, 1, N), sliceAxis(b, s, 0, 0, 1)], { axis: 0 }))],
  ["w' = w @ w", [N, N], 1, one((b, w) => b.matmul(w, w, plain))],
  ["w' = w + w^T", [N, N], 1, one((b, w) => b.add(w, b.transpose(w, swapped)))],
  ["w' = w - w w^T w", [N, N], 1, one((b, w) => b.sub(w, b.matmul(b.matmul(w, w, { transposeA: false, transposeB: true }), w, plain)))],
  ["two states that swap", [N, 2], 2, (_b, [x, y]) => (x && y ? [y, x] : [])],
  ["three states that go round", [N], 3, (_b, [x, y, z]) => (x && y && z ? [z, x, y] : [])],
  ["a state that takes the other's old value", [N], 2, (b, [x, y]) => (x && y ? [b.add(x, y), x] : [])],
  ["two states of each other's sums", [N], 2, (b, [x, y]) => (x && y ? [b.add(x, y), b.sub(x, b.reduceSum(y, { axes: [0] }))] : [])],
];

function stepOf(shape: Shape, count: number, update: Update): Step {
  const b = createBuilder();
  const random = createRandom(11);
  const names = Array.from({ length: count }, (_, i) => `s${i}`);
  const states = names.map((name) => b.input({ name, role: "state", type: tensorType("f32", shape) }));
  const next = update(b, states);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return {
    graph: {
      builder: b,
      outputs: new Map(names.map((name, i) => [name, next[i] ?? b.constant({ value: NaN, type: tensorType("f32", shape) })])),
    },
    values: new Map(names.map((name) => [name, Float64Array.from({ length: size }, () => Math.fround(random() - 0.5))])),
  };
}

describe.each(["reference", "wasm"] as const)("updates that read all of the old state, on %s", (name) => {
  it.each(UPDATES)("%s", async (_, shape, count, update) => {
    const device = name === "reference" ? openReferenceDevice() : await openDevice("wasm", { threads: 2 });
    try {
      const step = stepOf(shape, count, update);
      const actual = await runSteps(device, step, 3);
      interpretSteps(step, 3).forEach((expected, i) => {
        for (const [output, data] of expected)
          expect(relativeError(actual[i]?.get(output) ?? [], data), `step ${i}, ${output}`).toBeLessThan(1e-5);
      });
    } finally {
      device.dispose();
    }
  });
});
