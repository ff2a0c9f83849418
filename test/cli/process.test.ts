// The command line as a process: exit codes, signals, pipes. Bundled first, since Node runs no TypeScript.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleCommand, bundleModules } from "../../scripts/bundle-package.mjs";
import { readSafetensors } from "../../src/runtime/weights/safetensors.ts";
import { pixelFolder } from "./fake-toolchain.ts";

// In the checkout: package.json is looked for in the folders around.
const OUT = ".cache/cli-test";
const MAIN = join(OUT, "cli/main.js");
const SLOW = join(OUT, "slow-main.js");

let root = "";
beforeAll(async () => {
  root = await pixelFolder();
  await bundleCommand(OUT);
  await bundleModules(OUT, { "slow-main": "test/cli/fixtures/slow-main.ts" });
});
afterAll(() => {
  rmSync(root, { recursive: true });
  rmSync(OUT, { recursive: true });
});

const tlc = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });

describe("the process", () => {
  it("leaves with the verb's code", () => {
    expect(tlc("--version")).toMatchObject({ status: 0, stderr: "" });
    expect(tlc("nonsense").status).toBe(2);
    expect(tlc("run", "/no/such/file")).toMatchObject({ status: 2, stdout: "" });
    const explain = tlc("explain");
    expect([explain.status, explain.stdout.includes("TL01")]).toEqual([0, true]);
  });

  it("checks a spec without what only others need: modules, programs, threads, digests and the validators of what was compiled", () => {
    const list = join(root, "loaded.cjs");
    writeFileSync(
      list,
      'process.on("exit", () => console.error(JSON.stringify([...process.moduleLoadList, ...Object.keys(require.cache)])));',
    );
    const { stderr } = spawnSync(process.execPath, ["-r", list, MAIN, "check", "specs/examples/cnn.tlspec"], { encoding: "utf8" });
    const loaded = JSON.parse(stderr) as readonly string[];
    expect(loaded).toEqual(expect.arrayContaining(["NativeModule vm", expect.stringMatching(/loaded\.cjs$/)]));
    const spared = ["internal/modules/esm/load", "child_process", "worker_threads", "crypto", "http"].map((name) => `NativeModule ${name}`);
    expect(loaded.filter((name) => spared.includes(name) || name.endsWith("validators.cjs"))).toEqual([]);
  });

  it("makes no functions of text, the reference device apart", () => {
    const strict = (...args: string[]): unknown =>
      spawnSync(process.execPath, ["--disallow-code-generation-from-strings", MAIN, ...args], { encoding: "utf8" });
    const json = join(root, "spec.json");
    writeFileSync(json, '{"kind":"spec","imports":[],"declarations":[{"kind":"oops"}]}');
    expect(strict("check", json)).toMatchObject({ status: 2, stderr: expect.stringContaining("cannot be of kind `oops`") as string });
    for (const target of ["webgpu", "wasm"])
      expect(strict("compile", "specs/examples/cnn.tlspec", "-t", target, "-o", join(root, target))).toMatchObject({
        status: 0,
        stderr: "",
      });
    expect(strict("inspect", join(root, "wasm"))).toMatchObject({ status: 0, stderr: "" });
  });

  it("keeps compiled code under the cache folder, and says the same with it, without it and with a damaged one", () => {
    const spec = join(root, "wrong.tlspec");
    writeFileSync(spec, "network n { input x: f32[2] fc: linear(oops) }\n");
    const cache = join(root, "a cache");
    const linked = join(root, "tlc");
    symlinkSync(resolve(MAIN), linked);
    const tlcIn = (env: Readonly<Record<string, string>>, ...args: string[]): unknown => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [linked, ...args], {
        encoding: "utf8",
        env: { ...process.env, ...env },
      });
      return { status, stdout, stderr };
    };
    const files = (): string[] => (existsSync(cache) ? readdirSync(join(cache, "tlspec", "code")) : []);
    for (const args of [["check", spec], ["check", "specs/examples/cnn.tlspec"], ["explain", "adam"], ["nonsense"]]) {
      const plain = tlcIn({ XDG_CACHE_HOME: cache, NODE_DISABLE_COMPILE_CACHE: "1" }, ...args);
      const before = files();
      for (let time = 0; time < 3; time++) expect(tlcIn({ XDG_CACHE_HOME: cache }, ...args)).toEqual(plain);
      const made = files().filter((name) => !before.includes(name));
      expect(files().every((name) => /^(check|explain|other)-v[\d.]+-\w+-[0-9a-f]{16}$/.test(name))).toBe(true);
      for (const name of made) writeFileSync(join(cache, "tlspec", "code", name), "tlscode1 and so on");
      expect(tlcIn({ XDG_CACHE_HOME: cache }, ...args)).toEqual(plain);
    }
    expect(files()).toHaveLength(3);
  });

  it("ends quietly when nobody reads its output", () => {
    const { status, stderr } = spawnSync("sh", ["-c", `"${process.execPath}" ${MAIN} explain | head -n 1`], { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
  });
});

describe("output that nobody takes", () => {
  const SPEC = `network n(classes = 2) {
  input given: f32[2]
  fc: linear(classes)
}
dataset d { train table("d.csv", given: a, label: y) }
recipe r { network n data d loss cross_entropy batch 2 optimizer sgd(lr: 1e-2) epochs 4 }\n`;
  const out = (): string => join(root, "piped.safetensors");
  const shell = (command: string): { status: number | null; stderr: string } => {
    writeFileSync(join(root, "d.csv"), `a,y\n${"0.5 0.25,0\n0.1 0.2,1\n".repeat(20)}`);
    writeFileSync(join(root, "r.tlspec"), SPEC);
    rmSync(out(), { force: true });
    const run = `"${process.execPath}" ${MAIN} run ${join(root, "r.tlspec")} -d reference -o ${out()}`;
    return spawnSync("bash", ["-c", `set -o pipefail; ${run} ${command}`], { encoding: "utf8" });
  };

  it("ends printing, not training", () => {
    for (const json of ["", "--json"]) {
      expect(shell(`${json} | head -n 1`)).toMatchObject({ status: 0, stderr: "" });
      expect(readSafetensors(readFileSync(out())).tensors.size).toBe(2);
    }
  });

  it("is said once, where it goes to a full disk", () => {
    const { status, stderr } = shell("> /dev/full");
    expect([status, stderr]).toEqual([1, "error: cannot write the output: the disk is full\n"]);
    expect(existsSync(out())).toBe(true);
    expect(shell("2> /dev/full").status).toBe(0);
    expect(shell(">&-").status).toBe(0);
  });
});

describe("signals", () => {
  const start = (out: string): { child: ChildProcess; stderr: () => string; ended: Promise<number | null>; training: Promise<void> } => {
    const child = spawn(process.execPath, [SLOW, root, "run", join(root, "good.tlspec"), "--json", "--out", out]);
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const training = new Promise<void>((resolve) => child.stdout.on("data", (chunk: Buffer) => chunk.includes('"step"') && resolve()));
    const ended = new Promise<number | null>((resolve) => child.on("close", (code) => resolve(code)));
    return { child, stderr: () => stderr, ended, training };
  };

  it.each([
    ["SIGHUP", 129],
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("the first %s saves the weights and ends with %d", async (signal, code) => {
    const out = join(root, `${signal}.safetensors`);
    const run = start(out);
    await run.training;
    run.child.kill(signal);
    expect(await run.ended).toBe(code);
    expect(run.stderr()).toContain("saving the weights");
    expect(readSafetensors(readFileSync(out)).tensors.size).toBe(3);
  });

  it("the second leaves at once", async () => {
    const out = join(root, "second.safetensors");
    const run = start(out);
    await run.training;
    run.child.kill("SIGINT");
    run.child.kill("SIGTERM");
    expect([130, 143]).toContain(await run.ended);
    expect(existsSync(`${out}.tmp`)).toBe(false);
  });
});
