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
  "training.mjs": "src/runtime/embed/training.ts",
  "checkpoints.mjs": "src/runtime/embed/checkpoints.ts",
  "cuda-device.mjs": "src/runtime/embed/cuda.ts",
  "cuda-tuning.mjs": "src/runtime/embed/cuda-tuning.ts",
  "webgpu-device.mjs": "src/runtime/embed/webgpu.ts",
  "webgpu-tuning.mjs": "src/runtime/embed/webgpu-tuning.ts",
  "wasm-device.mjs": "src/runtime/embed/wasm.ts",
  "wasm-worker.mjs": "src/runtime/wasm/worker.ts",
};

/** The worker threads' file as a text: where a bundler left the file behind, they start from that. */
const WORKER_TEXT = "wasm-worker-text.mjs";

export const RUNTIME_FILES = [...Object.keys(ENTRIES), WORKER_TEXT];

/** What other files import from the runtime. */
const SHARED = "src/runtime/embed/shared.ts";

/** @param runtime where it lies in a compiled folder, seen from the file */
const ofRuntime = (runtime) => ({
  name: "of-runtime",
  setup({ onResolve }) {
    const folder = dirname(join(root, SHARED));
    const paths = readFileSync(join(root, SHARED), "utf8").matchAll(/^export [^;]+ from "(.+)";$/gm);
    const shared = new Set([...paths].map(([, path]) => resolve(folder, path)));
    onResolve({ filter: /^\./ }, ({ path, resolveDir }) =>
      shared.has(resolve(resolveDir, path)) ? { path: runtime, external: true } : undefined,
    );
  },
});

/** Files that the runtime and devices import late, and what they import of them; they lie beside those. */
const LATE = {
  "training.mjs": /^\.\/training\.ts$/,
  "checkpoints.mjs": /^\.\.?\/(checkpoint\/record|checkpoints|features|stream-feed)\.ts$/,
  "tuning.mjs": /^\.\/(cuda|webgpu)-tuning\.ts$/,
};

const ofLate = {
  name: "of-late",
  setup({ onResolve }) {
    for (const [file, filter] of Object.entries(LATE))
      onResolve({ filter }, ({ kind }) => (kind === "dynamic-import" ? { path: `./${file}`, external: true } : undefined));
  },
};

/** Node's modules as Node itself gives them: bundlers of applications, whose pages never open this device, find no name that they do not know. */
const ofNode = {
  name: "of-node",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: "node" }));
    onLoad({ filter: /./, namespace: "node" }, ({ path }) => ({
      contents: `module.exports = globalThis.process?.getBuiltinModule?.(${JSON.stringify(path)}) ?? {};`,
    }));
  },
};

const PLUGINS = {
  "runtime.mjs": [ofLate],
  "training.mjs": [ofLate, ofRuntime("./runtime.mjs")],
  "checkpoints.mjs": [ofRuntime("./runtime.mjs")],
  "cuda-device.mjs": [ofLate, ofRuntime("../runtime.mjs"), ofNode],
  "cuda-tuning.mjs": [ofRuntime("../runtime.mjs"), ofNode],
  "webgpu-device.mjs": [ofLate, ofRuntime("../runtime.mjs")],
  "webgpu-tuning.mjs": [ofRuntime("../runtime.mjs"), ofNode],
  "wasm-device.mjs": [ofRuntime("../runtime.mjs")],
};

export async function bundleRuntime(name) {
  if (name === WORKER_TEXT) return `export default ${JSON.stringify(await bundled("wasm-worker.mjs", true))};\n`;
  return bundled(name, false);
}

/** @param isShort for what is a text within another file, which nobody reads */
async function bundled(name, isShort) {
  const result = await build({
    entryPoints: [join(root, ENTRIES[name])],
    bundle: true,
    // Not its names, which errors show, and with lines: an application's own errors would be shown in the middle of it. Whoever bundles
    // minifies.
    minifySyntax: true,
    minifyWhitespace: true,
    minifyIdentifiers: isShort,
    lineLimit: 160,
    external: ["./worker-text.mjs"],
    format: "esm",
    plugins: PLUGINS[name] ?? [],
    platform: "neutral",
    target: "es2022",
    legalComments: "none",
    write: false,
    logLevel: "error",
  });
  const [{ text }] = result.outputFiles;
  return LOADS_PACKAGES.includes(name) ? withHints(text) : text;
}

const LOADS_PACKAGES = ["cuda-device.mjs", "webgpu-device.mjs"];

/** What tells bundlers that a name is no file of theirs, and goes with the white space (src/runtime/load-package.ts). */
function withHints(text) {
  const parts = text.split("import(name");
  if (parts.length !== 2) throw new Error("the import of a package that need not be there is not found");
  return parts.join("import(/* webpackIgnore: true */ /* @vite-ignore */ name");
}
