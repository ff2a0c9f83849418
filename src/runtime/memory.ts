// The message for a program that does not fit: what is large in it, and what would help.

import type { Program } from "../ir/program.ts";
import { formatType } from "../ir/types.ts";
import { DeviceError } from "./device.ts";

const SHOWN = 5;

export function outOfMemory(program: Program, detail: string): DeviceError {
  const largest = [...program.buffers].sort((a, b) => b.bytes - a.bytes).slice(0, SHOWN);
  const lines = largest.map(
    (plan) => `  ${formatBytes(plan.bytes).padStart(10)}  ${plan.name}  ${formatType(plan)}  (${plan.kind ?? plan.role})`,
  );
  const message = [`out of memory: ${detail}`, `The arena takes ${formatBytes(program.arenaBytes)}. The largest buffers:`, ...lines].join(
    "\n",
  );
  return new DeviceError("out-of-memory", message, "Use a smaller batch, or freeze more layers.");
}

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${units[unit] ?? ""}`;
}
