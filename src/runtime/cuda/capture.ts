// Work that the driver records instead of doing it, as one graph that does all of it for one call of the host.

import type { Driver } from "./driver.ts";

/** Other threads may call the driver meanwhile. */
const RELAXED = 2;

/** An executable graph of what `work` enqueues. Where that fails, the stream is as it was before. */
export function captured(driver: Driver, stream: bigint, work: () => void): bigint {
  driver.call("cuStreamBeginCapture_v2", stream, RELAXED);
  const graph = new BigUint64Array(1);
  try {
    work();
  } catch (error) {
    driver.attempt("cuStreamEndCapture", stream, graph);
    if (graph[0] !== undefined && graph[0] !== 0n) driver.attempt("cuGraphDestroy", graph[0]);
    throw error;
  }
  driver.call("cuStreamEndCapture", stream, graph);
  const executable = driver.handle("cuGraphInstantiateWithFlags", graph[0] ?? 0n, 0);
  driver.call("cuGraphDestroy", graph[0] ?? 0n);
  return executable;
}
