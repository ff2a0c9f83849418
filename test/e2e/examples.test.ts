// The built command line as a user has it: the examples are sound, train the same way twice, compile to folders that run, and agree
// with PyTorch's traces. Needs dist/ (`npm run build`, which `npm test` does); skips, with the reason, what needs data or an adapter
// that is not there.

import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { pictureHeader } from "../../src/runtime/data/decode.ts";
import { decodeMask } from "../../src/runtime/data/mask-pixels.ts";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { readSafetensors } from "../../src/runtime/weights/safetensors.ts";
import { toFloat32 } from "../../src/runtime/weights/tensor-values.ts";
import { relativeError } from "../support/values.ts";

const MAIN = resolve("dist/cli/main.js");
const EXAMPLES = resolve("specs/examples");
/** Not part of the project; see CONTRIBUTING.md. */
const SHARED = resolve(process.env["TLC_SHARED"] ?? "../shared");

const work = mkdtempSync(join(tmpdir(), "tlc-examples-"));
afterAll(() => rmSync(work, { recursive: true }));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

// Not spawnSync: the worker must answer its pool while a run takes minutes.
const tlc = (...args: string[]): Promise<Ended> =>
  new Promise((done, failed) => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: work });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", failed);
    child.on("close", (status) => done({ status, stdout, stderr }));
  });

interface Event {
  readonly event: string;
  readonly loss?: number;
  readonly val?: { readonly loss: number };
  readonly test?: { readonly loss: number; readonly accuracy?: number; readonly mean_iou?: number };
}

/** The events of a run that must succeed. */
async function events(...args: string[]): Promise<readonly Event[]> {
  const { status, stdout, stderr } = await tlc(...args, "--json");
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
}

/** Whatever else there is, as of reading that takes long, depends on the machine. */
const losses = (all: readonly Event[]): unknown[] =>
  all.flatMap(({ event, loss, val, test }) => (["step", "epoch", "done"].includes(event) ? [loss, val, test] : []));

const example = (name: string): string => join(EXAMPLES, `${name}.tlspec`);
const set = (...values: string[]): string[] => values.flatMap((value) => ["--set", value]);

/** The first rows of a table of the examples. */
function firstRows(file: string, rows: number): string {
  const path = join(work, file);
  const lines = readFileSync(join(EXAMPLES, "data/sequences", file), "utf8").split("\n");
  writeFileSync(path, `${lines.slice(0, rows + 1).join("\n")}\n`);
  return path;
}
const tinyTagger = [
  example("lstm"),
  ...set(`data.train=${firstRows("train.csv", 40)}`, `data.test=${firstRows("test.csv", 10)}`, "batch=8", "epochs=1"),
];

const adapter = (await findAdapter()) === undefined ? "no WebGPU adapter (npm run setup brings a software one)" : undefined;
const absent = (path: string): string | undefined => (existsSync(join(SHARED, path)) ? undefined : `no ${join("../shared", path)}`);

/** A test that runs where nothing is missing, and otherwise says what is. */
const needing = (missing: string | undefined, name: string, body: () => Promise<void>): void => {
  if (missing === undefined) it(name, body);
  else it.skip(`${name}: ${missing}`, () => undefined);
};

describe("the examples", () => {
  it("are free of faults", async () => {
    const files = readdirSync(EXAMPLES).filter((name) => name.endsWith(".tlspec"));
    expect(files.length).toBeGreaterThan(4);
    const { status, stdout, stderr } = await tlc("check", ...files.map((name) => join(EXAMPLES, name)));
    // Some need data that is fetched first, which is said.
    const codes = [...stderr.matchAll(/^\w+\[(\w+)\]/gm)].map(([, code]) => code);
    expect([status, codes.filter((code) => code !== "TL0523")]).toEqual([0, []]);
    expect(stdout.trim().split("\n")).toHaveLength(files.length);
  });

  it("are found at fault with the place when they are broken", async () => {
    const broken = join(work, "broken.tlspec");
    writeFileSync(broken, readFileSync(example("cnn"), "utf8").replace("relu", "rellu"));
    const { status, stderr } = await tlc("check", broken);
    expect(status).toBe(2);
    expect(stderr).toContain("broken.tlspec:");
    expect(stderr).toContain("did you mean `relu`?");
  });
});

describe("tlc run", () => {
  it("prints the same losses for the same seed, and others for another", async () => {
    const run = async (...more: string[]): Promise<unknown[]> =>
      losses(await events("run", ...tinyTagger, "--device", "reference", ...more));
    const first = await run();
    expect(first.filter((loss) => typeof loss === "number")).toHaveLength(5);
    expect(await run()).toEqual(first);
    expect(await run(...set("seed=2"))).not.toEqual(first);
  });

  it("runs a compiled folder as it runs the spec", async () => {
    const folder = join(work, "tagger");
    expect(await tlc("compile", ...tinyTagger, "--target", "reference", "-o", folder)).toMatchObject({ status: 0, stderr: "" });
    const [fromSpec, fromFolder] = [await events("run", ...tinyTagger, "--device", "reference"), await events("run", folder)];
    expect(losses(fromFolder)).toEqual(losses(fromSpec));
    const evaluated = await events("eval", folder);
    expect(evaluated[0]?.loss).toBeCloseTo(fromFolder.at(-1)?.test?.loss ?? NaN, 6);
  });

  it("learns from masks which pixels are of digits and which of letters, and writes masks", async () => {
    const all = await events("run", example("pages"), "--device", "wasm", ...set("epochs=12"), "-o", "pages.safetensors");
    // Of ink and paper alone, without what is written, the mean would be at most a half; of nothing but paper it is 0.3.
    expect(all.at(-1)?.test?.mean_iou).toBeGreaterThan(0.7);
    const page = join(EXAMPLES, "data/pages/test/images/003.png");
    const [answer] = await events("predict", example("pages"), page, "--device", "wasm", "-w", "pages.safetensors", "--masks", "answers");
    expect(answer).toMatchObject({ event: "prediction", file: page, mask: join("answers", "003.png") });
    const read = async (path: string): Promise<Uint8Array> => {
      const bytes = readFileSync(path);
      return decodeMask(bytes, await pictureHeader(bytes)).data;
    };
    const [given, truth] = [await read(join(work, "answers", "003.png")), await read(page.replace("images", "masks"))];
    const counted = truth.reduce((count, value) => count + Number(value !== 255), 0);
    const right = truth.reduce((count, value, i) => count + Number(value === given[i]), 0);
    expect(right / counted).toBeGreaterThan(0.9);
  });

  needing(adapter, "prints the same losses twice on WebGPU, and they fall", async () => {
    const glyphs = join(EXAMPLES, "data/glyphs/test");
    const args = [
      "run",
      example("cnn"),
      "--device",
      "webgpu",
      ...set(`data.train=${glyphs}`, "batch=16", "epochs=2", "optimizer.lr=0.003"),
    ];
    const first = await events(...args);
    expect(losses(await events(...args))).toEqual(losses(first));
    const [one, two] = first.filter(({ event }) => event === "epoch");
    expect(two?.val?.loss).toBeLessThan(one?.val?.loss ?? NaN);
  });

  needing(absent("data/tabular/breast_cancer.csv"), "tells tumours apart on a fifth that it has not seen, whatever the seed", async () => {
    const table = join(SHARED, "data/tabular/breast_cancer.csv");
    const accuracies: number[] = [];
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const split = `train into train 80%, test 20% stratified seed ${seed}`;
      const args = set(`data.train=${table}`, `data.split=${split}`, `seed=${seed}`);
      accuracies.push((await events("run", example("breast-cancer"), "--device", "wasm", ...args)).at(-1)?.test?.accuracy ?? NaN);
    }
    expect(accuracies.reduce((sum, it) => sum + it, 0) / accuracies.length).toBeGreaterThan(0.96);
    expect(Math.min(...accuracies)).toBeGreaterThan(0.93);
    const own = await events("run", example("breast-cancer"), "--device", "wasm", ...set(`data.train=${table}`));
    expect(own.at(-1)?.test?.accuracy).toBeGreaterThan(0.96);
    const lines = readFileSync(example("breast-cancer"), "utf8").split("\n");
    expect(lines.filter((line) => line.trim() !== "" && !line.startsWith("//")).length).toBeLessThanOrEqual(15);
  });

  needing(adapter ?? absent("data/cifar10"), "learns from folders of pictures", async () => {
    const folder = join(SHARED, "data/cifar10");
    const all = await events(
      ...["run", example("cifar"), "--device", "webgpu", "--out", join(work, "cifar.safetensors")],
      ...set(`data.train=${join(folder, "train")}`, `data.test=${join(folder, "test")}`, "epochs=2"),
    );
    const [first, second] = all.filter(({ event }) => event === "epoch").map(({ val }) => val?.loss ?? NaN);
    expect(first).toBeLessThan(Math.log(10));
    expect(second).toBeLessThan(first ?? NaN);
    expect(readSafetensors(readFileSync(join(work, "cifar.safetensors"))).tensors.has("conv1.weight")).toBe(true);
  });
});

describe("ResNet-18 from ImageNet weights", () => {
  const weights = "data/pretrained/resnet18-f37072fd.pth";

  needing(absent(weights) ?? absent("data/cifar10"), "learns two classes from a few pictures, with what it knows of others", async () => {
    for (const [split, first, last] of [
      ["train", 0, 24],
      ["test", 24, 40],
    ] as const)
      for (const name of ["automobile", "frog"]) {
        const [from, to] = [join(SHARED, "data/cifar10/test", name), join(work, "few", split, name)];
        mkdirSync(to, { recursive: true });
        for (const file of readdirSync(from).sort().slice(first, last)) copyFileSync(join(from, file), join(to, file));
      }
    const all = await events(
      ...["run", example("resnet18"), "--device", "wasm", "--root", "/", "--out", join(work, "resnet18.safetensors")],
      ...set(`weights="${join(SHARED, weights)}"`, `data.train=${join(work, "few/train")}`, `data.test=${join(work, "few/test")}`),
      ...set("batch=8", "epochs=2"),
    );
    expect(all.at(-1)?.test?.accuracy).toBeGreaterThan(0.8);
  });
});

describe("tlc trace agrees with PyTorch", () => {
  // And how far all steps may be off: an adaptive optimizer divides by small numbers.
  for (const [name, golden, afterwards] of [
    ["golden-cnn", "cnn-sgd", 1e-4],
    ["golden-lstm", "lstm-sgd", 1e-4],
    ["golden-bert", "bert-tiny", 1e-3],
  ] as const)
    for (const device of ["reference", "webgpu", "wasm"]) {
      const missing = absent(`golden/${golden}.in.safetensors`) ?? (device === "webgpu" ? adapter : undefined);
      needing(missing, `${golden} on ${device}`, async () => {
        const out = join(work, `${golden}-${device}.safetensors`);
        const input = join(SHARED, "golden", `${golden}.in.safetensors`);
        const trace = (...more: string[]): Promise<unknown> =>
          events("trace", example(name), "--input", input, "--steps", "3", "--out", out, "--device", device, ...more);
        await trace();
        if (device === "wasm") {
          const bytes = readFileSync(out);
          for (const threads of ["1", "2", "4"]) {
            await trace("--threads", threads);
            expect(readFileSync(out).equals(bytes), `${threads} threads`).toBe(true);
          }
        }
        const expected = readSafetensors(readFileSync(join(SHARED, "golden", `${golden}.out.safetensors`))).tensors;
        const actual = readSafetensors(readFileSync(out)).tensors;
        // Nothing is missing, and no gradient is there that PyTorch has not.
        expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
        for (const [tensor, values] of expected) {
          const own = actual.get(tensor)!;
          expect(own.shape, tensor).toEqual(values.shape);
          const [ours, theirs] = [toFloat32(tensor, own), toFloat32(tensor, values)];
          // A bias of keys is the same for all scores of a query, and softmax knows only their differences: its gradient is rounding, there and here.
          if (tensor.endsWith("key.bias"))
            for (const side of [ours, theirs]) expect(Math.hypot(...side), tensor).toBeLessThan(tensor.startsWith("grad/") ? 1e-10 : 1e-6);
          else expect(relativeError(ours, theirs), tensor).toBeLessThan(/^(after\/|loss$)/.test(tensor) ? afterwards : 1e-4);
        }
      });
    }
});
