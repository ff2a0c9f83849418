// The suites that hold a device, on the one at hand, under a limit of time: { passed, skipped, failed }, and what had begun where it was cut off.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clearInterval, setInterval } from "node:timers";
import { at, lastOf, limited } from "./limited.mjs";

/** How often, in milliseconds, the log of a run is looked at. */
const GLANCE = 1000;

/**
 * @param files of tests
 * @param pattern of the names of tests, or all of them
 * @param under a command that runs another: a tool that watches it
 * @param tell told of what became of tests so far
 */
export async function tested(seconds, files, { pattern, under = [], tell = () => undefined } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tlc-gpu-"));
  const log = join(folder, "log");
  const known = () => (existsSync(log) ? readFileSync(log, "utf8") : "");
  const glances = setInterval(() => tell(summary(known())), GLANCE);
  try {
    const tests = [at("node_modules/vitest/vitest.mjs"), "run", ...files, `--reporter=${at("bench/gpu/reporter.mjs")}`];
    const [command, ...args] = [...under, process.execPath, ...tests, ...(pattern === undefined ? [] : ["-t", pattern])];
    const run = await limited(seconds, command, args, { env: { ...process.env, TLC_TEST_LOG: log } });
    const result = summary(known());
    const error = faultOf(run, result, seconds);
    return { result: { ...result, ...(error !== undefined && { error }) }, text: run.stdout + run.stderr };
  } finally {
    clearInterval(glances);
    rmSync(folder, { recursive: true });
  }
}

/** Why a run says less than the states of its tests seem to: a process that dies takes its tests along, and none of them failed. */
function faultOf({ status, stdout, stderr, isCut, error }, { passed, failed }, seconds) {
  if (error) return error.message;
  if (isCut) return `cut off after ${seconds} s`;
  const said = lastOf(`${stdout}\n${stderr}`);
  if (passed + failed.length === 0) return `no test ran: ${said}`;
  return status !== 0 && failed.length === 0 ? `left with ${status}: ${said}` : undefined;
}

function summary(text) {
  const last = new Map();
  // Behind the last newline is a line that is being written.
  for (const line of text.split("\n").slice(0, -1)) {
    const entry = JSON.parse(line);
    last.set(entry.name, entry);
  }
  const all = [...last.values()];
  const named = (state) => all.filter((entry) => entry.state === state);
  const begun = named("begun").map(({ name }) => name);
  return {
    passed: named("passed").length,
    skipped: named("skipped").map(({ name }) => name),
    failed: named("failed").map(({ name, message }) => ({ name, message })),
    ...(begun.length > 0 && { begun }),
  };
}
