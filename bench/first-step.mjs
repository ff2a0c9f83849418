// How long a generated module takes to its first training step, in a process of its own: node bench/first-step.mjs [threads]
// Compiles bench/cnn.tlspec for WebAssembly, writes the module beside its runtime, and calls it.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundleRuntime } from "../scripts/bundle-runtime.mjs";
import { importTypeScript } from "./bundle.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const EXAMPLES = 256;

/** Milliseconds from the call of `create` until the first step is done, and for the second step. */
export async function measureFirstStep() {
  const { compileCnn } = await importTypeScript("bench/tlc-cnn.ts");
  const { emitFiles } = await importTypeScript("src/codegen/module/emit.ts");
  const artifact = await compileCnn({ info: { kind: "wasm" } });
  const names = ["runtime.mjs", "training.mjs", "checkpoints.mjs", "wasm-device.mjs", "wasm-worker.mjs"];
  const built = new Map(await Promise.all(names.map(async (name) => [name, await bundleRuntime(name)])));
  const folder = mkdtempSync(join(root, "node_modules", ".bench-"));
  try {
    for (const [name, content] of emitFiles([artifact], (file) => built.get(file) ?? "")) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    const results = Array.from({ length: 5 }, () =>
      JSON.parse(execFileSync(process.execPath, [fileURLToPath(import.meta.url), "run", folder], { encoding: "utf8" })),
    );
    return results.sort((a, b) => a.first - b.first)[0];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function run(folder) {
  const { create } = await import(pathToFileURL(join(resolve(folder), "cnn.mjs")).href);
  const image = Uint8Array.from({ length: EXAMPLES * 3 * 24 * 24 }, (_, i) => (i * 7919) % 251);
  const labels = Int32Array.from({ length: EXAMPLES }, (_, i) => i % 10);
  const start = performance.now();
  const model = await create();
  const created = performance.now();
  const times = [];
  for await (const event of model.train({ train: { inputs: { image }, labels } })) {
    if (event.event === "step") times.push(performance.now());
  }
  model.dispose();
  console.log(JSON.stringify({ create: created - start, first: times[0] - start }));
}

if (process.argv[2] === "run") await run(process.argv[3]);
else if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) console.log(await measureFirstStep());
