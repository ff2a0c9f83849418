// The size of what an application ships beside kernels and weights: the generated module without its artifact, and the runtime.
// node bench/size.mjs prints it. The text of the worker threads' file is not in it: it is loaded only where a bundler left the file behind.

import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { bundleRuntime } from "../scripts/bundle-runtime.mjs";
import { importTypeScript } from "./bundle.mjs";

const DEVICES = { cuda: ["cuda-device.mjs"], webgpu: ["webgpu-device.mjs"], wasm: ["wasm-device.mjs", "wasm-worker.mjs"] };

/** Bytes after gzip. */
export async function moduleSize(target = "webgpu") {
  const { printModule } = await importTypeScript("src/codegen/module/module.ts");
  const artifact = { name: "cnn", recipe: {} };
  const size = (text) => gzipSync(text, { level: 9 }).length;
  const runtimes = await Promise.all(["runtime.mjs", ...DEVICES[target]].map((name) => bundleRuntime(name)));
  return { module: size(printModule(artifact, [target], "{}")), runtime: runtimes.reduce((sum, text) => sum + size(text), 0) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const target of Object.keys(DEVICES)) {
    const { module, runtime } = await moduleSize(target);
    console.log(`${target}: module ${module} + runtime ${runtime} = ${module + runtime} bytes gzip (goal: under 40000)`);
  }
}
