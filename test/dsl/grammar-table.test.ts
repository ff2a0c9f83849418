// The built package reads specs by a table of its grammar, and the source by the parser's own analysis: both say the same of every spec there
// is here, with faults or without.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkSpec } from "../../src/check.ts";
import { grammarTable } from "../../src/dsl/parser.ts";
import { ROOT } from "./support.ts";

const OUT = ".cache/grammar-test";
// In a process of its own, as a build is: the table has numbers of tokens, of which a process that has read them before would take others.
const BUILD = `
const { bundleModules } = await import(process.argv[1]);
await bundleModules(process.argv[2], { check: "src/check.ts" });
`;
beforeAll(() => {
  const script = pathToFileURL(join(ROOT, "scripts/bundle-package.mjs")).href;
  execFileSync(process.execPath, ["--input-type=module", "-e", BUILD, script, OUT], { cwd: ROOT });
});
afterAll(() => rmSync(OUT, { recursive: true }));

const goldens = join(ROOT, "test/dsl/diagnostics");
const files = [
  ...readdirSync(goldens).map((name) => join(goldens, name, "input.tlspec")),
  ...["examples", "zoo"].flatMap((folder) => readdirSync(join(ROOT, "specs", folder)).map((name) => join(ROOT, "specs", folder, name))),
].filter((path) => path.endsWith(".tlspec") && existsSync(path));

const SCRIPT = `
const { checkSpec } = await import(process.argv[1]);
const said = [];
for (const file of JSON.parse(process.argv[2])) said.push((await checkSpec(file)).diagnostics);
console.log(JSON.stringify(said));
`;

it("is the same parser", async () => {
  const bundle = pathToFileURL(join(OUT, "check.js")).href;
  const out = execFileSync(process.execPath, ["--input-type=module", "-e", SCRIPT, bundle, JSON.stringify(files)], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  const built = JSON.parse(out) as unknown[];
  expect(files.length).toBeGreaterThan(150);
  for (const [i, file] of files.entries()) expect({ file, said: built[i] }).toEqual({ file, said: (await checkSpec(file)).diagnostics });
});

it("has an entry for each place where the parser chooses", () => {
  const table = grammarTable();
  expect(new Set(table.map(([place]) => place)).size).toBe(table.length);
  for (const [, { beginnings }] of table) for (const types of beginnings) expect(types.length).toBeGreaterThan(0);
});
