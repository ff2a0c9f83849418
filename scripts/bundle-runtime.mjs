// Bundles what lies in compiled folders, each into one file for browsers and Node: the runtime, the device of each target, and the worker
// threads of the wasm device. Used by the build, the tests and the size bench, so that all mean the same bytes.

import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Built files, by name, and what they are made of. */
const ENTRIES = {
  "runtime.mjs": "src/runtime/embed/runtime.ts",
  "webgpu-device.mjs": "src/runtime/embed/webgpu.ts",
  "wasm-device.mjs": "src/runtime/embed/wasm.ts",
  "wasm-worker.mjs": "src/runtime/wasm/worker.ts",
};

export const RUNTIME_FILES = Object.keys(ENTRIES);

/** What a device file imports from the runtime, from where both lie in a compiled folder. */
const SHARED = "src/runtime/embed/shared.ts";
const RUNTIME = "../runtime.mjs";

const ofRuntime = {
  name: "of-runtime",
  setup({ onResolve }) {
    const folder = dirname(join(root, SHARED));
    const paths = readFileSync(join(root, SHARED), "utf8").matchAll(/^export \* from "(.+)";$/gm);
    const shared = new Set([...paths].map(([, path]) => resolve(folder, path)));
    onResolve({ filter: /^\./ }, ({ path, resolveDir }) =>
      shared.has(resolve(resolveDir, path)) ? { path: RUNTIME, external: true } : undefined,
    );
  },
};

/** @param isShort for what is a text within another file, which nobody reads */
export async function bundleRuntime(name, isShort = false) {
  const result = await build({
    entryPoints: [join(root, ENTRIES[name])],
    bundle: true,
    // Not its names and lines: an application's own errors would be shown in the middle of it. Whoever bundles minifies.
    minifySyntax: true,
    minify: isShort,
    format: "esm",
    ...(name === "wasm-device.mjs" && { define: { WORKER_SOURCE: JSON.stringify(await bundleRuntime("wasm-worker.mjs", true)) } }),
    ...(name.endsWith("-device.mjs") && { plugins: [ofRuntime] }),
    platform: "neutral",
    target: "es2022",
    legalComments: "none",
    write: false,
    logLevel: "error",
  });
  return result.outputFiles[0].text;
}
