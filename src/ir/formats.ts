// Which values are floats of a format with fewer bits, so that memory may hold them in those: what was rounded, and what ops that compute nothing
// make of it.

import type { OperandType } from "./loop/expr-type.ts";
import type { Node } from "./node.ts";
import { isLittle } from "./fusion/buffers.ts";
import { FORMATS, roundTo } from "./rounding.ts";
import type { DType } from "./types.ts";

/** A number of any format stands for itself: constants, and what a padding is filled with. */
type Numbers = OperandType | "any" | undefined;

const known = new WeakMap<Node, Numbers>();

/** The format of which all values of a node are; undefined where they are any f32. */
export function formatOf(node: Node): OperandType | undefined {
  const numbers = numbersOf(node);
  return numbers === "any" ? undefined : numbers;
}

// With a stack of its own: a chain of moves may be longer than JavaScript's.
function numbersOf(root: Node): Numbers {
  const stack = [root];
  for (let node = stack.at(-1); node; node = stack.at(-1)) {
    const waiting = known.has(node) || isKnownByItself(node) ? [] : node.inputs.filter((input) => !known.has(input));
    if (waiting.length > 0) stack.push(...waiting);
    else {
      if (!known.has(node)) known.set(node, numbersHere(node));
      stack.pop();
    }
  }
  return known.get(root);
}

const isKnownByItself = ({ op, type }: Node): boolean => op.roundsTo !== undefined || op.narrows !== "keeps" || type.dtype !== "f32";

function numbersHere(node: Node): Numbers {
  const { op, inputs, attrs, type } = node;
  if (type.dtype !== "f32") return undefined;
  if (op.roundsTo) return op.roundsTo(node);
  const own = "value" in attrs && typeof attrs.value === "number" ? attrs.value : 0;
  // Of constants only those are known to be in the formats that all of them have.
  if (inputs.length === 0 && "value" in attrs) return isOfAll(own) ? "any" : undefined;
  if (op.narrows !== "keeps" || !isOfAll(own)) return undefined;
  let all: Numbers = "any";
  for (const input of inputs) {
    if (input.type.dtype !== "f32") continue;
    const numbers = known.get(input);
    if (numbers === undefined || (numbers !== "any" && all !== "any" && numbers !== all)) return undefined;
    if (numbers !== "any") all = numbers;
  }
  return all;
}

/** Formats that are types of memory. */
export type StoredFormat = Extract<OperandType, DType>;

/** What a buffer of a node's values holds, where memory can hold these formats. Little values are of no account, and lie beside others of their type. */
export function storedAs(node: Node, stores: readonly StoredFormat[] = []): DType {
  const format = stores.length > 0 && !isLittle(node) ? formatOf(node) : undefined;
  return stores.find((stored) => stored === format) ?? node.type.dtype;
}

const isOfAll = (value: number): boolean => Object.values(FORMATS).every((format) => Object.is(roundTo(format, value), value));
