// Commands under a limit of time: on a borrowed GPU one that hangs must not take what comes after it along, and one that is cut off keeps what it said.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** What it says of itself where nothing can be measured: it is no failure. */
export class Skipped extends Error {}

/** Commands that run, by the number of the group of processes that each is with all that it started. */
const running = new Set();

/** After its end a command's pipes are read for so many milliseconds, should something that left its group hold them open. */
const REST = 2000;

/**
 * Runs a command and all that it starts for at most so many seconds. `timeout` ends the group of processes, not the first of them alone.
 * @param heard told of all that the command has printed so far, whenever it prints
 * @returns {Promise<{ status: number | null, stdout: string, stderr: string, isCut: boolean, error?: Error }>}
 */
export function limited(seconds, command, args, { env = process.env, heard = () => undefined } = {}) {
  return new Promise((resume) => {
    // Detached, it is the first of a group from the beginning.
    const child = spawn("timeout", ["--signal=KILL", String(seconds), command, ...args], { cwd: at("."), env, detached: true });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"])
      child[name].setEncoding("utf8").on("data", (text) => {
        said[name] += text;
        if (name === "stdout") heard(said.stdout);
      });
    if (child.pid !== undefined) running.add(child.pid);
    const end = (status, error) => {
      running.delete(child.pid);
      resume({ status, ...said, isCut: error === undefined && (status === null || status === 137), error });
    };
    child.on("error", (error) => end(null, error));
    child.on("exit", (status) => setTimeout(end, REST, status).unref());
    child.on("close", (status) => end(status));
  });
}

/** Ends all commands that run. */
export function endAll() {
  for (const group of running) process.kill(-group, "SIGKILL");
}

/** What a command printed. */
export async function output(command, args, seconds = 60) {
  const { status, stdout, stderr, isCut, error } = await limited(seconds, command, args);
  if (status === 0) return stdout.trim();
  throw new Error(
    error?.message ?? (isCut ? `${command} took more than ${seconds} s` : `${command} left with ${status}: ${lastOf(stderr)}`),
  );
}

/**
 * The last line of JSON that a command printed: benches print what they have after each workload. What was cut off or failed in the middle says so beside it.
 * @param tell told of each such line
 */
export async function measured(seconds, command, args, tell = () => undefined) {
  let result;
  /** Begin of the line that is not at its end yet. */
  let begin = 0;
  const heard = (text) => {
    const end = text.lastIndexOf("\n") + 1;
    const found = text.slice(begin, end).split("\n").map(parsed).findLast(Boolean);
    begin = end;
    if (found) tell((result = found));
  };
  const { status, stderr, isCut, error } = await limited(seconds, command, args, { heard });
  if (status === 0 && result) return result;
  return { ...result, error: error?.message ?? (isCut ? `cut off after ${seconds} s` : `left with ${status}: ${lastOf(stderr)}`) };
}

/** The result that a line is, if it is one. Python writes what is no number in a way of its own. */
function parsed(line) {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line.replace(/-?\b(?:NaN|Infinity)\b/g, "null"));
  } catch {
    return undefined;
  }
}

export const lastOf = (text) => text.trim().split("\n").slice(-3).join("\n").slice(-600);
