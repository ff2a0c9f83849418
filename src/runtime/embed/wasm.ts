// The WebAssembly device of a compiled folder, bundled into its `wasm/device.mjs`, with the worker threads' file beside it; in a browser or
// in Node.

import type { Device } from "../device.ts";
import { isNode } from "../is-node.ts";
import { openWasmDevice } from "../wasm/device.ts";
import { threadsFor } from "../wasm/threads.ts";
import { nodeWorkers, webWorkers } from "../wasm/workers.ts";
import type { CreateOptions } from "./device-file.ts";

/** The text of worker.mjs: most applications never load it. */
const workerText = async (): Promise<string> => (await import("./worker-text.mjs")).default;

// A promise, as of every device: others look before they open.
export async function open({ threads }: CreateOptions): Promise<Device> {
  const cores = isNode() ? process.getBuiltinModule("node:os").availableParallelism() : navigator.hardwareConcurrency;
  const wanted = threadsFor(threads, cores);
  const start = isNode()
    ? nodeWorkers(() => new URL("./worker.mjs", import.meta.url), workerText)
    : webWorkers(() => new Worker(new URL("./worker.mjs", import.meta.url), { type: "module" }), workerText);
  const isShared = isNode() || globalThis.crossOriginIsolated;
  return Promise.resolve(openWasmDevice({ start, threads: wanted, cores, isShared }));
}
