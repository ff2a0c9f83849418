// The size of what an application ships beside kernels and weights: the generated module without its artifact, and the runtime; and what is
// loaded when it trains or evaluates. node bench/size.mjs prints it. The text of the worker threads' file is not in it: it is loaded only where a bundler left the file behind.

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
  const sizes = await Promise.all(["training.mjs", "runtime.mjs", ...DEVICES[target]].map(async (name) => size(await bundleRuntime(name))));
  const [training, ...runtime] = sizes;
  return { module: size(printModule(artifact, [target], "{}")), runtime: runtime.reduce((sum, bytes) => sum + bytes, 0), training };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const target of Object.keys(DEVICES)) {
    const { module, runtime, training } = await moduleSize(target);
    console.log(
      `${target}: module ${module} + runtime ${runtime} = ${module + runtime} bytes gzip (goal: under 40000), ${training} more to train`,
    );
  }
}
