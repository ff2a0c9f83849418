// Builds dist/: the library with tsc, the command line and the runtime of generated modules with esbuild. Run by `npm run build` and, on
// installation from a checkout, by `npm ci`. The old dist/ stays until the new one is complete.

import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleCli } from "./bundle-cli.mjs";
import { bundleRuntime, RUNTIME_FILES } from "./bundle-runtime.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);

// Beside dist/, so that source maps, which are relative, stay right when it takes its place.
const built = mkdtempSync(join(root, ".dist-"));
chmodSync(built, 0o755);
try {
  const tsc = [require.resolve("typescript/bin/tsc"), "-p", join(root, "tsconfig.json"), "--outDir", built];
  execFileSync(process.execPath, tsc, { stdio: "inherit", cwd: root });
  rmSync(join(built, "cli"), { recursive: true });
  await bundleCli(join(built, "cli"));
  chmodSync(join(built, "cli/main.js"), 0o755);
  for (const name of RUNTIME_FILES) writeFileSync(join(built, name), await bundleRuntime(name));
  rmSync(join(root, "dist"), { recursive: true, force: true });
  renameSync(built, join(root, "dist"));
} finally {
  rmSync(built, { recursive: true, force: true });
}
