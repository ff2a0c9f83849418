// The WebAssembly device of a compiled folder, bundled into its `wasm/device.mjs`, with the worker threads' file beside it; in a browser or
// in Node.

import type { Device } from "../device.ts";
import { isNode } from "../is-node.ts";
import { openWasmDevice } from "../wasm/device.ts";
import { threadsFor } from "../wasm/threads.ts";
import { nodeWorkers, webWorkers } from "../wasm/workers.ts";
import type { CreateOptions } from "./device-file.ts";

/** The text of worker.mjs, put in place when this file is bundled. */
declare const WORKER_SOURCE: string;

// A promise, as of every device: others look before they open.
export async function open({ threads }: CreateOptions): Promise<Device> {
  const cores = isNode() ? process.getBuiltinModule("node:os").availableParallelism() : navigator.hardwareConcurrency;
  const wanted = threadsFor(threads, cores);
  const start = isNode()
    ? nodeWorkers(() => new URL("./worker.mjs", import.meta.url), WORKER_SOURCE)
    : webWorkers(() => new Worker(new URL("./worker.mjs", import.meta.url), { type: "module" }), WORKER_SOURCE);
  const isShared = isNode() || globalThis.crossOriginIsolated;
  return Promise.resolve(openWasmDevice({ start, threads: wanted, cores, isShared }));
}
