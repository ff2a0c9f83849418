// Where runs leave what they made: folders of their own, files that may be replaced, and somewhere else where neither can be written.

import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { DeviceError } from "../../src/runtime/device.ts";
import { readSafetensors } from "../../src/runtime/weights/safetensors.ts";
import { fakeCli, pixelFolder, type FakeCli, type FakeSetup } from "./fake-toolchain.ts";

const before = process.cwd();
let root = "";
beforeAll(async () => {
  root = await pixelFolder();
  writeFileSync(join(root, "other.tlspec"), "fine, too");
});
beforeEach(() => {
  process.chdir(root);
  rmSync("runs", { recursive: true, force: true });
});
afterAll(() => {
  process.chdir(before);
  rmSync(root, { recursive: true });
});

async function cli(args: readonly string[], setup: FakeSetup = {}): Promise<FakeCli & { readonly code: number }> {
  const fake = fakeCli(root, setup);
  return { ...fake, code: await runCli(args, fake.io) };
}

const stopped = (): FakeSetup => {
  let runs = 0;
  return { session: { onRun: (entry) => entry === "train" && ++runs === 2 && process.emit("SIGINT", "SIGINT") } };
};
/** Ten examples in batches of four are three steps an epoch. */
const lostAfter = (most: number): FakeSetup => {
  let steps = 0;
  const onRun = (entry: string, times: number): void => {
    if (entry === "train" && (steps += times) > most) throw new DeviceError("lost", "the GPU was lost: unplugged", "Start again.");
  };
  return { session: { onRun } };
};
const stepsIn = (run: string): unknown[] =>
  readFileSync(join(run, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { event: string }).event);

describe("a run", () => {
  it("that loses its device keeps the weights of its last whole epoch, and names them", async () => {
    const lost = await cli(["run", "good.tlspec", "--json"], lostAfter(4));
    const file = join("runs", "fake", "1", "weights.safetensors");
    expect([lost.code, lost.err()]).toEqual([1, expect.stringContaining(`the weights after epoch 1 of stage main are in ${file}`)]);
    expect(lost.objects().at(-1)).toMatchObject({ event: "error", message: "the GPU was lost: unplugged" });
    expect(readSafetensors(readFileSync(file)).tensors.size).toBe(3);
    expect((await cli(["eval", "good.tlspec"])).code).toBe(0);
    const early = await cli(["run", "good.tlspec"], lostAfter(2));
    expect([early.code, early.err()]).toEqual([1, expect.stringContaining("Start again.")]);
    expect(existsSync(join("runs", "fake", "2", "weights.safetensors"))).toBe(false);
  });

  it("has a folder of its own, with its spec, metrics and weights", async () => {
    const { code, out } = await cli(["run", "good.tlspec"]);
    expect([code, out()]).toEqual([0, expect.stringContaining(`weights ${join("runs", "fake", "1", "weights.safetensors")}`)]);
    expect(readdirSync("runs/fake").sort()).toEqual(["1", "latest"]);
    expect(readdirSync("runs/fake/1").sort()).toEqual(["checkpoints", "metrics.jsonl", "spec.json", "weights.safetensors"]);
    expect(JSON.parse(readFileSync("runs/fake/1/spec.json", "utf8"))).toMatchObject({
      source: join(process.cwd(), "good.tlspec"),
      recipe: { batch: 4 },
    });
    expect(stepsIn("runs/fake/1")).toEqual(["start", "uncached", "step", "step", "step", "epoch", "step", "step", "step", "epoch", "done"]);
    expect(readSafetensors(readFileSync("runs/fake/latest/weights.safetensors")).tensors.size).toBe(3);
  });

  it("replaces nothing of an earlier one, also when it is stopped", async () => {
    await cli(["run", "good.tlspec"]);
    const weights = statSync("runs/fake/1/weights.safetensors").mtimeMs;
    expect((await cli(["run", "good.tlspec"], stopped())).code).toBe(130);
    expect(statSync("runs/fake/1/weights.safetensors").mtimeMs).toBe(weights);
    expect([readlinkSync("runs/fake/latest"), existsSync("runs/fake/2/weights.safetensors")]).toEqual(["2", true]);
    const nan = await cli(["run", "good.tlspec"], { session: { loss: () => NaN } });
    expect([nan.code, readlinkSync("runs/fake/latest"), existsSync("runs/fake/3/weights.safetensors")]).toEqual([4, "2", false]);
    expect((await cli(["eval", "good.tlspec"])).code).toBe(0);
  });

  it("is told from one of another spec with a recipe of the same name", async () => {
    expect((await cli(["eval", "good.tlspec"])).err()).toContain("fake has no weights yet");
    await cli(["run", "good.tlspec"]);
    await cli(["run", "other.tlspec"]);
    expect((await cli(["eval", "good.tlspec"])).err()).toBe("");
    rmSync("runs/fake/1", { recursive: true });
    expect((await cli(["eval", "good.tlspec"])).err()).toContain(
      `weights of ${join("runs", "fake", "2", "weights.safetensors")}, which another spec`,
    );
  });

  it("gets its number when others take theirs", async () => {
    const codes = await Promise.all(Array.from({ length: 4 }, async () => (await cli(["run", "good.tlspec"])).code));
    expect([codes, readdirSync("runs/fake").sort()]).toEqual([
      [0, 0, 0, 0],
      ["1", "2", "3", "4", "latest"],
    ]);
  });
});

describe("--out", () => {
  const spec = (): string => join(root, "good.tlspec");

  it.each<[string, () => string, string]>([
    ["the spec", spec, "is there already and holds no weights"],
    ["a folder", () => join(root, "data"), "is a folder"],
    ["a device", () => "/dev/null", "is a device"],
    ["a pipe", () => join(root, "pipe"), "is a pipe"],
    ["a link", () => join(root, "link"), "is a link"],
    ["a place below a file", () => join(spec(), "w.safetensors"), "cannot write to"],
    ["a place that is none", () => "/proc/none/w.safetensors", "cannot write to"],
  ])("replaces %s for no verb, and no step is taken", async (_, out, message) => {
    rmSync("pipe", { force: true });
    rmSync("link", { force: true });
    execFileSync("mkfifo", ["pipe"]);
    writeFileSync("w", "");
    symlinkSync("w", "link");
    const run = await cli(["run", "good.tlspec", "-o", out()]);
    expect([run.code, run.err()]).toEqual([2, expect.stringContaining(message)]);
    expect(run.sessions).toEqual([]);
    const trace = await cli(["trace", "good.tlspec", "--input", "none", "--out", out()]);
    expect([trace.code, trace.err()]).toEqual([2, expect.stringContaining(message)]);
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
    expect(readFileSync(spec(), "utf8")).toBe("fine");
  });

  it("keeps weights that are there from those of a run that was stopped", async () => {
    const out = join(root, "kept.safetensors");
    await cli(["run", "good.tlspec", "-o", out]);
    const weights = statSync(out).mtimeMs;
    const { code, out: text } = await cli(["run", "good.tlspec", "-o", out], stopped());
    expect([code, statSync(out).mtimeMs]).toEqual([130, weights]);
    expect(text()).toContain(join(root, "kept.interrupted.safetensors"));
    expect(readSafetensors(readFileSync(join(root, "kept.interrupted.safetensors"))).tensors.size).toBe(3);
  });

  it("is named anew where it cannot be written in the end, and the metrics are said", async () => {
    const out = join(root, "gone", "w.safetensors");
    const away = (entry: string): void => {
      if (entry !== "train" || !existsSync(dirname(out))) return;
      rmSync(dirname(out), { recursive: true });
      writeFileSync(dirname(out), "no folder any more");
    };
    const run = await cli(["run", "good.tlspec", "-o", out], { session: { onRun: away } });
    expect(run.code).toBe(1);
    expect(run.err()).toContain(`cannot write ${out}`);
    const [, elsewhere = ""] = /the weights are in (.*)/.exec(run.err()) ?? [];
    expect(readSafetensors(readFileSync(elsewhere)).tensors.size).toBe(3);
    rmSync(elsewhere);
    expect(run.out()).toContain("accuracy 80.00%");
  });

  it("leaves no temporary file of runs that were killed", async () => {
    mkdirSync("tidy");
    // No process has so large a number.
    writeFileSync("tidy/w.safetensors.4194999-0123456789ab.tmp", "half");
    writeFileSync(`tidy/w.safetensors.${process.pid}-0123456789ab.tmp`, "half");
    expect((await cli(["run", "good.tlspec", "-o", join("tidy", "w.safetensors")])).code).toBe(0);
    expect(readdirSync("tidy").sort()).toEqual(["w.safetensors", `w.safetensors.${process.pid}-0123456789ab.tmp`]);
  });
});
