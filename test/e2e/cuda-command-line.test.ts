// The built command line on a machine with an NVIDIA GPU, all of it made up: a driver without a GPU, and for NVRTC a compiler of kernels for the host.
// Needs dist/; skipped, with the reason, where there is no C++ compiler or no koffi.

import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { filesOf } from "../../src/runtime/cuda/libraries.ts";
import { hostCompiler, hostCublasLt, hostDriver, NO_HOST_COMPILER } from "../support/cuda-host.ts";

const SPEC = `network n(classes = 2) {
  input given: f32[2]
  hidden: linear(8) -> relu
  fc: linear(classes)
}
dataset d {
  train table("d.csv", given: a, label: b)
  test table("d.csv", given: a, label: b)
}
recipe r { network n data d loss cross_entropy metrics accuracy batch 4 optimizer adam(lr: 5e-2) epochs 6 seed 3 }
`;

const reason = NO_HOST_COMPILER ?? ((await findKoffi()) ? undefined : "the npm package koffi is not installed");
if (reason !== undefined) console.warn(`skipped: ${reason}`);

describe.skipIf(reason !== undefined)("tlc with a driver and a compiler for CUDA", () => {
  const work = mkdtempSync(join(tmpdir(), "tlc-cuda-line-"));
  const machine = join(work, "machine");
  afterAll(() => rmSync(work, { recursive: true }));
  beforeAll(async () => {
    mkdirSync(machine);
    copyFileSync(await hostDriver(), join(machine, "libcuda.so.1"));
    copyFileSync(await hostCompiler(), join(machine, "libnvrtc.so.13"));
    writeFileSync(join(work, "r.tlspec"), SPEC);
    writeFileSync(
      join(work, "d.csv"),
      `a,b\n${Array.from({ length: 24 }, (_, i) => `0.${i % 10} 0.5,${i % 10 < 5 ? 0 : 1}`).join("\n")}\n`,
    );
  });

  type Event = Readonly<Record<string, unknown>> & { readonly event: string };
  async function tlc(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<readonly Event[]> {
    const { stdout } = await promisify(execFile)(process.execPath, [resolve("dist/cli/main.js"), ...args, "--json"], {
      cwd: work,
      env: { ...process.env, XDG_CACHE_HOME: join(work, "cache"), TMPDIR: work, LD_LIBRARY_PATH: machine, ...env },
    });
    return stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Event);
  }
  const compiling = { FAKE_NVRTC_SOURCES: resolve("test/support/cuda-host") };
  const figures = (events: readonly Event[]): unknown[] =>
    events.flatMap(({ event, device, test, loss, train }) => (event === "start" ? [device] : [loss, train, test]));

  it("trains a spec, and a folder without a compiler, to the same losses", async () => {
    const run = await tlc(compiling, "run", "r.tlspec", "--device", "cuda", "-o", "a.safetensors");
    expect(run.find(({ event }) => event === "start")).toMatchObject({ device: "cuda" });
    const losses = run.flatMap(({ event, loss }) => (event === "step" ? [loss as number] : []));
    expect(losses.at(-1)).toBeLessThan(0.8 * (losses[0] ?? 0));

    await tlc(compiling, "compile", "r.tlspec", "--target", "cuda,wasm", "-o", "folder");
    // Nothing to compile with, and no need to.
    rmSync(join(machine, "libnvrtc.so.13"));
    const again = await tlc({}, "run", "folder", "--device", "cuda", "-o", "b.safetensors");
    expect(figures(again)).toEqual(figures(run));
    expect(readFileSync(join(work, "b.safetensors"))).toEqual(readFileSync(join(work, "a.safetensors")));
    const wasm = await tlc({}, "run", "folder", "--device", "wasm", "-o", "c.safetensors");
    const last = (events: readonly Event[]): number => (events.filter(({ event }) => event === "step").at(-1)?.["loss"] ?? NaN) as number;
    expect(Math.abs(last(wasm) / last(run) - 1)).toBeLessThan(1e-3);
  });

  it("measures once what it may do in several ways, a library among them, and not where it is told not to", async () => {
    copyFileSync(await hostCublasLt(), join(machine, "libcublasLt.so.13"));
    copyFileSync(await hostCompiler(), join(machine, "libnvrtc.so.13"));
    writeFileSync(
      join(work, "wide.tlspec"),
      SPEC.replace(/linear\((\d+)\) -> relu/, "linear(512) -> relu -> linear(512) -> relu")
        .replace("batch 4", "batch 24")
        .replace("epochs 6", "epochs 1"),
    );
    const tuned = (events: readonly Event[]): unknown => events.find(({ event }) => event === "tuned");
    const first = await tlc(compiling, "run", "wide.tlspec", "--device", "cuda", "-o", "d.safetensors");
    expect(tuned(first)).toMatchObject({
      choices: expect.arrayContaining([
        expect.objectContaining({ taken: expect.stringMatching(/^cuBLASLt 13.1.1/) as string, why: "measured" }),
      ]) as unknown,
    });
    const second = await tlc(compiling, "run", "wide.tlspec", "--device", "cuda", "-o", "e.safetensors");
    expect(tuned(second)).toMatchObject({ choices: [{ why: "remembered" }, { why: "remembered" }, { why: "remembered" }] });
    expect(readFileSync(join(work, "e.safetensors"))).toEqual(readFileSync(join(work, "d.safetensors")));
    expect(tuned(await tlc(compiling, "run", "wide.tlspec", "--device", "cuda", "--no-tune", "-o", "f.safetensors"))).toBeUndefined();
    const [survey] = await tlc({}, "doctor");
    expect(survey?.["tuning"]).toMatchObject({ folder: join(work, "cache/tlspec/tuning") });
    expect(survey?.["cuda"]).toMatchObject({
      libraries: expect.arrayContaining([{ name: "cublasLt", path: join(machine, "libcublasLt.so.13"), version: "13.1.1" }]) as unknown,
    });
  });

  it("names, of a GPU without room, a batch that fits, and one that takes more does not", async () => {
    writeFileSync(
      join(work, "large.tlspec"),
      SPEC.replace("linear(8)", "linear(4000)").replace("batch 4", "batch 24").replace("epochs 6", "epochs 1"),
    );
    const withRoom = (...more: readonly string[]): Promise<readonly Event[]> =>
      tlc(
        { ...compiling, FAKE_CUDA_ROOM: "700000" },
        "run",
        "large.tlspec",
        "--device",
        "cuda",
        "--no-tune",
        "-o",
        "g.safetensors",
        ...more,
      );
    const refused = (await withRoom().then(
      () => ({}),
      (error: unknown) => error,
    )) as Readonly<Record<string, string>>;
    expect(refused).toMatchObject({ code: 1, stdout: expect.not.stringContaining('"event":"step"') as string });
    const said = `${refused["stdout"] ?? ""}${refused["stderr"] ?? ""}`;
    expect(said).toMatch(/out of memory: the stage main needs [\d.]+ KiB at its peak, the device allows 640\.9 KiB/);
    const [, largest = ""] = /The largest batch that fits is (\d+)/.exec(said) ?? [];
    expect(Number(largest)).toBeGreaterThan(1);
    expect((await withRoom("--set", `batch=${largest}`)).some(({ event }) => event === "step")).toBe(true);
    await expect(withRoom("--set", `batch=${Number(largest) + 1}`)).rejects.toThrow();
  });

  it("says what there is", async () => {
    rmSync(join(machine, "libcublasLt.so.13"), { force: true });
    const [survey] = await tlc({}, "doctor");
    expect(survey?.["cuda"]).toMatchObject({ koffi: true, driver: "13.0", gpus: [{ name: "Host", capability: "9.0", isUsable: true }] });
    const { missing } = survey?.["cuda"] as { readonly missing: readonly { readonly what: string; readonly hint: string }[] };
    if (filesOf("cublasLt", { env: process.env }).length === 0)
      expect(missing).toContainEqual({ what: expect.stringContaining("cuBLASLt") as string, hint: "`pip install nvidia-cublas`" });
  });
});
