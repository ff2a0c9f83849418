// What is wrong with a value that does not fit a schema, in words.

import type { ErrorObject } from "ajv";
import type { Validate } from "./schema-validator.ts";

const LONGEST = 80;

export interface SchemaProblem {
  /** JSON pointer to what does not fit; empty for the value itself. */
  readonly path: string;
  /** What it needs or may not be, as the end of a sentence. */
  readonly reason: string;
}

/** The first thing that is wrong; undefined when nothing is. */
export function schemaProblem(validate: Validate, value: unknown): SchemaProblem | undefined {
  if (validate(value)) return undefined;
  // That a condition led to one of two forms is not what is wrong with it.
  const error = validate.errors?.findLast(({ keyword }) => keyword !== "if");
  return { path: error?.instancePath ?? "", reason: error === undefined ? "does not fit the schema" : reasonOf(error) };
}

/** What a file has there: any JSON, of any length. */
function shown(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}

function reasonOf({ keyword, params, message }: ErrorObject): string {
  const it = params as Readonly<Record<string, unknown>>;
  switch (keyword) {
    case "required":
      return `needs the property \`${String(it["missingProperty"])}\``;
    case "additionalProperties":
      return `has no property \`${shown(it["additionalProperty"])}\``;
    case "discriminator":
      return it["tagValue"] === undefined
        ? `needs the property \`${String(it["tag"])}\``
        : `cannot be of ${String(it["tag"])} \`${shown(it["tagValue"])}\``;
    case "enum":
      return `must be one of ${(it["allowedValues"] as readonly unknown[]).map((value) => JSON.stringify(value)).join(", ")}`;
    case "const":
      return `must be ${JSON.stringify(it["allowedValue"])}`;
    case "anyOf":
      return "fits none of the forms that it may have";
    default:
      return message ?? "does not fit the schema";
  }
}
