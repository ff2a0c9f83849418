// Commands under a limit of time: on a borrowed GPU one that hangs must not take what comes after it along, and one that is cut off keeps what it said.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** What it says of itself where nothing can be measured: it is no failure. */
export class Skipped extends Error {}

/** Runs a command and all that it starts for at most so many seconds. `timeout` ends the group of processes, not the first of them alone. */
export function limited(seconds, command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync("timeout", ["--signal=KILL", String(seconds), command, ...args], {
    ...{ encoding: "utf8", cwd: at("."), maxBuffer: 1 << 28 },
    ...options,
  });
  return { status, stdout: stdout ?? "", stderr: stderr ?? "", isCut: status === null || status === 137, error };
}

/** What a command printed. */
export function output(command, args, seconds = 60) {
  const { status, stdout, stderr, isCut, error } = limited(seconds, command, args);
  if (status === 0) return stdout.trim();
  throw new Error(
    error?.message ?? (isCut ? `${command} took more than ${seconds} s` : `${command} left with ${status}: ${lastOf(stderr)}`),
  );
}

/** The last line of JSON that a command printed: benches print what they have after each workload. What was cut off or failed in the middle says so beside it. */
export function measured(seconds, command, args) {
  const { status, stdout, stderr, isCut, error } = limited(seconds, command, args);
  const line = stdout
    .trim()
    .split("\n")
    .filter((each) => each.startsWith("{"))
    .at(-1);
  const result = line === undefined ? {} : JSON.parse(line);
  if (status === 0 && line !== undefined) return result;
  return { ...result, error: error?.message ?? (isCut ? `cut off after ${seconds} s` : `left with ${status}: ${lastOf(stderr)}`) };
}

const lastOf = (text) => text.trim().split("\n").slice(-3).join("\n").slice(0, 600);
