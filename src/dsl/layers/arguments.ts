// The types of layer arguments: how a value of the language is checked and what the layer gets. Also used for optimizers, losses
// and data steps.

import type { Node } from "../../ir/node.ts";
import { describeValue, isTensor } from "../values.ts";
import type { Value } from "../values.ts";

export interface ArgValues {
  readonly count: number;
  readonly whole: number;
  readonly integer: number;
  readonly number: number;
  readonly positive: number;
  readonly "non-negative": number;
  readonly fraction: number;
  readonly probability: number;
  readonly bool: boolean;
  readonly string: string;
  readonly "count or pair": readonly [number, number];
  readonly "whole or pair": readonly [number, number];
  readonly range: readonly [number, number];
  readonly numbers: readonly number[];
  readonly integers: readonly number[];
  readonly tensor: Node;
  readonly "tensor or number": Node | number;
  readonly tensors: readonly Node[];
}

export type ArgType = keyof ArgValues;

/** The converted value, or what was wanted; `range` tells a number out of range from a value of another type. */
type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly wanted: string; readonly range: boolean };

interface Rule<T> {
  readonly wanted: string;
  /** Takes numbers, so that a number it refuses is out of range and not of the wrong type. */
  readonly numeric: boolean;
  /** Undefined where the value does not fit. */
  convert(value: Value): T | undefined;
}

const rule = <T>(wanted: string, convert: (value: Value) => T | undefined, numeric = false): Rule<T> => ({ wanted, convert, numeric });
const number = (wanted: string, fits: (value: number) => boolean): Rule<number> =>
  rule(wanted, (value) => (typeof value === "number" && fits(value) ? value : undefined), true);

const pair = (wanted: string, each: Rule<number>): Rule<readonly [number, number]> =>
  rule(
    wanted,
    (value) => {
      const list = Array.isArray(value) ? (value as readonly Value[]) : [value, value];
      const [height, width] = list.map((it) => each.convert(it));
      return list.length === 2 && height !== undefined && width !== undefined ? [height, width] : undefined;
    },
    true,
  );

function list<T>(value: Value, convert: (it: Value) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items = (value as readonly Value[]).map(convert);
  return items.includes(undefined) ? undefined : (items as T[]);
}

const count = number("a whole number of at least 1", (n) => Number.isInteger(n) && n >= 1 && n <= 2 ** 31 - 1);
const whole = number("a whole number of at least 0", (n) => Number.isInteger(n) && n >= 0 && n <= 2 ** 31 - 1);
const integer = number("a whole number", (n) => Number.isInteger(n) && Math.abs(n) < 2 ** 31);
const anyNumber = number("a number", () => true);
const tensor = rule("a tensor", (value) => (isTensor(value) ? value.node : undefined));

const RULES: { readonly [T in ArgType]: Rule<ArgValues[T]> } = {
  count,
  whole,
  integer,
  number: anyNumber,
  positive: number("a number greater than 0", (n) => n > 0),
  "non-negative": number("a number of at least 0", (n) => n >= 0),
  fraction: number("at least 0 and below 1", (n) => n >= 0 && n < 1),
  probability: number("between 0 and 1", (n) => n >= 0 && n <= 1),
  bool: rule("true or false", (value) => (typeof value === "boolean" ? value : undefined)),
  string: rule("a string", (value) => (typeof value === "string" ? value : undefined)),
  "count or pair": pair("a whole number of at least 1, or [height, width]", count),
  "whole or pair": pair("a whole number of at least 0, or [height, width]", whole),
  range: rule("a range such as 0.08..1", (value) =>
    typeof value === "object" && "from" in value && value.from > 0 && value.from <= value.to ? [value.from, value.to] : undefined,
  ),
  numbers: rule("a list of numbers", (value) => list(value, (it) => anyNumber.convert(it))),
  integers: rule("a list of whole numbers", (value) => list(value, (it) => integer.convert(it))),
  tensor,
  "tensor or number": rule<Node | number>("a tensor or a number", (value) => tensor.convert(value) ?? anyNumber.convert(value)),
  tensors: rule("a tensor or a list of tensors", (value) =>
    list(Array.isArray(value) ? (value as readonly Value[]) : [value], (it) => tensor.convert(it)),
  ),
};

export function convertArgument<T extends ArgType>(type: T, value: Value): Outcome<ArgValues[T]> {
  const it: Rule<ArgValues[T]> = RULES[type];
  const converted = it.convert(value);
  return converted === undefined
    ? { ok: false, wanted: it.wanted, range: it.numeric && typeof value === "number" }
    : { ok: true, value: converted };
}

/** As documentation shows it. */
export const describeArgument = (type: ArgType): string => RULES[type].wanted;

export { describeValue };
