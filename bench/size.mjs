// The size of what an application ships beside kernels and weights: the generated module without its artifact, and the runtime.
// node bench/size.mjs prints it.

import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { bundleRuntime } from "../scripts/bundle-runtime.mjs";
import { importTypeScript } from "./bundle.mjs";

/** Bytes after gzip. */
export async function moduleSize() {
  const { printModule } = await importTypeScript("src/codegen/module/module.ts");
  const artifact = { name: "cnn", program: { target: "webgpu" } };
  const size = (text) => gzipSync(text, { level: 9 }).length;
  return { module: size(printModule(artifact, "{}")), runtime: size(await bundleRuntime("runtime-webgpu.mjs")) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { module, runtime } = await moduleSize();
  console.log(`module ${module} + runtime ${runtime} = ${module + runtime} bytes gzip (goal: under 40000)`);
}
