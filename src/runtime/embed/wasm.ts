// The runtime beside a module generated for WebAssembly, bundled into one file, with the worker threads' file beside it; in a browser or
// in Node. What it exports is between the two; applications see the module's own types.

import type { Artifact } from "../../ir/artifact.ts";
import { DeviceError } from "../device.ts";
import { openWasmDevice } from "../wasm/device.ts";
import { threadsFor } from "../wasm/threads.ts";
import { nodeWorkers, webWorkers } from "../wasm/workers.ts";
import { Model } from "./model.ts";

export { DeviceError } from "../device.ts";
export { DataError, NonFiniteLossError } from "../errors.ts";

/** The text of wasm-worker.mjs, put in place when this file is bundled. */
declare const WORKER_SOURCE: string;

export interface CreateOptions {
  readonly device?: "auto" | "wasm" | undefined;
  /** One for each processor unless given; always 1 on a page without cross-origin isolation. */
  readonly threads?: number | undefined;
}

export async function createModel(artifact: Artifact, { device = "auto", threads }: CreateOptions = {}): Promise<Model> {
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- pages call it without a type checker
  if (device !== "auto" && device !== "wasm")
    throw new DeviceError("unavailable", `no device ${JSON.stringify(device)} in this module`, 'use "auto" or "wasm"');
  const isNode = typeof process === "object" && "node" in process.versions;
  const cores = isNode ? process.getBuiltinModule("node:os").availableParallelism() : navigator.hardwareConcurrency;
  const wanted = threadsFor(threads, cores);
  const start = isNode
    ? nodeWorkers(() => new URL("./wasm-worker.mjs", import.meta.url), WORKER_SOURCE)
    : webWorkers(() => new Worker(new URL("./wasm-worker.mjs", import.meta.url), { type: "module" }), WORKER_SOURCE);
  const isShared = isNode || globalThis.crossOriginIsolated;
  return Model.open(artifact, openWasmDevice({ start, threads: wanted, cores, isShared }));
}
