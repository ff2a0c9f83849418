// Backpropagation through time, as a scan in the other direction.

import { gradients } from "../gradient.ts";
import { bodyResults, substitute, topologicalOrder } from "../graph.ts";
import type { Node } from "../node.ts";
import { isFloat, type TensorType } from "../types.ts";
import { at, type Builder } from "./define.ts";
import { constant } from "./leaf.ts";
import { matmul, type MatmulAttrs } from "./matmul.ts";
import type { ScanAttrs, ScanBody } from "./scan-body.ts";

/**
 * Carries before each step and the forward values that the backward body needs are kept: by the same scan with more outputs, which a
 * pass merges with the original. An invariant's gradient that is a matrix product is done once after the loop over all steps at a
 * time (cuDNN's order of work); any other is accumulated step by step.
 *
 * @param cotangents of the results of `node`, undefined where none flows
 * @returns cotangents of the operands of `node`, in order
 */
export function scanGradient(b: Builder, node: Node<ScanAttrs>, cotangents: readonly (Node | undefined)[]): (Node | null)[] {
  const { body, length, reverse } = node.attrs;
  const local = (name: string, type: TensorType): Node => b.input({ name: `${name}@${node.id}`, role: "local", type });
  const zeros = (type: TensorType): Node => b.constant({ value: 0, type });
  const carryCount = body.next.length;

  // The backward body: gradients of the forward one, in terms of its nodes.
  const carryCts = body.next.map((n, i) => local(`carry-gradient${i}`, n.type));
  const outputCts = body.outputs.map((n, i) => (cotangents[carryCount + i] ? local(`output-gradient${i}`, n.type) : undefined));
  const seeds = new Map<Node, Node>();
  bodyResults(body).forEach((n, i) => {
    const ct = [...carryCts, ...outputCts][i];
    const sum = seeds.get(n);
    if (ct) seeds.set(n, sum ? b.add(sum, ct) : ct);
  });
  const targets = [...body.carries, ...body.slices, ...body.invariants].filter((n) => isFloat(n.type.dtype));
  const grads = gradients(b, seeds, targets);

  // Gradients of invariants: hoisted products leave their operands to be stacked, others get an accumulator.
  const stacked: Node[] = [];
  const accumulators: { readonly local: Node; readonly next: Node }[] = [];
  const plans = body.invariants.map((n, i): readonly Node[] | number | null => {
    const grad = grads.get(n);
    if (!grad) return null;
    const { transposeA, transposeB } = grad.attrs as MatmulAttrs;
    if (grad.op === matmul && transposeA && !transposeB && grad.type.shape.length === 2) {
      stacked.push(...grad.inputs);
      return grad.inputs;
    }
    const accumulator = local(`gradient-sum${i}`, n.type);
    return accumulators.push({ local: accumulator, next: b.add(accumulator, grad) }) - 1;
  });

  const forward = new Set(topologicalOrder(bodyResults(body)));
  const next = [...body.carries.map((n) => grads.get(n) ?? zeros(n.type)), ...accumulators.map((a) => a.next)];
  const sliceGrads = body.slices.filter((n) => grads.has(n));
  // What the forward loop has is not stacked once more by the backward one.
  const isForward = (n: Node): boolean => (forward.has(n) || body.carries.includes(n)) && !body.invariants.includes(n);
  const outputs = [...sliceGrads.map((n) => grads.get(n) ?? n), ...new Set(stacked.filter((n) => !isForward(n)))];
  const kept = keptValues(body, forward, [...next, ...outputs, ...stacked.filter(isForward)]);
  const forwardResults = [...body.outputs, ...kept];
  const augmented = b.scan(node.inputs, { body: { ...body, outputs: forwardResults }, length, reverse });
  const stackOf = (n: Node): Node => {
    const type = { dtype: n.type.dtype, shape: [length, ...n.type.shape] };
    return b.scanResult(augmented, { index: carryCount + forwardResults.lastIndexOf(n), type });
  };
  const keptLocals = kept.map((n, i) => local(`kept${i}`, n.type));
  const results = substitute(b, [...next, ...outputs], new Map(kept.map((n, i) => [n, at(keptLocals, i)])));

  // Slices of the backward scan: whatever its body reads.
  const used = new Set(topologicalOrder(results));
  const invariants = body.invariants.filter((n) => used.has(n));
  const sequences = [
    ...body.slices.map((n, i) => [n, at(node.inputs, carryCount + i)] as const),
    ...outputCts.flatMap((n, i) => (n ? [[n, cotangents[carryCount + i] ?? n] as const] : [])),
    ...kept.map((n, i) => [at(keptLocals, i), stackOf(n)] as const),
  ].filter(([n]) => used.has(n));
  const offset = carryCount + body.slices.length;
  const backward: ScanBody = {
    carries: [...carryCts, ...accumulators.map((a) => a.local)],
    slices: sequences.map(([n]) => n),
    invariants,
    next: results.slice(0, next.length),
    outputs: results.slice(next.length),
  };
  const operands = [
    ...body.next.map((n, i) => cotangents[i] ?? zeros(n.type)),
    ...accumulators.map((a) => zeros(a.local.type)),
    ...sequences.map(([, sequence]) => sequence),
    ...invariants.map((n) => at(node.inputs, offset + body.invariants.indexOf(n))),
  ];
  const loop = b.scan(operands, { body: backward, length, reverse: !reverse });
  const result = (index: number, type: TensorType): Node => b.scanResult(loop, { index, type });
  const output = (n: Node): Node => {
    const i = outputs.indexOf(n);
    return result(next.length + i, { dtype: n.type.dtype, shape: [length, ...n.type.shape] });
  };
  const stackOfForward = (n: Node): Node => {
    const slice = body.slices.indexOf(n);
    return slice < 0 ? stackOf(n) : at(node.inputs, carryCount + slice);
  };
  const allSteps = (n: Node): Node => {
    const stack = isForward(n) ? stackOfForward(n) : output(n);
    return b.reshape(stack, { shape: [length * at(n.type.shape, 0), ...n.type.shape.slice(1)] });
  };
  return [
    ...body.carries.map((n, i) => (grads.has(n) ? result(i, n.type) : null)),
    ...body.slices.map((n) => (grads.has(n) ? output(grads.get(n) ?? n) : null)),
    ...plans.map((plan, i) => {
      if (plan === null) return null;
      if (typeof plan === "number") return result(carryCount + plan, at(body.invariants, i).type);
      return b.matmul(allSteps(at(plan, 0)), allSteps(at(plan, 1)), { transposeA: true, transposeB: false });
    }),
  ];
}

// Forward values that backward nodes use directly. Constants are free, sequences and invariants are still at hand.
function keptValues(body: ScanBody, forward: ReadonlySet<Node>, roots: readonly Node[]): Node[] {
  const atHand = new Set<Node>([...body.slices, ...body.invariants]);
  const kept = new Set<Node>();
  const keep = (n: Node): void => {
    if (forward.has(n) && !atHand.has(n) && n.op !== constant) kept.add(n);
  };
  roots.forEach(keep);
  for (const n of topologicalOrder(roots)) if (!forward.has(n)) n.inputs.forEach(keep);
  return [...kept];
}
