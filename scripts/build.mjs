// Builds dist/: types with tsc; the command line, the library and the runtime of generated modules with esbuild. Run by `npm run build` and, on
// installation from a checkout, by `npm ci`. The old dist/ stays until the new one is complete.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundlePackage } from "./bundle-package.mjs";
import { packExample } from "./pack-example.mjs";
import { thirdParty } from "./third-party.mjs";
import { bundleRuntime, RUNTIME_FILES } from "./bundle-runtime.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);

/** What the types of compiled folders are made of (codegen/module/declarations.ts). */
const EVENTS_FILE = "runtime/events.d.ts";

const built = mkdtempSync(join(root, ".dist-"));
chmodSync(built, 0o755);
try {
  // Types are the longer half: what is bundled meanwhile costs no time where there is a second core.
  const [inputs] = await Promise.all([bundlePackage(built), declareTypes(built)]);
  keepTypes(built, ["index.d.ts", "runtime/index.d.ts", EVENTS_FILE]);
  writeFileSync(join(built, "THIRD-PARTY.txt"), thirdParty(inputs));
  writeFileSync(join(built, "example.json.gz"), packExample(join(root, "specs/examples")));
  chmodSync(join(built, "cli/main.js"), 0o755);
  for (const name of RUNTIME_FILES) writeFileSync(join(built, name), await bundleRuntime(name));
  rmSync(join(root, "dist"), { recursive: true, force: true });
  renameSync(built, join(root, "dist"));
} finally {
  rmSync(built, { recursive: true, force: true });
}

async function declareTypes(folder) {
  const tsc = [require.resolve("typescript/bin/tsc"), "-p", join(root, "tsconfig.json"), "--emitDeclarationOnly", "--outDir", folder];
  const [code] = await once(spawn(process.execPath, tsc, { stdio: "inherit", cwd: root }), "exit");
  if (code !== 0) throw new Error("tsc has found faults");
}

/** Of all declarations only what the package's own are made of. */
function keepTypes(folder, entries) {
  const kept = new Set(entries.map((name) => join(folder, name)));
  for (const file of kept)
    for (const [, path] of readFileSync(file, "utf8").matchAll(/(?:from |import\()"(\.[^"]+)\.ts"/g))
      kept.add(join(dirname(file), `${path}.d.ts`));
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && entry.name.endsWith(".d.ts") && !kept.has(file)) rmSync(file);
  }
  removeEmpty(folder);
}

function removeEmpty(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) removeEmpty(join(folder, entry.name));
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}
