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
  const carryCount = body.carries.length;
  const local: MakeLocal = (name, type) => b.input({ name: `${name}@${node.id}`, role: "local", type });
  const zeros = (type: TensorType): Node => b.constant({ value: 0, type });

  const carryCts = body.next.map((n, i) => local(`carry-gradient${i}`, n.type));
  const outputCts = body.outputs.map((n, i) => (cotangents[carryCount + i] ? local(`output-gradient${i}`, n.type) : undefined));
  const grads = stepGradients(b, body, [...carryCts, ...outputCts]);
  const plans = body.invariants.map((n, i) => planInvariant(b, grads.get(n), () => local(`gradient-sum${i}`, n.type)));
  const sums = plans.filter((plan) => plan?.kind === "sum");
  const factors = plans.flatMap((plan) => (plan?.kind === "product" ? plan.factors : []));

  const next = [...body.carries.map((n) => grads.get(n) ?? zeros(n.type)), ...sums.map((sum) => sum.next)];
  // What the forward loop has is not stacked once more by the backward one.
  const isForward = forwardTest(body);
  const outputs = [...body.slices.flatMap((n) => grads.get(n) ?? []), ...new Set(factors.filter((n) => !isForward(n)))];
  const { results, kept, forwardStack } = keepForward(b, node, [...next, ...outputs], factors.filter(isForward), local);

  // The backward loop slices and reads what its body uses, no more.
  const used = new Set(topologicalOrder(results));
  const sequences = [
    ...body.slices.map((n, i) => [n, at(node.inputs, carryCount + i)] as const),
    ...outputCts.flatMap((n, i) => (n ? [[n, cotangents[carryCount + i] ?? n] as const] : [])),
    ...kept,
  ].filter(([n]) => used.has(n));
  const invariants = body.invariants
    .map((n, i) => [n, at(node.inputs, carryCount + body.slices.length + i)] as const)
    .filter(([n]) => used.has(n));
  const backward: ScanBody = {
    carries: [...carryCts, ...sums.map((sum) => sum.local)],
    slices: sequences.map(([n]) => n),
    invariants: invariants.map(([n]) => n),
    next: results.slice(0, next.length),
    outputs: results.slice(next.length),
  };
  const operands = [
    ...body.next.map((n, i) => cotangents[i] ?? zeros(n.type)),
    ...sums.map((sum) => zeros(sum.local.type)),
    ...sequences.map(([, sequence]) => sequence),
    ...invariants.map(([, operand]) => operand),
  ];
  const loop = b.scan(operands, { body: backward, length, reverse: !reverse });

  const lastCarry = (index: number, type: TensorType): Node => b.scanResult(loop, { index, type });
  const stackOf = (n: Node): Node => b.scanResult(loop, { index: next.length + outputs.indexOf(n), type: stackType(n.type, length) });
  const allSteps = (n: Node): Node =>
    b.reshape(isForward(n) ? forwardStack(n) : stackOf(n), { shape: [length * at(n.type.shape, 0), ...n.type.shape.slice(1)] });
  return [
    ...body.carries.map((n, i) => (grads.has(n) ? lastCarry(i, n.type) : null)),
    ...body.slices.map((n) => {
      const grad = grads.get(n);
      return grad ? stackOf(grad) : null;
    }),
    ...plans.map((plan) => {
      if (!plan) return null;
      if (plan.kind === "sum") return lastCarry(carryCount + sums.indexOf(plan), plan.local.type);
      return b.matmul(allSteps(at(plan.factors, 0)), allSteps(at(plan.factors, 1)), { transposeA: true, transposeB: false });
    }),
  ];
}

type MakeLocal = (name: string, type: TensorType) => Node;

const stackType = ({ dtype, shape }: TensorType, length: number): TensorType => ({ dtype, shape: [length, ...shape] });

/** Gradients of a step's floats by its inputs, from the cotangents of its results, in terms of the forward body's nodes. */
function stepGradients(b: Builder, body: ScanBody, cotangents: readonly (Node | undefined)[]): ReadonlyMap<Node, Node> {
  const seeds = new Map<Node, Node>();
  bodyResults(body).forEach((n, i) => {
    const ct = cotangents[i];
    const sum = seeds.get(n);
    if (ct) seeds.set(n, sum ? b.add(sum, ct) : ct);
  });
  const inputs = [...body.carries, ...body.slices, ...body.invariants];
  return gradients(
    b,
    seeds,
    inputs.filter((n) => isFloat(n.type.dtype)),
  );
}

/** The gradient of an invariant: one product of two stacks after the loop, or a sum that the loop carries. */
type InvariantPlan =
  { readonly kind: "product"; readonly factors: readonly Node[] } | { readonly kind: "sum"; readonly local: Node; readonly next: Node };

/** @param grad of one step, undefined where none flows */
function planInvariant(b: Builder, grad: Node | undefined, makeSum: () => Node): InvariantPlan | undefined {
  if (!grad) return undefined;
  const { transposeA, transposeB } = grad.attrs as MatmulAttrs;
  // The sum over steps of x^T y is X^T Y, where X and Y are the rows of all steps.
  if (grad.op === matmul && transposeA && !transposeB && grad.type.shape.length === 2) return { kind: "product", factors: grad.inputs };
  const accumulator = makeSum();
  return { kind: "sum", local: accumulator, next: b.add(accumulator, grad) };
}

/** Whether the forward loop has a value of each step, or can give it: not what is the same in all of them. */
function forwardTest(body: ScanBody): (n: Node) => boolean {
  const varying = new Set([...topologicalOrder(bodyResults(body)), ...body.carries]);
  for (const n of body.invariants) varying.delete(n);
  return (n) => varying.has(n) && n.op !== constant;
}

/**
 * Makes the forward scan give what the backward one needs of it, for each step.
 *
 * @param roots what the backward body computes, in terms of forward values
 * @param factors forward values that are needed after the loop
 * @returns `results`: `roots` in terms of locals; `kept`: each such local with its stack; `forwardStack`: the stack of a factor
 */
function keepForward(b: Builder, node: Node<ScanAttrs>, roots: readonly Node[], factors: readonly Node[], local: MakeLocal) {
  const { body, length, reverse } = node.attrs;
  const kept = keptValues(body, new Set(topologicalOrder(bodyResults(body))), [...roots, ...factors]);
  const outputs = [...body.outputs, ...kept];
  const augmented = b.scan(node.inputs, { body: { ...body, outputs }, length, reverse });
  const locals = kept.map((n, i) => local(`kept${i}`, n.type));
  const results = substitute(b, roots, new Map(kept.map((n, i) => [n, at(locals, i)])));
  const forwardStack = (n: Node): Node => {
    const slice = body.slices.indexOf(n);
    if (slice >= 0) return at(node.inputs, body.carries.length + slice);
    return b.scanResult(augmented, { index: body.next.length + outputs.lastIndexOf(n), type: stackType(n.type, length) });
  };
  return { results, kept: kept.map((n, i) => [at(locals, i), forwardStack(n)] as const), forwardStack };
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
