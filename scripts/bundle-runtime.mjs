// Bundles the runtime of generated modules into one file for browsers and Node. Used by the build, the tests and the size bench, so
// that all three mean the same bytes.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

export async function bundleRuntime() {
  const result = await build({
    entryPoints: [join(root, "src/runtime/embed/index.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    legalComments: "none",
    write: false,
    logLevel: "error",
  });
  return forBundlers(result.outputFiles[0].text);
}

/** Minifying drops the comments that keep an application's bundler from looking for Node's modules: the one import() gets them back. */
function forBundlers(text) {
  const parts = text.split(/\bimport\((?=\w+\))/);
  if (parts.length !== 2) throw new Error(`expected one dynamic import in the runtime, found ${parts.length - 1}`);
  return parts.join("import(/*webpackIgnore:true*//*@vite-ignore*/");
}
