// What README.md shows must be what is there: the example, the commands, the files it points to.

import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const readme = readFileSync("README.md", "utf8");
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { readonly scripts: Record<string, string> };

it("shows the example as it is", () => {
  const shown = /```tlspec\n(.*?)```/s.exec(readme)?.[1];
  const file = readFileSync("specs/examples/cnn.tlspec", "utf8");
  expect(file).toContain(shown);
});

it("names every verb of the command line", () => {
  const program = readFileSync("src/cli/program.ts", "utf8");
  const verbs = [...program.matchAll(/\.command\("(\w+)"\)/g)].map(([, verb]) => verb);
  expect(verbs.length).toBeGreaterThan(7);
  for (const verb of verbs) expect(readme).toContain(`| \`tlc ${verb ?? ""} `);
});

it.each(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"])("%s points only to what exists", (page) => {
  const text = readFileSync(page, "utf8");
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path ?? "");
  expect(links.filter((path) => !existsSync(path))).toEqual([]);
  const paths = [...text.matchAll(/`((?:src|test|scripts|specs|examples|docs)\/[\w./-]+)`/g)].map(([, path]) => path ?? "");
  expect(paths.filter((path) => !existsSync(path) && path !== "examples/browser/model")).toEqual([]);
  const scripts = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script ?? "");
  expect(scripts.filter((script) => !(script in manifest.scripts))).toEqual([]);
});
