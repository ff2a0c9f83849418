// The runtime that applications import must load in a browser: no module of Node's anywhere below it.

import { build } from "esbuild";
import { expect, it } from "vitest";

it("bundles for a browser, without Node's modules", async () => {
  const result = await build({
    entryPoints: ["src/runtime/index.ts"],
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
    metafile: true,
  });
  expect(result.errors).toEqual([]);
  expect(
    Object.keys(result.metafile.inputs).filter((path) => path.includes("diagnostics/catalogue") || path.includes("node_modules")),
  ).toEqual([]);
});
