// A recipe that begins with what another recipe of its file has trained: that one is trained first, once, and gains what it is for. Needs dist/.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { readSafetensors } from "../../src/runtime/weights/safetensors.ts";
import { toFloat32 } from "../../src/runtime/weights/tensor-values.ts";

const MAIN = resolve("dist/cli/main.js");
const EXAMPLES = resolve("specs/examples");
const SHARED = resolve("../shared/data");

const work = mkdtempSync(join(tmpdir(), "tlc-transfer-"));
afterAll(() => rmSync(work, { recursive: true }));
const link = (name: string, target: string): void => {
  mkdirSync(dirname(join(work, name)), { recursive: true });
  symlinkSync(target, join(work, name));
};
link("data/glyphs", join(EXAMPLES, "data/glyphs"));
beforeEach(() => rmSync(join(work, "runs"), { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

const tlc = (...args: string[]): Promise<Ended> =>
  new Promise((done, failed) => {
    const child = spawn(process.execPath, [MAIN, ...args, "--root", "/", "--json"], { cwd: work });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", failed);
    child.on("close", (code) => {
      const lines = stdout.trim().split("\n").filter(Boolean);
      done({ code, stderr, events: lines.map((line) => JSON.parse(line) as Ended["events"][number]) });
    });
  });

const run = async (recipe: string, ...more: string[]): Promise<Ended> => {
  const ended = await tlc("run", "spec.tlspec", "--recipe", recipe, "--device", "wasm", ...more);
  expect({ code: ended.code, stderr: ended.code === 0 ? "" : ended.stderr }).toEqual({ code: 0, stderr: "" });
  return ended;
};
const accuracy = ({ events }: Ended): number =>
  (events.findLast(({ event }) => event === "done")?.["test"] as { readonly accuracy: number }).accuracy;
const started = ({ events }: Ended): unknown[] => events.filter(({ event }) => event === "start").map(({ recipe }) => recipe);

/** An example with fewer epochs. */
const write = (example: string, change: (text: string) => string): void => {
  writeFileSync(join(work, "spec.tlspec"), change(readFileSync(join(EXAMPLES, `${example}.tlspec`), "utf8")));
};

/** Small enough to be trained in a second. */
const SMALL = `
network reader(classes) {
  input image: f32[1, 20, 20]
  conv1: conv2d(4, kernel: 3) -> bn1: batch_norm -> relu -> max_pool2d(4)
  flatten
  fc: linear(classes)
}
dataset letters { train images("data/glyphs/test", classes: "[A-F]")  preprocess grayscale }
dataset digits { train images("data/glyphs/test", classes: "[0-3]")  preprocess grayscale }
recipe letters { network reader(letters.classes)  data letters  loss cross_entropy  optimizer sgd(lr: 0.1)  batch 32  epochs 1 }
recipe digits {
  network reader(digits.classes)
  weights letters drop fc.** new fc.**
  data digits  loss cross_entropy  optimizer sgd(lr: 0.1)  batch 32  epochs 1
  freeze ** except fc
}
`.replaceAll(/\{(.*)\}/g, (_, settings: string) => `{\n${settings.replaceAll("  ", "\n  ")}\n}`);
const small = (change: (text: string) => string = (text) => text): void => writeFileSync(join(work, "spec.tlspec"), change(SMALL));

describe("weights of a recipe", () => {
  it("are trained first, once, and begin the other: to the bit", async () => {
    small();
    expect(started(await run("digits"))).toEqual(["letters", "digits"]);
    expect(started(await run("digits", "--set", "seed=5"))).toEqual(["digits"]);
    const weights = (file: string) => readSafetensors(readFileSync(join(work, "runs", file, "weights.safetensors"))).tensors;
    const [letters, digits] = [weights("letters/1"), weights("digits/1")];
    for (const name of ["conv1.weight", "conv1.bias", "bn1.running_mean", "bn1.running_var"])
      expect(toFloat32(name, digits.get(name)!), name).toEqual(toFloat32(name, letters.get(name)!));
    expect(digits.get("fc.weight")?.shape).toEqual([4, 64]);
  });

  it("are trained again where the recipe, its data or its network is another now, and not for what is no part of it", async () => {
    small();
    await run("digits");
    small((text) => `// A remark.\n${text.replace("freeze ** except fc", "freeze conv1")}`);
    expect(started(await run("digits"))).toEqual(["digits"]);
    small((text) => text.replace("[A-F]", "[A-G]"));
    expect(started(await run("digits"))).toEqual(["letters", "digits"]);
    small((text) => text.replace("max_pool2d(4)", "avg_pool2d(4)"));
    expect(started(await run("digits"))).toEqual(["letters", "digits"]);
  });

  it("are trained again where what they began with is another now, through a chain of recipes", async () => {
    const chain = (epochs: number) => (text: string) =>
      `${text.replace("epochs 1", `epochs ${epochs}`)}
recipe few {
  network reader(digits.classes)
  weights digits
  data digits
  loss cross_entropy
  optimizer sgd(lr: 0.01)
  batch 32
  epochs 1
}
`;
    small(chain(1));
    expect(started(await run("few"))).toEqual(["letters", "digits", "few"]);
    expect(started(await run("few"))).toEqual(["few"]);
    // The same bits are the same weights.
    await run("letters");
    expect(started(await run("few"))).toEqual(["few"]);
    small(chain(2));
    expect((await tlc("compile", "spec.tlspec", "--recipe", "few", "--target", "wasm", "-o", "model")).code).toBe(2);
    expect(started(await run("few"))).toEqual(["letters", "digits", "few"]);
    expect((await tlc("compile", "spec.tlspec", "--recipe", "few", "--target", "wasm", "-o", "model")).code).toBe(0);
  });

  it("are not those of a run that began with other weights", async () => {
    small();
    await run("digits");
    await run("letters", "--weights", "runs/letters/1/weights.safetensors");
    rmSync(join(work, "runs/letters/1"), { recursive: true });
    expect(started(await run("digits"))).toEqual(["letters", "digits"]);
  });

  it("are not those of a run that was stopped", async () => {
    small();
    await run("letters");
    const metrics = join(work, "runs/letters/1/metrics.jsonl");
    writeFileSync(metrics, readFileSync(metrics, "utf8").replace('"interrupted":false', '"interrupted":true'));
    expect(started(await run("digits"))).toEqual(["letters", "digits"]);
  });

  it("are packed by `tlc compile` once they are there, and asked for by name before", async () => {
    small();
    const compile = (): Promise<Ended> => tlc("compile", "spec.tlspec", "--recipe", "digits", "--target", "wasm", "-o", "model");
    const early = await compile();
    expect(early.code).toBe(2);
    expect(early.stderr).toContain("begins with the weights of letters, which has none yet");
    expect(early.stderr).toContain("tlc run spec.tlspec --recipe letters");
    await run("letters");
    expect((await compile()).code).toBe(0);
    expect(existsSync(join(work, "model/weights.safetensors"))).toBe(true);
  });

  it("are checked against the network before anything is trained", async () => {
    small((text) => text.replace("drop fc.** new fc.**", ""));
    for (const verb of [
      ["check", "spec.tlspec"],
      ["run", "spec.tlspec", "--recipe", "digits"],
    ]) {
      const { code, stderr } = await tlc(...verb);
      expect(code).toBe(2);
      expect(stderr).toContain("error[TL0602]: `letters` does not fit the network: 2 tensors have other shapes");
    }
    expect(existsSync(join(work, "runs"))).toBe(false);
  });

  it("are no trained weights of the recipe that begins with them", async () => {
    small();
    await run("letters");
    const { code, stderr } = await tlc("eval", "spec.tlspec", "--recipe", "digits", "--split", "train");
    expect(code).toBe(2);
    expect(stderr).toContain("digits has no weights yet");
  });
});

describe("transfer pays, on a small budget", () => {
  it("from letters to digits, of five pictures each", async () => {
    write("letters-to-digits", (text) => text.replace("epochs 20\n}", "epochs 6\n}").replace("epochs 20 }", "epochs 10 }"));
    const [transferred, scratch] = [accuracy(await run("digits")), accuracy(await run("scratch", "--set", "epochs=20"))];
    expect(transferred).toBeGreaterThan(scratch + 0.03);
    expect(transferred).toBeGreaterThan(0.85);
  });

  const weights = join(SHARED, "pretrained/cifar10-resnet20-12fca82f.th");
  const cifar = join(SHARED, "cifar10");
  const missing = [weights, cifar].find((path) => !existsSync(path));
  const name = "from ResNet-20 of CIFAR-10 to five classes of it, of twenty pictures each";
  if (missing !== undefined) it.skip(`${name}: no ../shared/data`, () => undefined);
  else
    it(name, async () => {
      link("data/cifar10", cifar);
      link("cifar10-resnet20-12fca82f.th", weights);
      write("cifar5", (text) => text.replace("epochs 20 }", "epochs 10 }").replace("epochs 10 }\n}", "epochs 2 }\n}"));
      const [transferred, scratch] = [accuracy(await run("cifar5")), accuracy(await run("scratch", "--set", "epochs=6"))];
      expect(transferred).toBeGreaterThan(scratch + 0.2);
      expect(transferred).toBeGreaterThan(0.7);
    });
});
