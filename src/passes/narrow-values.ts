// A precision: what a network keeps between its products is rounded to the format of their operands, where PyTorch's autocast has it in that format,
// so that memory may hold it in half of the bits. That is what products give, with their biases, and what norms of a batch, poolings, activations
// and sums make of it, as long as nothing of f32 is among it. Rounded is what is read more than once, or by more than sums and the like: what stands
// between has memory nowhere, neither for what follows nor for the gradient. What leads to no further product, answers and losses, stays f32; so do weights, statistics and the optimizer.
//
// It is done to the network, before anything is made of it: training, evaluation, what is cached and a teacher round the same. The gradient of what is
// rounded is rounded as well (ir/ops/round-to.ts); so what is of the format anyway, as the maximum of such values, is rounded for the gradient's sake, and
// once that is there it is no more (narrow-products.ts).

import type { Builder } from "../ir/builder.ts";
import { createRewriter, topologicalOrder, usersOf } from "../ir/graph.ts";
import type { OperandType } from "../ir/loop/expr.ts";
import { mapRoots, rootsOf, type ForwardModel, type NetworkModel } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import { ops } from "../ir/ops/index.ts";
import { isProduct } from "./narrow-products.ts";

export function narrowNetwork(b: Builder, network: NetworkModel, to: OperandType): NetworkModel {
  // Of no fewer bytes than f32.
  if (to === "tf32") return network;
  const { teacher } = network;
  return { ...narrowModel(b, network, to), ...(teacher && { teacher: narrowModel(b, teacher, to) }) };
}

function narrowModel<M extends ForwardModel>(b: Builder, model: M, to: OperandType): M {
  const order = topologicalOrder(rootsOf(model));
  const rounded = new Set(roundedIn(order));
  const map = createRewriter(b, (node, inputs) =>
    rounded.has(node) ? b.roundTo(b.apply(node.op, inputs, node.attrs), { to }) : undefined,
  );
  return mapRoots(model, map);
}

/** The values that are rounded, of nodes with inputs before users. */
function roundedIn(order: readonly Node[]): readonly Node[] {
  const isOnce = (node: Node): boolean => users.get(node)?.length === 1;
  const users = usersOf(order);
  const narrow = new Set<Node>();
  for (const node of order) if (isNarrow(node, narrow)) narrow.add(node);
  const leads = new Set<Node>();
  for (const node of order.toReversed()) if (users.get(node)?.some((user) => leads.has(user) || isProduct(user))) leads.add(node);
  const isPassedOn = (node: Node): boolean => {
    const [user, ...others] = users.get(node) ?? [];
    return user !== undefined && others.length === 0 && narrow.has(user) && isInPlace(user);
  };
  // Before what keeps numbers as they are: its result is of the format as well, and a gradient that asks for it reads that.
  const beforeKeeping = (node: Node): Node => {
    let source = node;
    while (source.op.narrows === "keeps" && isInPlace(source)) {
      const [only, ...others] = source.inputs.filter((input) => narrow.has(input));
      if (!only || others.length > 0 || !isOnce(only)) break;
      source = only;
    }
    return source;
  };
  return order.filter((node) => narrow.has(node) && leads.has(node) && !isPassedOn(node)).map(beforeKeeping);
}

function isNarrow(node: Node, narrow: ReadonlySet<Node>): boolean {
  if (node.type.dtype !== "f32") return false;
  if (isProduct(node) || isBiased(node)) return true;
  const { op, inputs } = node;
  const how = op.narrows ?? (op.elementwise ? "rounds" : "never");
  if (how === "never") return false;
  const given = inputs.slice(0, op.narrowed).filter(({ type }) => type.dtype === "f32");
  return given.some((input) => narrow.has(input)) && given.every((input) => narrow.has(input) || input.op === ops.constant);
}

/** A product with a bias, which is one op to PyTorch. */
function isBiased({ op, inputs }: Node): boolean {
  if (op !== ops.add) return false;
  const [product, bias] = [at(inputs, 0), at(inputs, 1)];
  return isProduct(moved(product)) && bias.op === ops.expand && "role" in moved(bias).attrs;
}

/** What a move of elements moves. */
function moved(node: Node): Node {
  let source = node;
  while (source.op.narrows === "keeps" && source.op.cost === 0 && source.inputs.length === 1) source = at(source.inputs, 0);
  return source;
}

/** Whether an op is computed together with what makes its operands, and its gradient asks for none of them. */
const isInPlace = ({ op }: Node): boolean =>
  op === ops.add || op === ops.sub || op === ops.relu || op.cost === 0 || op.training?.draws === true;
