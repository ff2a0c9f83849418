// Runs a TypeScript bench from a checkout, without a build: bundles it in memory and imports it.

import { build } from "esbuild";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Imports a TypeScript file of this repository. */
export async function importTypeScript(path) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  // Inside the repository, so that packages resolve.
  const folder = mkdtempSync(join(root, "node_modules", ".bench-"));
  try {
    const outfile = join(folder, "bench.mjs");
    await build({
      entryPoints: [join(root, path)],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      packages: "external",
      logLevel: "error",
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
