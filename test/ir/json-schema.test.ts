// Our reader of JSON schemas beside Ajv, which makes functions of text: both accept the same values. And its words for what is wrong.

import { Ajv } from "ajv";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { randomOf } from "../../fuzz/fuzzer.ts";
import { mutateJson } from "../../fuzz/mutate-json.ts";
import { schemaProblem } from "../../src/ir/json-schema.ts";
import { parseClean } from "../dsl/support.ts";

const schema = JSON.parse(readFileSync("specs/schema/tlspec.schema.json", "utf8")) as object;

describe("schemas", () => {
  it("accept what Ajv accepts", () => {
    const validate = new Ajv({ strict: true, discriminator: true, allowUnionTypes: true }).compile(schema);
    const text = readFileSync("test/dsl/fixtures/every-form.tlspec", "utf8");
    const good: unknown = JSON.parse(JSON.stringify(parseClean(text)));
    const counts = { accepted: 0, refused: 0 };
    expect(schemaProblem(schema, good)).toBeUndefined();
    for (let i = 0; i < 2000; i++) {
      const value = JSON.parse(JSON.stringify(mutateJson(good, randomOf(1, i)))) as unknown;
      const problem = schemaProblem(schema, value);
      // Ajv takes 1e308 for an integer.
      if (problem?.reason === "must be integer" && validate(value)) expect(JSON.stringify(value)).toMatch(/\de\+|\d{16}/);
      else expect(problem === undefined, `${i}: ${JSON.stringify(problem)}`).toBe(validate(value));
      counts[problem === undefined ? "accepted" : "refused"]++;
    }
    expect(counts.accepted).toBeGreaterThan(100);
    expect(counts.refused).toBeGreaterThan(500);
  });

  const pair = {
    type: "object",
    required: ["a"],
    properties: { a: { type: "integer", minimum: 1 }, b: true },
    additionalProperties: false,
  };
  it.each<[object, unknown, string]>([
    [pair, [], " must be object"],
    [pair, {}, " needs the property `a`"],
    [pair, { a: 1, c: 1 }, " has no property `c`"],
    [pair, { a: 0 }, "/a must be at least 1"],
    [pair, { a: 1.5 }, "/a must be integer"],
    [pair, { a: 2 ** 60 }, "/a must be integer"],
    [pair, JSON.parse('{"a":1,"__proto__":1}'), " has no property `__proto__`"],
    [{ additionalProperties: { type: "string" } }, { "x/y~": 1 }, "/x~1y~0 must be string"],
    [{ type: "number" }, Infinity, " must be number"],
    [{ type: "number" }, NaN, " must be number"],
    [{ enum: ["a", 1] }, "b", ' must be one of "a", 1'],
    [{ type: "array", items: { const: 1 } }, [1, 2], "/1 must be 1"],
    [{ propertyNames: { pattern: "^a" } }, { b: 1 }, "/b must match ^a"],
    [{ discriminator: { propertyName: "k" }, oneOf: [{ properties: { k: { const: "a" } } }] }, { k: "b" }, " cannot be of k `b`"],
    [
      { discriminator: { propertyName: "k" }, oneOf: [{ properties: { k: { const: "a" }, l: false } }] },
      { k: "a", l: 1 },
      "/l must not be there",
    ],
  ])("%j of %j", (given, value, expected) => {
    const problem = schemaProblem(given, value);
    expect(`${problem?.path} ${problem?.reason}`.trim()).toBe(expected.trim());
  });

  it("must be of keywords that are known", () => {
    expect(() => schemaProblem({ minProperties: 1 }, {})).toThrow("a schema with `minProperties`");
    expect(() => schemaProblem({ $ref: "#/$defs/toString" }, {})).toThrow("which is not there");
  });
});
