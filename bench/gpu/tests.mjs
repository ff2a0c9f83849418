// The suites that hold a device, on the one at hand, under a limit of time: { passed, skipped, failed }, and what had begun where it was cut off.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { at, limited } from "./limited.mjs";

/**
 * @param files of tests
 * @param pattern of the names of tests, or all of them
 * @param under a command that runs another: a tool that watches it
 */
export function tested(seconds, files, { pattern, under = [] } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tlc-gpu-"));
  try {
    const log = join(folder, "log");
    const tests = [at("node_modules/vitest/vitest.mjs"), "run", ...files, `--reporter=${at("bench/gpu/reporter.mjs")}`];
    const [command, ...args] = [...under, process.execPath, ...tests, ...(pattern === undefined ? [] : ["-t", pattern])];
    const run = limited(seconds, command, args, { env: { ...process.env, TLC_TEST_LOG: log } });
    const text = existsSync(log) ? readFileSync(log, "utf8") : "";
    return { ...summary(text), ...(run.isCut && { error: `cut off after ${seconds} s` }), output: run.stdout + run.stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function summary(text) {
  const last = new Map();
  for (const line of text.split("\n").filter(Boolean)) {
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
