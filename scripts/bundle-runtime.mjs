// Bundles what lies beside generated modules, each into one file for browsers and Node: the runtime of a target, and the worker threads of
// the wasm device. Used by the build, the tests and the size bench, so that all mean the same bytes.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Built files, by name, and what they are made of. */
const ENTRIES = {
  "runtime-webgpu.mjs": "src/runtime/embed/webgpu.ts",
  "runtime-wasm.mjs": "src/runtime/embed/wasm.ts",
  "wasm-worker.mjs": "src/runtime/wasm/worker.ts",
};

export const RUNTIME_FILES = Object.keys(ENTRIES);

export async function bundleRuntime(name) {
  const result = await build({
    entryPoints: [join(root, ENTRIES[name])],
    bundle: true,
    // Not its names and lines: an application's own errors would be shown in the middle of it. Whoever bundles minifies.
    minifySyntax: true,
    format: "esm",
    ...(name === "runtime-wasm.mjs" && { define: { WORKER_SOURCE: JSON.stringify(await bundleRuntime("wasm-worker.mjs")) } }),
    platform: "neutral",
    target: "es2022",
    legalComments: "none",
    write: false,
    logLevel: "error",
  });
  return result.outputFiles[0].text;
}
