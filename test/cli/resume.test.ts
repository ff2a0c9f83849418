// Runs that were stopped: what they leave, how they go on, and what they refuse to go on with.

import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import { openCheckpoint } from "../../src/runtime/checkpoint/folder.ts";
import { fakeArtifact } from "../runtime/trainer/fake-session.ts";
import { stillClock } from "../support/still-clock.ts";
import { dataPlan, fakeCli, pixelFolder, type FakeCli, type FakeSetup } from "./fake-toolchain.ts";

// Reading that takes long is an event of its own.
stillClock();

const before = process.cwd();
let root = "";
beforeAll(async () => {
  root = await pixelFolder();
  process.chdir(root);
});
beforeEach(() => rmSync("runs", { recursive: true, force: true }));
afterAll(() => {
  process.chdir(before);
  rmSync(root, { recursive: true });
});

async function cli(args: readonly string[], setup: FakeSetup = {}): Promise<FakeCli & { readonly code: number }> {
  const fake = fakeCli(root, setup);
  return { ...fake, code: await runCli(args, fake.io) };
}

const STAGES = ["head", "tune"];
const artifact = (change: (artifact: Artifact) => Artifact = (it) => it): Artifact =>
  change({ ...fakeArtifact({ stages: STAGES }), data: dataPlan(root) });

/** Ten examples in batches of four are three steps an epoch, of which there are two in each stage; stopped behind the sixth of `tune`. */
const stopped = (signal: "SIGINT" | "SIGTERM" = "SIGINT"): FakeSetup => {
  let steps = 0;
  const onRun = (entry: string, times: number): void => {
    if (entry !== "train") return;
    const isOver = steps < 11 && steps + times >= 11;
    steps += times;
    if (isOver) process.emit(signal, signal);
  };
  return { artifact: artifact(), session: { onRun } };
};
const checkpoints = (run = "1"): string[] => readdirSync(join("runs", "fake", run, "checkpoints")).sort();
const named = (events: readonly Record<string, unknown>[]): unknown[] => events.map(({ event }) => event);

describe("a run that is stopped", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("by %s leaves a checkpoint, says how to go on, and ends with %d", async (signal, code) => {
    const run = await cli(["run", "good.tlspec", "--set", "optimizer=sgd(lr: 0.1)", "--json"], stopped(signal));
    expect(run.code).toBe(code);
    expect(run.err()).toContain("go on with `tlc run good.tlspec --set 'optimizer=sgd(lr: 0.1)' --resume 1`");
    expect(run.objects().at(-1)).toMatchObject({ event: "note", message: expect.stringContaining("--resume 1") as string });
    // The newest, and the one before it.
    expect(checkpoints()).toHaveLength(2);
  });

  it("goes on with the options it had", async () => {
    const options = ["--threads", "1", "--no-cache", "--checkpoint-every", "2m"];
    const { err } = await cli(["run", "good.tlspec", ...options], stopped("SIGTERM"));
    expect(err()).toContain("go on with `tlc run good.tlspec --threads 1 --no-cache --checkpoint-every 120s --resume 1`");
  });

  it("goes on in the middle of a stage and of an epoch, in its own folder", async () => {
    await cli(["run", "good.tlspec", "--checkpoint-every", "1"], stopped());
    const { code, objects } = await cli(["run", "good.tlspec", "--resume", "--json"], { artifact: artifact() });
    const events = objects().filter(({ event }) => event !== "note");
    expect([code, named(events)]).toEqual([0, ["start", "step", "epoch", "done"]]);
    expect(events[0]).toMatchObject({ resumed: { stage: "tune", epoch: 2, step: 5 } });
    expect(events[1]).toMatchObject({ stage: "tune", epoch: 2, step: 6 });
    expect(readdirSync("runs/fake").sort()).toEqual(["1", "latest"]);
  });

  it("goes on whichever way it is named", async () => {
    await cli(["run", "good.tlspec"], stopped());
    await cli(["run", "good.tlspec"], stopped());
    cpSync("runs", "kept", { recursive: true });
    for (const name of ["1", "runs/fake/1", "kept/fake/1"]) {
      const { code, objects } = await cli(["run", "good.tlspec", "--resume", name, "--json"], { artifact: artifact() });
      expect([code, objects()[0]]).toEqual([0, expect.objectContaining({ resumed: expect.anything() as unknown })]);
    }
    expect(readdirSync("runs/fake").sort()).toEqual(["1", "2", "latest"]);
    rmSync("kept", { recursive: true });
  });

  it("whose weights go to a file has its checkpoints beside that, until it ends", async () => {
    const out = join(root, "w.safetensors");
    const first = await cli(["run", "good.tlspec", "-o", out, "--checkpoint-every", "1"], stopped());
    expect([first.code, existsSync(join(root, "w.checkpoints"))]).toEqual([130, true]);
    expect(first.err()).toContain(`--out ${out} --resume\``);
    const second = await cli(["run", "good.tlspec", "-o", out, "--resume", "--json"], { artifact: artifact() });
    expect([second.code, named(second.objects())]).toEqual([0, ["start", "step", "epoch", "done"]]);
    expect(existsSync(join(root, "w.checkpoints"))).toBe(false);
  });

  it("goes on from the checkpoint before one that is damaged, which it names", async () => {
    for (const damage of [
      (file: string) => truncateSync(file, 100),
      (file: string) => {
        const bytes = readFileSync(file);
        bytes[bytes.length - 1]! ^= 1;
        writeFileSync(file, bytes);
      },
    ]) {
      rmSync("runs", { recursive: true, force: true });
      await cli(["run", "good.tlspec", "--checkpoint-every", "10m"], stopped());
      const [older = "", newest = ""] = checkpoints().map((name) => join("runs", "fake", "1", "checkpoints", name));
      damage(newest);
      // Where epochs are shorter than a write, not each of them has one.
      const { epoch, stage, steps } = (await openCheckpoint(older)).checkpoint.position;
      const { code, err, objects } = await cli(["run", "good.tlspec", "--resume", "--json"], { artifact: artifact() });
      expect(code).toBe(0);
      expect(err()).toMatch(new RegExp(`${newest}: .*; going on from ${older}, the one before it`));
      expect(objects().find(({ event }) => event === "start")).toMatchObject({
        resumed: { stage: STAGES[stage], epoch: Math.min(2, epoch + 1), step: 3 * epoch + steps },
      });
    }
  });

  it("goes on with no setting, network or data but its own, and says what is another", async () => {
    await cli(["run", "good.tlspec"], stopped());
    const refused = async (change: (it: Artifact) => Artifact): Promise<string> => {
      const { code, err, sessions } = await cli(["run", "good.tlspec", "--resume"], { artifact: artifact(change) });
      expect([code, sessions.some(({ log }) => log.includes("run train"))]).toEqual([2, false]);
      return err();
    };
    const batch = await refused((it) => ({ ...it, recipe: { ...it.recipe, batch: 5 } }));
    expect(batch).toContain("`batch` is 5, in the checkpoint it is 4");
    expect(batch).toContain(
      `or begin anew from its weights: --weights ${join("runs", "fake", "1", "weights.safetensors")}, without --resume`,
    );
    expect(await refused((it) => ({ ...it, network: "another" }))).toContain("the network computes something else");
    // One picture more, and then the same number with another among them.
    cpSync("data/odd/0.png", "data/odd/9.png");
    expect(await refused((it) => it)).toContain("`train` has 11 examples, in the checkpoint 10");
    renameSync("data/odd/9.png", "data/odd/4.png");
    expect(await refused((it) => it)).toContain("`image` of `train`");
  });

  const ofEpochs = (it: Artifact, head: number, tune: number): Artifact => ({
    ...it,
    recipe: { ...it.recipe, stages: it.recipe.stages.map((stage, i) => ({ ...stage, epochs: i === 0 ? head : tune })) },
  });

  it("goes on for another number of epochs, also where it has ended, and is a run of so many then", async () => {
    await cli(["run", "good.tlspec", "--checkpoint-every", "1"], stopped());
    const longer = await cli(["run", "good.tlspec", "--resume", "--json"], { artifact: artifact((it) => ofEpochs(it, 2, 3)) });
    const epochs = longer.objects().flatMap(({ event, epoch }) => (event === "epoch" ? [epoch] : []));
    expect([longer.code, epochs]).toEqual([0, [2, 3]]);
    const again = await cli(["run", "good.tlspec", "--resume", "--json"], { artifact: artifact((it) => ofEpochs(it, 2, 4)) });
    const start = again.objects().find(({ event }) => event === "start");
    expect([again.code, start]).toEqual([0, expect.objectContaining({ resumed: { stage: "tune", epoch: 4, step: 9 } })]);
    expect(JSON.parse(readFileSync("runs/fake/1/spec.json", "utf8"))).toMatchObject({ recipe: { stages: [{ epochs: 2 }, { epochs: 4 }] } });
  });

  it("goes on for no other number of epochs where those behind it would have been others", async () => {
    await cli(["run", "good.tlspec"], stopped());
    const spec = readFileSync("runs/fake/1/spec.json", "utf8");
    const refused = async (change: (it: Artifact) => Artifact): Promise<string> => {
      const { code, err } = await cli(["run", "good.tlspec", "--resume"], { artifact: artifact(change) });
      expect(code).toBe(2);
      return err();
    };
    expect(await refused((it) => ofEpochs(it, 3, 2))).toContain(
      "`stages.head.epochs` is 3, in the checkpoint it is 2, and that stage is behind it",
    );
    expect(await refused((it) => ofEpochs(it, 2, 1))).toContain(
      "`stages.tune.epochs` is 1, in the checkpoint it is 2, of which 2 have begun",
    );
    const scheduled = (it: Artifact): Artifact => ({
      ...it,
      stages: it.stages.map((stage) => ({
        ...stage,
        entries: Object.fromEntries(
          Object.entries(stage.entries).map(([name, entry]) => [
            name,
            entry.purpose === "train" ? { ...entry, epochs: "train/epochs" } : entry,
          ]),
        ),
      })),
    });
    expect(await refused((it) => ofEpochs(scheduled(it), 2, 3))).toMatch(
      /in the checkpoint it is 2, and its schedule, constant, goes by all epochs/,
    );
    expect(readFileSync("runs/fake/1/spec.json", "utf8")).toBe(spec);
  });

  it("is not made up where there is none", async () => {
    const nothing = await cli(["run", "good.tlspec", "--resume"]);
    expect([nothing.code, nothing.err()]).toEqual([2, expect.stringContaining("there is no run of good.tlspec to go on with")]);
    const other = await cli(["run", "good.tlspec", "--resume", "7"]);
    expect([other.code, other.err()]).toEqual([
      2,
      expect.stringContaining(`${join("runs", "fake", "7", "checkpoints")} holds no checkpoint`),
    ]);
    const both = await cli(["run", "good.tlspec", "--resume", "-w", "w.safetensors"]);
    expect([both.code, both.err()]).toEqual([2, expect.stringContaining("leave out --weights")]);
    for (const every of ["0", "x", "5h"]) expect((await cli(["run", "good.tlspec", "--checkpoint-every", every])).code).toBe(2);
  });
});
