// How arguments are checked: for each type what it takes, as error texts and the reference page say it and as JSON schema, and what the
// layer or the word gets of a value.

import type { Node } from "../node.ts";
import type { ArgSpec, ArgType, ArgValues, Given, NamedNumber, RangeValue, TensorValue } from "./arguments.ts";
import { READINGS } from "./columns/index.ts";

/** The converted value, or what was wanted; `range` tells a number out of range from a value of another type. */
type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly wanted: string; readonly range: boolean };

interface Rule<T> {
  readonly wanted: string;
  /** Takes numbers, so that a number it refuses is out of range and not of the wrong type. */
  readonly numeric: boolean;
  /** Undefined where the value does not fit. */
  readonly convert: (value: Given) => T | undefined;
  /** Of the converted value in a plan; false for tensors, which only layers take. */
  readonly schema: object | false;
}

const rule = <T>(wanted: string, schema: Rule<T>["schema"], convert: Rule<T>["convert"], numeric = false): Rule<T> => ({
  wanted,
  numeric,
  convert,
  schema,
});
const number = (wanted: string, schema: object, fits: (value: number) => boolean): Rule<number> =>
  rule(wanted, schema, (value) => (typeof value === "number" && fits(value) ? value : undefined), true);
const text = (wanted: string): Rule<string> => rule(wanted, { type: "string" }, (value) => (typeof value === "string" ? value : undefined));

/** One number for all of `length`, or a list of so many. */
const tuple = <T extends readonly number[]>(wanted: string, each: Rule<number>, length: T["length"]): Rule<T> =>
  rule(
    wanted,
    { type: "array", items: each.schema, minItems: length, maxItems: length },
    (value) => {
      const list = Array.isArray(value) ? (value as readonly Given[]) : Array.from({ length }, () => value);
      const items = convertAll(list, each);
      return items?.length === length ? (items as unknown as T) : undefined;
    },
    true,
  );
const pair = (wanted: string, each: Rule<number>): Rule<readonly [number, number]> => tuple(wanted, each, 2);
const triple = (wanted: string, each: Rule<number>): Rule<readonly [number, number, number]> => tuple(wanted, each, 3);

const listOf = <T>(wanted: string, each: Rule<T>): Rule<readonly T[]> =>
  rule(wanted, { type: "array", items: each.schema }, (value) => convertAll(value, each));

function convertAll<T>(value: Given, { convert }: Rule<T>): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items = (value as readonly Given[]).map(convert);
  return items.includes(undefined) ? undefined : (items as T[]);
}

const LARGEST = 2 ** 31 - 1;
const isWhole = (n: number): boolean => Number.isInteger(n) && Math.abs(n) <= LARGEST;
const isRange = (value: Given): value is RangeValue => typeof value === "object" && "kind" in value && value.kind === "range";
const isTensor = (value: Given): value is TensorValue => typeof value === "object" && "kind" in value && value.kind === "tensor";

const count = number("a whole number of at least 1", { type: "integer", minimum: 1, maximum: LARGEST }, (n) => isWhole(n) && n >= 1);
const whole = number("a whole number of at least 0", { type: "integer", minimum: 0, maximum: LARGEST }, (n) => isWhole(n) && n >= 0);
const integer = number("a whole number", { type: "integer", minimum: -LARGEST, maximum: LARGEST }, isWhole);
const anyNumber = number("a number", { type: "number" }, () => true);
const positive = number("a number greater than 0", { type: "number", exclusiveMinimum: 0 }, (n) => n > 0);
const sides = pair("a whole number of at least 1, or [height, width]", count);
const tensor = rule("a tensor", false, (value) => (isTensor(value) ? value.node : undefined));

/** Of a name, a place and a range of places; and of what is left of a table. */
const columnSchemas: readonly object[] = [
  { type: "string" },
  whole.schema as object,
  { type: "object", properties: { from: whole.schema, to: whole.schema }, required: ["from", "to"], additionalProperties: false },
];
const pickSchemas: readonly object[] = [
  ...columnSchemas,
  {
    type: "object",
    properties: { except: { type: "array", items: { anyOf: columnSchemas } } },
    required: ["except"],
    additionalProperties: false,
  },
];
const picksSchema = { type: "array", items: { anyOf: pickSchemas } } as const;
const readingSchema = {
  type: "object",
  properties: {
    word: { enum: READINGS.map(({ name }) => name) },
    args: {
      type: "object",
      properties: { columns: picksSchema, unknown: { type: "boolean" }, length: whole.schema },
      required: ["columns"],
      additionalProperties: false,
    },
  },
  required: ["word", "args"],
  additionalProperties: false,
} as const;
const partSchemas: readonly object[] = [...pickSchemas, readingSchema];

/** Names that stand for themselves, as long as no value has them. */
const FILLS: readonly unknown[] = ["mean", "median", "mark"] satisfies ArgValues["fill"][];

function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== "";
  } catch {
    return false;
  }
}

const MEASURE = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*){1,2}$/;

const namedSchema = {
  type: "array",
  items: [{ type: "string" }, { type: "number" }],
  minItems: 2,
  additionalItems: false,
} as const;
const namedNumber = rule<NamedNumber>("a name and a number", namedSchema, (value) => {
  const [name, number, ...rest] = Array.isArray(value) ? (value as readonly Given[]) : [];
  return typeof name === "string" && typeof number === "number" && rest.length === 0 ? [name, number] : undefined;
});

const RULES: { readonly [T in ArgType]: Rule<ArgValues[T]> } = {
  count,
  whole,
  integer,
  number: anyNumber,
  positive,
  "non-negative": number("a number of at least 0", { type: "number", minimum: 0 }, (n) => n >= 0),
  fraction: number("at least 0 and below 1", { type: "number", minimum: 0, exclusiveMaximum: 1 }, (n) => n >= 0 && n < 1),
  probability: number("between 0 and 1", { type: "number", minimum: 0, maximum: 1 }, (n) => n >= 0 && n <= 1),
  bool: rule("true or false", { type: "boolean" }, (value) => (typeof value === "boolean" ? value : undefined)),
  string: text("a string"),
  strings: rule<readonly string[]>("a string or a list of strings", { type: "array", items: { type: "string" } }, (value) => {
    const list = Array.isArray(value) ? (value as readonly Given[]) : [value];
    return list.every((it) => typeof it === "string") ? list : undefined;
  }),
  "count or names": rule<number | readonly string[]>(
    "a whole number of at least 1, or a list of names",
    { anyOf: [count.schema, { type: "array", items: { type: "string" } }] },
    (value) => {
      if (typeof value === "number") return count.convert(value);
      const names = convertAll(value, text("a string"));
      return names?.length === 0 ? undefined : names;
    },
    true,
  ),
  path: text("a string"),
  measure: rule("what epochs report, such as `val.loss`", { type: "string", pattern: MEASURE.source }, (value) =>
    typeof value === "string" && MEASURE.test(value) ? value : undefined,
  ),
  word: rule<never>("one of its words", false, () => undefined),
  "count or pair": sides,
  "whole or pair": pair("a whole number of at least 0, or [height, width]", whole),
  "count or triple": triple("a whole number of at least 1, or [depth, height, width]", count),
  "whole or triple": triple("a whole number of at least 0, or [depth, height, width]", whole),
  "side or size": rule<number | readonly [number, number]>(
    "a whole number of at least 1, or [height, width]",
    { anyOf: [count.schema, sides.schema] },
    (value) => count.convert(value) ?? (typeof value === "number" ? undefined : sides.convert(value)),
    true,
  ),
  level: number("a whole number from 0 to 255", { type: "integer", minimum: 0, maximum: 255 }, (n) => isWhole(n) && n >= 0 && n <= 255),
  range: rule("a range such as 0.08..1", { type: "array", items: positive.schema, minItems: 2, maxItems: 2 }, (value) =>
    isRange(value) && value.from > 0 && value.from <= value.to ? [value.from, value.to] : undefined,
  ),
  numbers: listOf("a list of numbers", anyNumber),
  "numbers or named": rule<ArgValues["numbers or named"]>(
    'a list of numbers, or of names with numbers as in [["cat", 2], ["dog", 1]]',
    {
      anyOf: [
        { type: "array", items: anyNumber.schema },
        { type: "array", items: namedSchema },
      ],
    },
    (value) => convertAll(value, anyNumber) ?? convertAll(value, namedNumber),
  ),
  "number or numbers": rule<number | readonly number[]>(
    "a number or a list of numbers",
    { anyOf: [anyNumber.schema, { type: "array", items: anyNumber.schema }] },
    (value) => anyNumber.convert(value) ?? convertAll(value, anyNumber),
    true,
  ),
  integers: listOf("a list of whole numbers", integer),
  "count or list": rule<number | readonly number[]>(
    "a whole number of at least 1, or a list of them",
    { anyOf: [count.schema, { type: "array", items: count.schema }] },
    (value) => count.convert(value) ?? convertAll(value, count),
    true,
  ),
  // The language collects columns from their names, before there are values.
  columns: rule<ArgValues["columns"]>(
    "columns, each by the name of an input",
    { type: "object", additionalProperties: { anyOf: [...partSchemas, { type: "array", items: { anyOf: partSchemas } }] } },
    () => undefined,
  ),
  picks: rule<ArgValues["picks"]>("columns, by names or places", picksSchema, () => undefined),
  fill: rule<ArgValues["fill"]>("a number, `mean`, `median` or `mark`", { anyOf: [{ type: "number" }, { enum: FILLS }] }, (value) =>
    typeof value === "number" || FILLS.includes(value) ? (value as ArgValues["fill"]) : undefined,
  ),
  delimiter: rule('one character, or "auto"', { type: "string", minLength: 1, maxLength: 4 }, (value) =>
    typeof value === "string" && (value === "auto" || (value.length === 1 && !/["\r\n]/.test(value))) ? value : undefined,
  ),
  encoding: rule('the name of an encoding, such as "latin1", or "auto"', { type: "string", maxLength: 40 }, (value) =>
    typeof value === "string" && (value === "auto" || isEncoding(value)) ? value : undefined,
  ),
  tensor,
  "tensor or number": rule<Node | number>("a tensor or a number", false, (value) => tensor.convert(value) ?? anyNumber.convert(value)),
  tensors: rule("a tensor or a list of tensors", false, (value) => convertAll(Array.isArray(value) ? value : [value], tensor)),
};

export function convertArgument<T extends ArgType>(type: T, value: Given): Outcome<ArgValues[T]> {
  const it: Rule<ArgValues[T]> = RULES[type];
  const converted = it.convert(value);
  return converted === undefined
    ? { ok: false, wanted: it.wanted, range: it.numeric && typeof value === "number" }
    : { ok: true, value: converted };
}

/** As documentation and diagnostics show what it takes. */
export function describeArgument({ type, words = [] }: Pick<ArgSpec<ArgType, string>, "type" | "words">): string {
  const named = words.map((word) => `\`${word}\``);
  return (type === "word" ? named : [RULES[type].wanted, ...named]).join(" or ");
}

/** JSON schema of what a plan holds. */
export function argumentSchema({ type, words = [] }: Pick<ArgSpec<ArgType, string>, "type" | "words">): object | false {
  const { schema } = RULES[type];
  if (words.length === 0) return schema;
  return schema === false ? { enum: words } : { anyOf: [{ enum: words }, schema] };
}
