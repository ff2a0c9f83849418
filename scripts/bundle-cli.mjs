// Bundles the command line into a few files: Node opens one file faster than hundreds. Split where the source imports late, so that
// `tlc check` reads the language and nothing of passes, targets and data. Native and optional packages stay outside.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

export async function bundleCli(folder) {
  await build({
    entryPoints: { main: join(root, "src/cli/main.ts") },
    outdir: folder,
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    minifySyntax: true,
    minifyWhitespace: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["sharp", "webgpu"],
    // Packages written for CommonJS ask for Node's modules by `require`.
    banner: { js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);' },
    legalComments: "linked",
    logLevel: "error",
  });
}
