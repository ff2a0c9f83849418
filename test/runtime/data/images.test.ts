// Image folders: layout, resize, orientation, and what is said about files that cannot be used.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataPlan, WordPlan } from "../../../src/ir/plan.ts";
import { planOf } from "../../../src/ir/recipe/define.ts";
import { centerCrop } from "../../../src/ir/recipe/steps/center-crop.ts";
import { grayscale } from "../../../src/ir/recipe/steps/grayscale.ts";
import { resize } from "../../../src/ir/recipe/steps/resize.ts";
import { imageSize } from "../../../src/runtime/data/image-size.ts";
import { describeData, loadInputs, loadSplit } from "../../../src/runtime/data/index.ts";
import { DataError } from "../../../src/runtime/errors.ts";

const root = mkdtempSync(join(tmpdir(), "tlc-images-"));
afterAll(() => rmSync(root, { recursive: true }));

const plan = (folder: string, ...preprocess: WordPlan[]): DataPlan => ({
  name: "d",
  sources: { train: { word: "images", args: { path: folder } } },
  splits: [],
  preprocess,
  augment: [],
});

const solid = (width: number, height: number, background: string): Sharp => sharp({ create: { width, height, channels: 3, background } });

async function save(folder: string, name: string, image: Sharp): Promise<void> {
  mkdirSync(join(root, folder), { recursive: true });
  await image.toFile(join(root, folder, name));
}

const failure = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DataError);
  return `${(error as DataError).message}\n${(error as DataError).hint}`;
};

beforeAll(async () => {
  await save("colours/red", "b.png", solid(6, 4, "#ff0000"));
  await save("colours/red", "a.png", solid(6, 4, "#800000"));
  await save("colours/blue", "a.png", solid(6, 4, "#0000ff"));
  await save("colours/Green", "a.png", solid(6, 4, "#00ff00").toColourspace("srgb"));
  writeFileSync(join(root, "colours/red/.DS_Store"), "x");
});

describe("folders", () => {
  it("are classes in code-unit order, files in name order, pixels in planes", async () => {
    const data = plan(join(root, "colours"));
    const info = await describeData(data);
    expect(info).toEqual({
      inputs: [{ name: "image", dtype: "u8", shape: [3, 4, 6], picture: [3, 4, 6] }],
      label: { name: "label", dtype: "i32", shape: [] },
      classes: ["Green", "blue", "red"],
    });
    const split = await loadSplit(data, "train", info);
    expect([...split.columns.get("label")!.data]).toEqual([0, 1, 2, 2]);
    const pixels = split.columns.get("image")!.data;
    const planes = (example: number): number[] => [0, 1, 2].map((c) => pixels[example * 72 + c * 24 + 5]!);
    expect([0, 1, 2, 3].map(planes)).toEqual([
      [0, 255, 0],
      [0, 0, 255],
      [0x80, 0, 0],
      [255, 0, 0],
    ]);
  });

  it("become grey by PIL's luma", async () => {
    const data = plan(join(root, "colours"), { word: "grayscale", args: {} });
    const info = await describeData(data);
    expect(info.inputs[0]!.shape).toEqual([1, 4, 6]);
    const split = await loadSplit(data, "train", info);
    expect([0, 1, 2, 3].map((i) => split.columns.get("image")!.data[i * 24])).toEqual([150, 29, 38, 76]);
  });

  it("drop alpha, take 16-bit and one-channel pictures", async () => {
    await save(
      "kinds/a",
      "alpha.png",
      sharp({ create: { width: 2, height: 2, channels: 4, background: { r: 200, g: 100, b: 50, alpha: 0.25 } } }),
    );
    await save(
      "kinds/a",
      "grey.png",
      sharp(Buffer.from([10, 20, 30, 40]), { raw: { width: 2, height: 2, channels: 1 } }).toColourspace("b-w"),
    );
    await save("kinds/a", "wide.png", solid(2, 2, "#c86432").toColourspace("rgb16"));
    const data = plan(join(root, "kinds"));
    const split = await loadSplit(data, "train", await describeData(data));
    expect([...split.columns.get("image")!.data]).toEqual([
      ...[200, 200, 200, 200, 100, 100, 100, 100, 50, 50, 50, 50],
      ...[10, 20, 30, 40, 10, 20, 30, 40, 10, 20, 30, 40],
      ...[200, 200, 200, 200, 100, 100, 100, 100, 50, 50, 50, 50],
    ]);
  });
});

describe("resize", () => {
  it("scales the shorter side with antialiasing", async () => {
    // One dark and one bright column in turn: without antialiasing a half size would be all of one of them.
    const stripes = Buffer.from(Array.from({ length: 8 * 4 }, (_, i) => (i % 2 === 0 ? 0 : 200)));
    await save("stripes/a", "a.png", sharp(stripes, { raw: { width: 8, height: 4, channels: 1 } }));
    const halves = Buffer.from(Array.from({ length: 8 * 4 }, (_, i) => (i % 8 < 4 ? 0 : 255)));
    await save("stripes/a", "b.png", sharp(halves, { raw: { width: 8, height: 4, channels: 1 } }));
    const data = plan(join(root, "stripes"), planOf(resize, { size: 2 }), planOf(centerCrop, { size: [2, 2] }), planOf(grayscale));
    const info = await describeData(data);
    expect(info.inputs[0]!.shape).toEqual([1, 2, 2]);
    const pixels = [...(await loadSplit(data, "train", info)).columns.get("image")!.data];
    for (const value of pixels.slice(0, 4)) expect(Math.abs(value - 100)).toBeLessThan(30);
    expect(pixels[4]!).toBeLessThan(64);
    expect(pixels[5]!).toBeGreaterThan(191);
  });

  it("honours EXIF orientation, in the size too", async () => {
    const halves = Buffer.from(Array.from({ length: 16 * 8 * 3 }, (_, i) => (Math.floor(i / 3) % 16 < 8 ? 0 : 255)));
    const image = sharp(halves, { raw: { width: 16, height: 8, channels: 3 } });
    await save("turned/a", "a.jpg", image.jpeg({ quality: 100 }).withMetadata({ orientation: 6 }));
    const data = plan(join(root, "turned"), { word: "grayscale", args: {} });
    const info = await describeData(data);
    expect(info.inputs[0]!.shape).toEqual([1, 16, 8]);
    const pixels = (await loadSplit(data, "train", info)).columns.get("image")!.data;
    expect(pixels[0]!).toBeLessThan(20);
    expect(pixels[15 * 8]!).toBeGreaterThan(235);
  });
});

it("steps run in the order in which they are written", async () => {
  // A dark blue and black: the grey of the mean is 0 and the mean of the greys 1, once rounded.
  const pixels = Buffer.from([0, 0, 5, 0, 0, 0, 0, 0, 5, 0, 0, 0]);
  await save("order/a", "a.png", sharp(pixels, { raw: { width: 2, height: 2, channels: 3 } }));
  const steps = { resize: planOf(resize, { size: 1 }), grayscale: planOf(grayscale) };
  const grey = async (...order: (keyof typeof steps)[]): Promise<number> => {
    const data = plan(join(root, "order"), ...order.map((it) => steps[it]));
    return (await loadSplit(data, "train", await describeData(data))).columns.get("image")!.data[0]!;
  };
  expect([await grey("resize", "grayscale"), await grey("grayscale", "resize")]).toEqual([0, 1]);
});

describe("faults", () => {
  it("names the file whose size differs, and offers resize", async () => {
    await save("sizes/a", "a.png", solid(4, 4, "#000"));
    await save("sizes/a", "b.png", solid(5, 4, "#000"));
    const data = plan(join(root, "sizes"));
    const message = await failure(loadSplit(data, "train", await describeData(data)));
    expect(message).toContain("b.png: 5x4, expected 4x4");
    expect(message).toContain("resize(SIZE)");
  });

  it("names broken and truncated files", async () => {
    await save("broken/a", "a.png", solid(4, 4, "#000"));
    const noise = Buffer.from(Array.from({ length: 4096 * 3 }, (_, i) => (i * 7919) % 251));
    const good = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .resize(4, 4)
      .png()
      .toBuffer();
    writeFileSync(join(root, "broken/a/b.png"), good.subarray(0, good.length - 30));
    writeFileSync(join(root, "broken/a/c.jpg"), "not a picture");
    writeFileSync(join(root, "broken/a/d.jpg"), "");
    const data = plan(join(root, "broken"));
    const message = await failure(loadSplit(data, "train", await describeData(data)));
    for (const name of ["b.png", "c.jpg", "d.jpg"]) expect(message).toContain(name);
    expect(message).not.toContain("a.png");
  });

  it.each<[string, () => DataPlan, string[]]>([
    ["a folder that is not there", () => plan(join(root, "none")), ["cannot read the folder", "no such file"]],
    ["a folder of files", () => plan(join(root, "colours/red")), ["has no folders", "one folder for each class"]],
    ["no source", () => ({ ...plan(""), sources: {} }), ["no source"]],
  ])("reports %s", async (_, make, parts) => {
    const message = await failure((async () => describeData(make()))());
    for (const part of parts) expect(message).toContain(part);
  });

  it("reports strange files, empty folders and unknown classes", async () => {
    mkdirSync(join(root, "strange/a"), { recursive: true });
    expect(await failure(describeData(plan(join(root, "strange"))))).toContain("no images");
    writeFileSync(join(root, "strange/a/notes.txt"), "x");
    expect(await failure(describeData(plan(join(root, "strange"))))).toContain("notes.txt");
    const info = await describeData(plan(join(root, "colours")));
    expect(await failure(loadSplit(plan(join(root, "kinds")), "train", info))).toContain("is no class of the training data");
  });

  it("stops when asked", async () => {
    const data = plan(join(root, "colours"));
    await expect(loadSplit(data, "train", await describeData(data), { signal: AbortSignal.abort() })).rejects.toThrow("abort");
  });
});

it("decodes named files for prediction", async () => {
  const data = plan(join(root, "colours"));
  const split = await loadInputs(data, [join(root, "colours/blue/a.png")], await describeData(data));
  expect(split.count).toBe(1);
  expect([...split.columns.keys()]).toEqual(["image"]);
});

it("reads sizes from first bytes as the decoder does, or gives up", async () => {
  const png = await solid(31, 17, "#123").png().toBuffer();
  const jpeg = await solid(33, 19, "#123").jpeg().toBuffer();
  const progressive = await solid(35, 21, "#123").jpeg({ progressive: true }).toBuffer();
  expect(imageSize(png)).toEqual({ width: 31, height: 17, kind: "plain" });
  expect(imageSize(jpeg)).toEqual({ width: 33, height: 19, kind: "plain" });
  expect(imageSize(progressive)).toEqual({ width: 35, height: 21, kind: "plain" });
  expect(imageSize(await solid(8, 4, "#123").jpeg().withMetadata({ orientation: 6 }).toBuffer())).toBeUndefined();
  expect(imageSize(await solid(8, 4, "#123").webp().toBuffer())).toBeUndefined();
  for (const file of [png, jpeg]) for (let n = 0; n < Math.min(64, file.length); n++) imageSize(file.subarray(0, n));
});

it("reads the committed glyphs", async () => {
  const data: DataPlan = {
    ...plan("specs/examples/data/glyphs/train", { word: "grayscale", args: {} }),
    splits: [
      {
        from: "train",
        parts: [
          { name: "train", fraction: 0.9 },
          { name: "val", fraction: 0.1 },
        ],
        seed: 7,
      },
    ],
  };
  const info = await describeData(data);
  expect(info.inputs[0]!.shape).toEqual([1, 20, 20]);
  expect(info.classes!.join("")).toBe("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  const val = await loadSplit(data, "val", info);
  expect(val.count).toBe(288);
  expect((await loadSplit(data, "val", info)).columns.get("image")).toEqual(val.columns.get("image"));
});

const cifar = "../shared/data/cifar10/test";
it.skipIf(!existsSync(cifar))("reads CIFAR-10 as its decoder gives it (needs ../shared)", async () => {
  const data = plan(cifar);
  const info = await describeData(data);
  expect(info.inputs[0]!.shape).toEqual([3, 32, 32]);
  const split = await loadSplit(data, "train", info);
  expect(split.count).toBe(1000);
  const { data: raw } = await sharp(readFileSync(`${cifar}/airplane/0000.jpg`))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const pixels = split.columns.get("image")!.data;
  expect([0, 1, 2].map((c) => pixels[c * 1024 + 77])).toEqual([0, 1, 2].map((c) => raw[77 * 3 + c]));
});
