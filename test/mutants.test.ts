// The list of `npm run mutants` fits the source: a change that moves what an entry changes takes the entry along. That every one is
// killed is for `npm run mutants` to say, which takes minutes.

import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { mutate, readMutants } from "../scripts/mutants.mjs";

const mutants = readMutants();

it("there are many mutants, under names of their own", () => {
  expect(mutants.length).toBeGreaterThanOrEqual(60);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  expect(mutants.filter(({ why, find, replace }) => why === "" || find === replace)).toEqual([]);
});

it("every mutant has its place in the source, and its test", () => {
  const problems = mutants.flatMap((mutant) => {
    if (!existsSync(mutant.file)) return [`${mutant.name}: there is no ${mutant.file}`];
    if (!existsSync(mutant.test)) return [`${mutant.name}: there is no ${mutant.test}`];
    const { problem } = mutate(readFileSync(mutant.file, "utf8"), mutant);
    return problem === undefined ? [] : [`${mutant.name}: ${problem}`];
  });
  expect(problems).toEqual([]);
});
