// The packages that come with ours, built into its files or installed beside them, and under which licences: the text of dist/THIRD-PARTY.txt.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const root = dirname(createRequire(import.meta.url).resolve("../package.json"));

const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** The folder of a package as one of another's folder finds it; undefined for one of another platform. */
function find(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

/** What a user's package manager installs with us. */
function installed() {
  const found = new Map();
  const visit = (folder) => {
    const { dependencies = {}, optionalDependencies = {} } = manifestOf(folder);
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const at = find(name, folder);
      if (at === undefined || found.has(at)) continue;
      found.set(at, "installed beside");
      visit(at);
    }
  };
  visit(root);
  return found;
}

/** @param inputs paths of source files, as esbuild lists what it bundled */
function bundled(inputs) {
  const found = new Map();
  for (const input of inputs) {
    const [, folder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
    if (folder !== undefined) found.set(join(root, folder), "built into");
  }
  return found;
}

function licenceText(folder) {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  return file === undefined ? "" : readFileSync(join(folder, file), "utf8").trim();
}

export function thirdParty(inputs) {
  const packages = [...bundled(inputs), ...installed()].map(([folder, how]) => ({ folder, how, manifest: manifestOf(folder) }));
  packages.sort((a, b) => (a.manifest.name < b.manifest.name ? -1 : 1));
  const unknown = packages.filter(({ manifest }) => typeof manifest.license !== "string");
  if (unknown.length > 0) throw new Error(`no licence in the manifests of ${unknown.map(({ folder }) => folder).join(", ")}`);
  const lines = packages.map(({ how, manifest }) => `${manifest.name} ${manifest.version}: ${manifest.license}, ${how} this package`);
  const texts = packages.map(
    ({ folder, manifest }) => `${"=".repeat(80)}\n${manifest.name} ${manifest.version}\n\n${licenceText(folder)}\n`,
  );
  return `Packages of others that come with tlspec, and their licences. Those of libvips' family are shared libraries that sharp loads.\n\n${lines.join("\n")}\n\n${texts.join("\n")}`;
}
