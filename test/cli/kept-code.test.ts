// Compiled code that is kept from process to process: it is used where it is whole and the user's own, and nothing of it is ever a failure.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { runKept } from "../../src/cli/kept-code.ts";

let root = "";
let script = "";
let kept = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "tlc kept code "));
});
afterAll(() => {
  rmSync(root, { recursive: true });
});
beforeEach(() => {
  rmSync(root, { recursive: true });
  mkdirSync(root);
  script = join(root, "a script.cjs");
  kept = join(root, "cache", "code", "check-1");
  writeFileSync(script, 'exports.sum = (a, b) => a + b; exports.here = __filename; exports.late = () => require("./late.cjs");');
});

interface Exports {
  readonly sum: (a: number, b: number) => number;
  readonly here: string;
  readonly late: () => { readonly found: string };
}

/** A process: it runs the script and keeps what was compiled. */
function once(path: string | undefined = kept): Exports {
  const { exports, keep } = runKept(script, path);
  const it = exports as Exports;
  expect(it.sum(2, 3)).toBe(5);
  keep();
  keep();
  return it;
}

/** Of how many processes in turn the kept code is made: more than one only where each took over what the one before had kept. */
const teachers = (): number => readFileSync(kept).readUInt32LE(8);

it("runs the script as a file in its place", () => {
  writeFileSync(join(root, "late.cjs"), 'exports.found = "beside";');
  for (let process = 0; process < 2; process++) {
    const { here, late } = once();
    expect(here).toBe(script);
    expect(late().found).toBe("beside");
  }
});

it("takes over what was kept, and adds to it in a few processes only", () => {
  for (let process = 1; process <= 10; process++) {
    once();
    expect(teachers()).toBe(Math.min(process, 8));
  }
  expect(readdirSync(dirname(kept))).toEqual(["check-1"]);
});

it("takes none that is damaged, wherever", () => {
  once();
  const whole = readFileSync(kept);
  for (const at of [0, 9, 13, 16, 20, 40, whole.length >> 1, whole.length - 1]) {
    const damaged = Buffer.from(whole);
    damaged[at] = damaged[at]! ^ 0x55;
    writeFileSync(kept, damaged);
    once();
    expect({ at, teachers: teachers() }).toEqual({ at, teachers: 1 });
  }
  for (const length of [0, 7, 16, 17, whole.length - 1]) {
    writeFileSync(kept, whole.subarray(0, length));
    once();
    expect({ length, teachers: teachers() }).toEqual({ length, teachers: 1 });
  }
});

it("takes none of another script", () => {
  once();
  writeFileSync(script, `${readFileSync(script, "utf8")} exports.more = 1;`);
  expect(once()).toHaveProperty("more", 1);
  expect(teachers()).toBe(1);
});

it.skipIf(process.platform === "win32")("takes none that somebody else could have written", () => {
  once();
  chmodSync(kept, 0o662);
  once();
  expect(teachers()).toBe(1);
  renameSync(kept, join(root, "elsewhere"));
  symlinkSync(join(root, "elsewhere"), kept);
  once();
  expect(teachers()).toBe(1);
});

it("is no failure where it cannot be kept", () => {
  writeFileSync(join(root, "cache"), "a file");
  once();
  once(undefined);
  rmSync(join(root, "cache"));
  mkdirSync(kept, { recursive: true });
  once();
  expect(readdirSync(dirname(kept))).toEqual(["check-1"]);
});

it("keeps a few files, the newest", () => {
  mkdirSync(dirname(kept), { recursive: true });
  for (let i = 0; i < 40; i++) {
    const path = join(dirname(kept), `check-v${i}`);
    writeFileSync(path, "");
    utimesSync(path, 1e9 + i, 1e9 + i);
  }
  once();
  expect(readdirSync(dirname(kept))).toHaveLength(24);
  expect(["check-1", "check-v39", "check-v17", "check-v16"].map((name) => existsSync(join(dirname(kept), name)))).toEqual([
    true,
    true,
    true,
    false,
  ]);
});
