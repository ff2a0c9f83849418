// JSON schema, interpreted: values from outside (the JSON form of a spec, a compiled folder) against a schema, without making functions of
// text, which a policy may forbid. The keywords are those that our schemas use, with their meaning in draft 7; an unknown one is an error of
// ours and not a rule that nobody checks. https://json-schema.org/draft-07/json-schema-validation

import { InternalError } from "./types.ts";

/** A schema; `false` fits nothing. */
export type Schema = object | boolean;

export interface SchemaProblem {
  /** JSON pointer to what does not fit; empty for the value itself. */
  readonly path: string;
  /** What it needs or may not be, as the end of a sentence. */
  readonly reason: string;
}

interface Context {
  readonly root: Keywords;
  readonly path: string;
}

/** What an object of a schema may hold. Title and the like say nothing about values. */
interface Keywords {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema;
  readonly discriminator?: { readonly propertyName: string };
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly $schema?: string;
  readonly $id?: string;
  readonly title?: string;
  readonly description?: string;
}

/** The first thing that is wrong with a value; undefined when nothing is. The value's depth must be bounded: each level is a call. */
export const schemaProblem = (schema: Schema, value: unknown): SchemaProblem | undefined =>
  check(schema, value, { root: schema as Keywords, path: "" });

type Rule<K extends keyof Keywords> = (
  limit: NonNullable<Keywords[K]>,
  value: unknown,
  context: Context,
) => SchemaProblem | string | undefined;

/** In the order in which they are asked; undefined for what is no rule, or is read by the rule beside it. */
const RULES: { readonly [K in keyof Required<Keywords>]: Rule<K> | undefined } = {
  $ref: (ref, value, context) => check(resolve(ref, context.root), value, context),
  type: (type, value) => {
    const types = typeof type === "string" ? [type] : type;
    return types.some((it) => isOfType(it, value)) ? undefined : `must be ${types.join(" or ")}`;
  },
  const: (only, value) => (value === only ? undefined : `must be ${JSON.stringify(only)}`),
  enum: (values, value) => (values.includes(value) ? undefined : `must be one of ${values.map((it) => JSON.stringify(it)).join(", ")}`),
  minimum: (limit, value) => (isNumber(value) && !(value >= limit) ? `must be at least ${limit}` : undefined),
  maximum: (limit, value) => (isNumber(value) && !(value <= limit) ? `must be at most ${limit}` : undefined),
  exclusiveMinimum: (limit, value) => (isNumber(value) && !(value > limit) ? `must be above ${limit}` : undefined),
  exclusiveMaximum: (limit, value) => (isNumber(value) && !(value < limit) ? `must be below ${limit}` : undefined),
  multipleOf: (unit, value) => (isNumber(value) && value % unit !== 0 ? `must be a multiple of ${unit}` : undefined),
  maxLength: (most, value) => (typeof value === "string" && value.length > most ? `must have at most ${most} characters` : undefined),
  pattern: (pattern, value) => (typeof value === "string" && !expression(pattern).test(value) ? `must match ${pattern}` : undefined),
  minItems: (least, value) => (Array.isArray(value) && value.length < least ? `must have at least ${least} items` : undefined),
  maxItems: (most, value) => (Array.isArray(value) && value.length > most ? `must have at most ${most} items` : undefined),
  items: (items, value, context) =>
    Array.isArray(value) ? first(value, (item, i) => check(items, item, below(context, String(i)))) : undefined,
  required: (names, value) => {
    const missing = isRecord(value) ? names.find((name) => !Object.hasOwn(value, name)) : undefined;
    return missing === undefined ? undefined : `needs the property \`${missing}\``;
  },
  propertyNames: (schema, value, context) =>
    isRecord(value) ? first(Object.keys(value), (key) => check(schema, key, below(context, key))) : undefined,
  additionalProperties: undefined,
  properties: undefined,
  discriminator: undefined,
  oneOf: undefined,
  anyOf: (schemas, value, context) =>
    schemas.some((schema) => check(schema, value, context) === undefined) ? undefined : "fits none of the forms that it may have",
  $defs: undefined,
  $schema: undefined,
  $id: undefined,
  title: undefined,
  description: undefined,
};

type Applied = (value: unknown, context: Context) => SchemaProblem | string | undefined;

const applied = new WeakMap<Keywords, readonly Applied[]>();

/** The rules of a schema with their limits, found once: a large artifact asks some of them a million times. */
function rulesOf(keywords: Keywords): readonly Applied[] {
  let found = applied.get(keywords);
  if (found) return found;
  for (const keyword of Object.keys(keywords)) if (!Object.hasOwn(RULES, keyword)) throw new InternalError(`a schema with \`${keyword}\``);
  found = (Object.keys(RULES) as (keyof Keywords)[]).flatMap((keyword): Applied[] => {
    const rule = RULES[keyword] as Rule<keyof Keywords> | undefined;
    const limit = keywords[keyword] as never;
    return rule && Object.hasOwn(keywords, keyword) ? [(value, context) => rule(limit, value, context)] : [];
  });
  applied.set(keywords, found);
  return found;
}

function check(schema: Schema, value: unknown, context: Context): SchemaProblem | undefined {
  if (schema === true) return undefined;
  if (schema === false) return { path: context.path, reason: "must not be there" };
  const keywords = schema as Keywords;
  for (const apply of rulesOf(keywords)) {
    const problem = apply(value, context);
    if (problem !== undefined) return typeof problem === "string" ? { path: context.path, reason: problem } : problem;
  }
  return fields(keywords, value, context) ?? alternatives(keywords, value, context);
}

/** `properties`, and `additionalProperties` for all others. */
function fields({ properties = {}, additionalProperties = true }: Keywords, value: unknown, context: Context): SchemaProblem | undefined {
  if (!isRecord(value)) return undefined;
  const others = additionalProperties === true ? [] : Object.keys(value).filter((key) => !Object.hasOwn(properties, key));
  const [stray] = others;
  if (additionalProperties === false && stray !== undefined) return { path: context.path, reason: `has no property \`${stray}\`` };
  return (
    first(Object.entries(properties), ([key, schema]) =>
      Object.hasOwn(value, key) ? check(schema, value[key], below(context, key)) : undefined,
    ) ?? first(others, (key) => check(additionalProperties, value[key], below(context, key)))
  );
}

/** The form that a field of the value names: problems are then those of this form, and not that none fits. */
function alternatives({ discriminator, oneOf }: Keywords, value: unknown, context: Context): SchemaProblem | undefined {
  if (!oneOf || !isRecord(value)) return undefined;
  if (!discriminator) throw new InternalError("a schema with `oneOf` and without `discriminator`");
  const tag = discriminator.propertyName;
  const given = Object.hasOwn(value, tag) ? value[tag] : undefined;
  if (given === undefined) return { path: context.path, reason: `needs the property \`${tag}\`` };
  const form = oneOf.map((schema) => dereference(schema, context.root)).find((it) => tagsOf(it.properties?.[tag]).includes(given));
  if (form) return check(form, value, context);
  return { path: context.path, reason: `cannot be of ${tag} \`${typeof given === "string" ? given : JSON.stringify(given)}\`` };
}

const tagsOf = (schema: Schema | undefined): readonly unknown[] => {
  const { const: only, enum: several } = (schema ?? {}) as Keywords;
  return several ?? [only];
};

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case "object":
      return isRecord(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isSafeInteger(value);
    case "number":
      return Number.isFinite(value);
    case "null":
      return value === null;
    case "string":
    case "boolean":
      return typeof value === type;
    default:
      throw new InternalError(`a schema with the type ${type}`);
  }
}

const isNumber = (value: unknown): value is number => typeof value === "number";
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function first<T>(list: readonly T[], f: (item: T, i: number) => SchemaProblem | undefined): SchemaProblem | undefined {
  for (let i = 0; i < list.length; i++) {
    const problem = f(list[i] as T, i);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Escaped as RFC 6901 has it. */
const below = ({ root, path }: Context, key: string): Context => ({
  root,
  path: `${path}/${/[~/]/.test(key) ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key}`,
});

function resolve(ref: string, root: Keywords): Schema {
  const name = ref.startsWith("#/$defs/") ? ref.slice("#/$defs/".length) : undefined;
  const found = name === undefined || !root.$defs || !Object.hasOwn(root.$defs, name) ? undefined : root.$defs[name];
  if (found === undefined) throw new InternalError(`a schema refers to ${ref}, which is not there`);
  return found;
}

function dereference(schema: Schema, root: Keywords): Keywords {
  const { $ref } = schema as Keywords;
  return $ref === undefined ? (schema as Keywords) : dereference(resolve($ref, root), root);
}

const expressions = new Map<string, RegExp>();

function expression(pattern: string): RegExp {
  let made = expressions.get(pattern);
  if (!made) expressions.set(pattern, (made = new RegExp(pattern, "u")));
  return made;
}
