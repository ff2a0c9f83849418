// What measures on a borrowed GPU keeps what it had: a step that hangs is cut off with all that it started, and what it said until then stays, in the
// file as well, should all of it be ended.

import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { measured, output } from "../bench/gpu/limited.mjs";
import { tested } from "../bench/gpu/tests.mjs";

const node = (script: string): [string, string[]] => [process.execPath, ["-e", script]];
/** Says what it has to say as soon as it runs, which is well before it is cut off. */
const shell = (script: string): [string, string[]] => ["sh", ["-c", script]];

const work = mkdtempSync(join(tmpdir(), "tlc-bench-gpu-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

it("keeps the last line of what is cut off", async () => {
  expect(await measured(3, ...shell(`echo '{"a":1}'; echo '{"a":1,"b":2}'; sleep 3600`))).toEqual({
    a: 1,
    b: 2,
    error: "cut off after 3 s",
  });
});

it("keeps the last whole line", async () => {
  expect(await measured(3, ...shell(`echo '{"a":1,"b":NaN}'; echo '{"no'; printf '{"a":1,'; sleep 3600`))).toEqual({
    a: 1,
    b: null,
    error: "cut off after 3 s",
  });
});

it("ends what a command started, too", async () => {
  // Whoever waits for the pipe's end waits for the one that was started, for an hour.
  expect(await measured(1, ...shell("sleep 3600 & wait"))).toEqual({ error: "cut off after 1 s" });
});

it("does not wait for what a command left behind", async () => {
  expect(await measured(600, ...shell("setsid sleep 20 & echo '{}'"))).toEqual({});
});

it("says why a command failed, beside what it had measured", async () => {
  expect(await measured(120, ...node('console.log("{}"); console.error("no GPU"); process.exit(3)'))).toEqual({
    error: "left with 3: no GPU",
  });
  await expect(output(...node("process.exit(3)"))).rejects.toThrow("left with 3");
});

it("says that tests did not run, or took their process along", async () => {
  const { result: none } = await tested(120, ["test/no-such.test.ts"]);
  expect(none).toMatchObject({ passed: 0, failed: [], error: expect.stringMatching(/^no test ran/) as string });
  const log = `echo '{"name":"a","state":"passed"}' >> $TLC_TEST_LOG; echo '{"name":"b","state":"begun"}' >> $TLC_TEST_LOG; echo gone >&2; exit 9`;
  const { result: gone } = await tested(120, [], { under: ["sh", "-c", log] });
  expect(gone).toMatchObject({ passed: 1, failed: [], begun: ["b"], error: "left with 9: gone" });
});

/** A Python with a PyTorch that measures something, and then hangs. */
const PYTHON = `#!/bin/sh
case "$1" in
  -c) echo cpu ;;
  *) echo '{"device":"cpu","cnn64":{"ms":7}}'; [ -z "$HANGS" ] || { echo $$ >"$HANGS"; sleep 3600; } ;;
esac
`;

interface Results {
  readonly commit: string;
  readonly steps: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const STEP = "pytorch-eager-f32";
const file = join(work, "gpu.json");
const resultsOf = (path: string): Results => JSON.parse(readFileSync(path, "utf8")) as Results;

/** Calls measure.mjs; what it leaves with. `told` is called whenever the file is written. */
function call(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  told?: (end: () => void) => void,
): Promise<number | null> {
  const python = join(work, "python");
  writeFileSync(python, PYTHON);
  chmodSync(python, 0o755);
  const child = spawn(process.execPath, ["bench/gpu/measure.mjs", ...args], {
    env: { ...process.env, TLC_COMMIT: "abc", PYTORCH_PYTHON: python, ...env },
  });
  const watcher = told && watch(work, () => told(() => child.kill()));
  return new Promise((resume) => {
    child.on("close", (status) => {
      watcher?.close();
      resume(status);
    });
  });
}

it("writes what a step has before its end, and ends it where it is ended itself", async () => {
  const pid = join(work, "pid");
  const isToldOf = (): boolean => existsSync(file) && resultsOf(file).steps[STEP]?.["cnn64"] !== undefined;
  const status = await call([file, STEP], { HANGS: pid }, (end) => {
    if (isToldOf()) end();
  });
  expect(status).toBe(143);
  expect(resultsOf(file).steps[STEP]).toMatchObject({ cnn64: { ms: 7 }, error: "did not end" });
  const number = Number(readFileSync(pid, "utf8"));
  await vi.waitFor(() => expect(() => process.kill(number, 0)).toThrow("ESRCH"), { timeout: 60_000 });
});

it("goes on with a file of the same commit, and keeps another's beside it", async () => {
  expect(await call([file, STEP, "--within", "300"])).toBe(0);
  expect(resultsOf(file).steps[STEP]).toEqual({ seconds: expect.any(Number) as number, device: "cpu", cnn64: { ms: 7 } });
  // This one may take 120.
  expect(await call([file, "pytorch-graph", STEP, "--within", "100"])).toBe(0);
  expect(Object.keys(resultsOf(file).steps)).toEqual([STEP, "pytorch-graph"]);
  writeFileSync(join(work, "damaged.json"), '{"commit": "abc", "st');
  for (const [path, env, options] of [
    [file, { TLC_COMMIT: "def" }, []],
    [file, { TLC_COMMIT: "def" }, ["--quick"]],
    [join(work, "damaged.json"), {}, []],
  ] as const) {
    expect(await call([path, "pytorch-graph", ...options], env)).toBe(0);
    expect(Object.keys(resultsOf(path).steps)).toEqual(["pytorch-graph"]);
  }
  expect([resultsOf(`${file}.1`), resultsOf(`${file}.2`)]).toMatchObject([{ commit: "abc" }, { commit: "def" }]);
  expect(existsSync(join(work, "damaged.json.1"))).toBe(true);
});

it("refuses what it does not know before anything is written", async () => {
  const path = join(work, "none.json");
  for (const args of [[], [path, "cuda-sped"], [path, "--quik"], [path, "--within", "soon"]]) expect(await call(args)).toBe(2);
  expect(existsSync(path)).toBe(false);
});
