// How operands lie in memory, as schedules see it: in the kernels that lowering makes of linear layers on sequences and of convolutions.

import { describe, expect, it } from "vitest";
import { contiguousRun, strideAlong } from "../../src/codegen/axes.ts";
import { loadsOf } from "../../src/ir/loop/loads.ts";
import { createBuilder, type Builder } from "../../src/ir/builder.ts";
import { gradients } from "../../src/ir/gradient.ts";
import * as e from "../../src/ir/loop/expr.ts";
import type { ContractStage, Kernel } from "../../src/ir/loop/kernel.ts";
import type { Node } from "../../src/ir/node.ts";
import { tensorType } from "../../src/ir/types.ts";
import { callsOf } from "../../src/passes/lowered.ts";
import { compileGraph } from "../support/run-graph.ts";

const input = (b: Builder, name: string, shape: readonly number[]): Node =>
  b.input({ name, role: "batch", type: tensorType("f32", shape) });

/** The contractions of a forward pass and of its gradients by every input. */
function contractionsOf(b: Builder, y: Node, inputs: readonly Node[]): readonly (Kernel & { readonly contract: ContractStage })[] {
  const ct = input(b, "ct", y.type.shape);
  const grads = gradients(b, new Map([[y, ct]]), inputs);
  const outputs = new Map([["y", y], ...inputs.map((node, i) => [`grad${String(i)}`, grads.get(node) ?? y] as const)]);
  const { tasks } = compileGraph({ builder: b, outputs }, "webgpu");
  return [...tasks.values()].flat().flatMap((task) =>
    callsOf(task).flatMap(({ kernel }) => {
      const contract = kernel.stages[0];
      return contract?.kind === "contract" ? [{ ...kernel, contract }] : [];
    }),
  );
}

const strides = (expr: e.Expr, axis: string): (number | undefined)[] => loadsOf([expr]).map(({ index }) => strideAlong(index, axis));

describe("operands in memory", () => {
  it("of a linear layer on a sequence are rows, forward and in both gradients", () => {
    const b = createBuilder();
    const [x, w] = [input(b, "x", [16, 7, 20]), input(b, "w", [32, 20])];
    // A relu before it reads the sequence as it is, one after it writes it so.
    const rows = b.reshape(b.relu(x), { shape: [112, 20] });
    const y = b.relu(b.reshape(b.matmul(rows, w, { transposeB: true }), { shape: [16, 7, 32] }));
    const contractions = contractionsOf(b, y, [x, w]);
    expect(contractions).toHaveLength(3);
    for (const { name, contract, stages } of contractions) {
      for (const [operand, along] of [
        [contract.lhs, "m"],
        [contract.rhs, "n"],
      ] as const) {
        const all = ["k", along].map((axis) => strides(operand, axis));
        expect(all.flat(), name).not.toContain(undefined);
        expect(all.flat(), name).toContain(1);
      }
      for (const stage of stages)
        if (stage.kind === "store") for (const write of stage.writes) expect(strideAlong(write.index, "n"), name).toBe(1);
    }
  });

  it("of a convolution's weight gradient lie along the pixels that it sums over", () => {
    const b = createBuilder();
    const [x, w] = [input(b, "x", [32, 16, 10, 10]), input(b, "w", [32, 16, 3, 3])];
    const y = b.conv2d(x, w, { stride: [1, 1], padding: [1, 1], dilation: [1, 1], groups: 1 });
    const weight = contractionsOf(b, y, [w]).find(({ name }) => name.includes("WeightGrad"));
    expect(weight?.axes[0]?.extent).toBeGreaterThan(1);
    for (const operand of [weight?.contract.lhs, weight?.contract.rhs]) {
      const runs = loadsOf(operand ? [operand] : []).map(({ index }) =>
        contiguousRun(index, weight?.contract.k ?? { name: "", extent: 1 }),
      );
      expect(runs).toEqual([100]);
    }
  });
});

describe("contiguousRun", () => {
  const p = e.axis("p", 3200);
  const run = (index: e.Expr): number => contiguousRun(index, { name: "p", extent: 3200 });
  it("is the whole axis where the index is linear, and one where its stride is another", () => {
    expect(run(e.add(p, e.mul(e.axis("q", 7), e.int(3200))))).toBe(3200);
    expect(run(e.mul(p, e.int(2)))).toBe(1);
    expect(run(e.axis("q", 7))).toBe(1);
  });
  it("ends where a quotient or a remainder jumps", () => {
    const channel = e.mul(e.axis("m", 16), e.int(100));
    expect(run(e.add(e.mul(e.div(p, e.int(100)), e.int(1600)), e.add(channel, e.rem(p, e.int(100)))))).toBe(100);
    expect(run(e.add(e.mul(e.rem(e.div(p, e.int(3)), e.int(3)), e.int(10)), e.rem(p, e.int(3))))).toBe(3);
    // Steps of two reach the end of ten after five.
    expect(run(e.sub(e.rem(e.mul(p, e.int(2)), e.int(10)), p))).toBe(5);
    expect(run(e.rem(p, e.load(0, e.int(0), "i32")))).toBe(1);
  });
});
