// Where 32 bits are few: results on a float32 device beside what PyTorch 2 gives in float32. The interpreter has 64 and would not notice.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import { gradients } from "../../src/ir/gradient.ts";
import type { Node } from "../../src/ir/node.ts";
import { sizeOf, tensorType, type DType, type Shape } from "../../src/ir/types.ts";
import type { Device } from "../../src/runtime/device.ts";
import { openDevice } from "../../src/runtime/open-device.ts";
import { runGraph } from "../support/run-graph.ts";
import { relativeError } from "../support/values.ts";

describe("float32 on wasm", () => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice("wasm", { threads: 2 });
  });
  afterAll(() => device.dispose());

  const run = (
    b: Builder,
    outputs: Record<string, Node>,
    inputs: Record<string, readonly number[]>,
  ): Promise<Map<string, ArrayLike<number>>> =>
    runGraph(
      device,
      { builder: b, outputs: new Map(Object.entries(outputs)) },
      new Map(Object.entries(inputs).map(([name, values]) => [name, Float64Array.from(values)])),
    );
  const input = (b: Builder, name: string, shape: Shape, dtype: DType = "f32"): Node =>
    b.input({ name, role: "batch", type: tensorType(dtype, shape) });

  const LOGITS = [1e8, 1e8 - 8, 1e8 - 16, 3, 1e4, 1e4 - 1, 1e4 - 2, -1e4];

  it("keeps the digits of log softmax and cross entropy of large logits", async () => {
    const b = createBuilder();
    const [x, labels] = [input(b, "x", [2, 4]), input(b, "labels", [2], "i32")];
    const loss = b.crossEntropy(x, labels, { labelSmoothing: 0 });
    const ones = b.constant({ value: 1, type: loss.type });
    const grad = gradients(b, new Map([[loss, ones]]), [x]).get(x) ?? x;
    const smooth = b.crossEntropy(x, labels, { labelSmoothing: 0.1 });
    const results = await run(b, { log: b.logSoftmax(x, { axis: 1 }), loss, grad, smooth }, { x: LOGITS, labels: [1, 2] });
    const close = (name: string, expected: readonly number[], tolerance = 1e-6): void => {
      const actual = results.get(name) ?? [];
      // Each row by itself: one holds -1e8 and would hide the other.
      const half = expected.length / 2;
      for (const row of [0, 1])
        expect(
          relativeError(Array.from(actual).slice(row * half, (row + 1) * half), expected.slice(row * half, (row + 1) * half)),
          `${name} ${Array.from(actual).join(" ")}`,
        ).toBeLessThan(tolerance);
    };
    close("log", [-3.355178633e-4, -8.000335693, -16.00033569, -1e8, -0.4076059461, -1.407605886, -2.407605886, -20000.4082]);
    expect(results.get("log")?.[0]).toBeCloseTo(-3.355e-4, 6);
    close("loss", [8.000335693, 2.407605886]);
    close("grad", [0.9996645451, -0.9996646643, 1.124974034e-7, 0, 0.665241003, 0.2447284907, -0.909969449, 0]);
    close("smooth", [2500008, 502.2826233]);
  });

  it("normalizes a constant channel of 1e4 to 0, with PyTorch's gradient", async () => {
    const b = createBuilder();
    const shape = [3, 2, 1, 5];
    const [x, weight, bias, d] = [input(b, "x", shape), input(b, "weight", [2]), input(b, "bias", [2]), input(b, "d", shape)];
    const y = b.batchNorm([x, weight, bias, bias, weight], { mode: "train", eps: 1e-5 });
    const grad = gradients(b, new Map([[y, d]]), [x]).get(x) ?? x;
    const size = sizeOf(shape);
    const results = await run(
      b,
      { y, grad },
      {
        x: Array.from({ length: size }, (_, i) => (Math.floor(i / 5) % 2 === 0 ? 1e4 : i)),
        weight: [1, 1],
        bias: [0, 0],
        d: Array.from({ length: size }, (_, i) => Math.sin(i)),
      },
    );
    const first = (data: ArrayLike<number> | undefined): number[] => Array.from(data ?? []).filter((_, i) => Math.floor(i / 5) % 2 === 0);
    expect(first(results.get("y"))).toEqual(new Array(15).fill(0));
    const expected = [
      -9.57594013, 256.520538, 277.969147, 35.0501213, -248.897888, -181.610519, -325.800598, -179.255188, 123.292534, 303.68161,
      279.122681, 254.997787, -12.3749695, -277.174316, -295.944946,
    ];
    expect(relativeError(first(results.get("grad")), expected)).toBeLessThan(1e-6);
  });
});
