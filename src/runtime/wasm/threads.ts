// How many threads the device gets: as many as its caller says, or else in Node the environment (TLC_THREADS), or else one for each
// processor. A number that cannot be meant is refused, whoever gave it.

import { DeviceError } from "../device.ts";

export function threadsFor(given: number | undefined, cores: number): number {
  const named = typeof process === "object" ? process.env["TLC_THREADS"] : undefined;
  const isNamed = given === undefined && named !== undefined && named !== "";
  const threads = given ?? (isNamed ? Number(named) : cores);
  if (Number.isInteger(threads) && threads >= 1) return threads;
  const source = isNamed ? `TLC_THREADS is ${JSON.stringify(named)}` : `${String(given)} threads`;
  throw new DeviceError("unavailable", `the wasm device cannot be had: ${source}`, "the number of threads is a whole number from 1");
}
