// Specs of some kilobytes that ask for any amount of work: each is answered, with a diagnostic where it went over a limit. What they took before
// was a minute, a stack or all memory.

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import { checkSpec } from "../../src/dsl/index.ts";
import { LIMITS } from "../../src/dsl/limits.ts";
import { ownTime } from "../support/own-time.ts";
import { load } from "./support.ts";

const repeat = (n: number, text: (i: number) => string): string => Array.from({ length: n }, (_, i) => text(i)).join("");
const network = (body: string, name = "n"): string => `network ${name}() {\n  input g: f32[2]\n${body}\n}\n`;
const taking = "network n(p = 1, q = 1) {\n  input g: f32[2]\n  linear(2)\n}\n";
const recipe = (freeze: string): string =>
  `dataset d { train table("d.csv", g: a, label: y) }\nrecipe r { network n data d loss cross_entropy batch 2 optimizer sgd(lr: 1) epochs 1 freeze ${freeze} }\n`;
const many = network("  for i in 0..3500 {\n    a{i}: linear(2)\n  }");

const BOMBS: readonly (readonly [name: string, text: string, codes: readonly string[]])[] = [
  ["aliases that double", `${taking}network a0 = n(p: 1)\n${repeat(40, (i) => `network a${i + 1} = n(p: a${i}, q: a${i})\n`)}`, []],
  ["an alias as its own argument", `${taking}network a = n(p: a)\n`, ["TL0216"]],
  ["aliases as each other's arguments", `${taking}network a = n(p: b)\nnetwork b = n(q: a)\n`, ["TL0216"]],
  ["a chain of aliases as arguments", `${taking}network a500 = n\n${repeat(500, (i) => `network a${i} = n(p: a${i + 1})\n`)}`, ["TL0902"]],
  [
    "blocks that double",
    `block b0() {\n}\n${repeat(40, (i) => `block b${i + 1}(p = b${i}(), q = b${i}()) {\n}\n`)}${network("  b40")}`,
    ["TL0904"],
  ],
  ["blocks that double, unused", `block b0() {\n  relu\n}\n${repeat(40, (i) => `block b${i + 1}(p = b${i}(), q = b${i}()) {\n}\n`)}`, []],
  ["a loop over long names", network(`  for i in 0..20000 {\n    ${"s".repeat(900_000)}{i}: linear(2)\n  }`), ["TL0906"]],
  [
    "loops in long scopes",
    network(`${`${"s".repeat(190)}: { `.repeat(9)}for i in 0..9000 { {i}: linear(2) }${" }".repeat(9)}`),
    ["TL0906"],
  ],
  ["patterns over many names", many + recipe(repeat(10_000, (i) => `${i > 0 ? ", " : ""}*.b*${i}*.weight`)), ["TL0907"]],
  ["patterns as many as there may be", many + recipe(repeat(LIMITS.patterns, (i) => `${i > 0 ? ", " : ""}**.a${i}.**`)), []],
  ["networks that are large together", repeat(60, (i) => network("  for i in 0..3000 {\n    relu\n  }", `n${i}`)), ["TL0904"]],
  ["calls in expressions", network(`  for i in 0..3000 {\n    let a = [${"tanh(), ".repeat(30)}tanh()]\n  }`), ["TL0904"]],
  ["long lists in a loop", network(`  for i in 0..20000 {\n    let a = [${"i, ".repeat(30_000)}i]\n  }`), ["TL0904"]],
  ["stacks in a loop", "network n() {\n  input g: f32[time, 2]\n  for i in 0..300 {\n    {i}: lstm(2, 256)\n  }\n}\n", ["TL0904"]],
  [
    "names that are misspelt",
    repeat(6000, (i) => `block blocky${i}() {\n}\n`) + network(repeat(6000, (i) => `  blockz${i}\n`)),
    ["TL0201"],
  ],
  ["an element type of JavaScript", "network n() {\n  input g: valueOf[2]\n  relu\n}\n", ["TL0311"]],
  ["another one", "network n() {\n  input g: __proto__[2]\n  relu\n}\n", ["TL0311"]],
  ["a length that only data knows", "network n() {\n  input g: f32[time]\n  reshape([4, 1])\n  lstm(3) -> last -> linear(2)\n}\n", []],
  ["two lists of such a length", "network n() {\n  input g: f32[time]\n  reshape([2, 3]) -> flatten -> reshape([3, 2])\n}\n", []],
  ["a length that no data has", "network n() {\n  input g: f32[time]\n  reshape([4, 1]) -> reshape([5, 1])\n}\n", ["TL0303"]],
];

describe("bombs", () => {
  it.each(BOMBS)("%s", (_, text, codes) => {
    let found: readonly string[] = [];
    const took = ownTime(() => {
      const faults = checkSpec(load(text), { builder: createBuilder }).filter(({ severity }) => severity === "error");
      found = [...new Set(faults.map(({ code }) => code))];
    });
    expect(found).toEqual(codes);
    // A few seconds at most; a minute or an end of the stack is what they took.
    expect(took).toBeLessThan(30_000);
  });
});
