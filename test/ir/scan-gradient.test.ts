// Gradients through loops over time against central differences: by carries, sequences and invariants, of final carries and of what is
// kept of every step, forwards and backwards. Devices are then compared with the interpreter of the same graph.

import { expect, it } from "vitest";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import type { Node } from "../../src/ir/node.ts";
import { scanResults } from "../../src/ir/ops/scan.ts";
import { sizeOf, tensorType, type Shape } from "../../src/ir/types.ts";
import { createRandom } from "../support/random.ts";
import { interpret } from "../support/run-graph.ts";
import { relativeError } from "../support/values.ts";

const [TIME, ROWS, WIDTH] = [4, 2, 3];
const OPERANDS: Readonly<Record<string, Shape>> = {
  h: [ROWS, WIDTH],
  c: [ROWS, WIDTH],
  x: [TIME, ROWS, WIDTH],
  w: [WIDTH, WIDTH],
  scale: [ROWS, WIDTH],
  v: [WIDTH, WIDTH],
};

/** Two carries, one of which is also an output; an invariant in a product with a carry, one with what is the same in all steps, one outside of any. */
function loop(b: Builder, operands: readonly Node[], reverse: boolean): Node[] {
  const local = (name: string, shape: Shape): Node => b.input({ name: `local.${name}`, role: "local", type: tensorType("f32", shape) });
  const [h, c, w, scale, v] = [
    local("h", OPERANDS["h"]!),
    local("c", OPERANDS["c"]!),
    local("w", OPERANDS["w"]!),
    local("s", OPERANDS["scale"]!),
    local("v", OPERANDS["v"]!),
  ];
  const x = local("x", [ROWS, WIDTH]);
  const mixed = b.add(b.matmul(h, w, { transposeA: false, transposeB: true }), b.mul(x, scale));
  const same = b.constant({ value: 0.5, type: h.type });
  const next = b.tanh(b.add(mixed, b.matmul(same, v, { transposeA: false, transposeB: false })));
  const cell = b.add(b.mul(c, b.sigmoid(mixed)), b.mul(next, scale));
  const body = { carries: [h, c], slices: [x], invariants: [w, scale, v], next: [next, cell], outputs: [next, b.mul(cell, x)] };
  return scanResults(b, b.scan(operands, { body, length: TIME, reverse }) as Node<never>);
}

it.each([false, true])("gradients through a loop agree with central differences (reverse: %s)", (reverse) => {
  const b = createBuilder();
  const random = createRandom(6);
  const names = Object.keys(OPERANDS);
  const operands = names.map((name) => b.input({ name, role: "batch", type: tensorType("f32", OPERANDS[name]!) }));
  // All four results, each element with a weight of its own.
  const parts = loop(b, operands, reverse).map((result) => {
    const flat = b.reshape(result, { shape: [sizeOf(result.type.shape)] });
    const position = b.cast(b.iota({ shape: flat.type.shape, axis: 0 }), { dtype: "f32" });
    return b.reduceSum(b.mul(flat, b.sin(b.add(position, result.id))), { axes: [0] });
  });
  const total = parts.reduce((sum, part) => b.add(sum, part));
  const values = new Map(names.map((name) => [name, Float64Array.from({ length: sizeOf(OPERANDS[name]!) }, () => random() * 2 - 1)]));
  const valueAt = (inputs: ReadonlyMap<string, Float64Array>): number =>
    interpret({ builder: b, outputs: new Map([["total", total]]) }, inputs).get("total")![0]!;
  names.forEach((name, i) => {
    const analytic = interpret({ builder: b, outputs: new Map([["grad", b.gradient(total, operands[i]!)]]) }, values).get("grad")!;
    const numeric = analytic.map((_, j) => {
      const shifted = (by: number): number =>
        valueAt(
          new Map(values).set(
            name,
            values.get(name)!.map((v, k) => (k === j ? v + by : v)),
          ),
        );
      return (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
    });
    expect(relativeError(analytic, numeric), name).toBeLessThan(1e-8);
  });
});
