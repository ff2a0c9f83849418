// Bundles the command line and the library into a few files: Node opens one file faster than hundreds, and who installs the package installs
// few others. Split where the source imports late, so that `tlc check` reads the language and nothing of passes, targets and data. Native
// and optional packages stay outside.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { precompiled } from "./precompile.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Native packages. */
export const NOT_BUILT_IN = ["sharp", "webgpu", "koffi"];

/** What the package's manifest names, by the path of the built file without its ending. */
const ENTRIES = { "cli/main": "src/cli/main.ts", index: "src/index.ts", "runtime/index": "src/runtime/index.ts" };

// Packages written for CommonJS ask for Node's modules by `require`. Pages load some of these files, too, and have neither.
const REQUIRE = 'const require = globalThis.process?.getBuiltinModule?.("node:module").createRequire(import.meta.url);';

/** Returns the files that it is made of. */
export async function bundlePackage(folder, entries = ENTRIES) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: folder,
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    // Not its names, which errors show, and with lines: a process that breaks shows the one where it did.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 160,
    platform: "node",
    format: "esm",
    target: "node20",
    external: NOT_BUILT_IN,
    banner: { js: REQUIRE },
    // In THIRD-PARTY.txt, whole.
    legalComments: "none",
    logLevel: "error",
    metafile: true,
    plugins: [await precompiled()],
  });
  return Object.keys(metafile.inputs);
}
