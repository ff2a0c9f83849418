// Pictures with masks: what PIL reads of each kind of PNG, which files belong together, and what is said about those that do not.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import type { DataInfo, DataPlan, WordPlan } from "../../../src/ir/plan.ts";
import { planOf } from "../../../src/ir/recipe/define.ts";
import { pictures } from "../../../src/ir/recipe/sources/pictures.ts";
import { pad } from "../../../src/ir/recipe/steps/pad.ts";
import { randomCrop } from "../../../src/ir/recipe/steps/random-crop.ts";
import { resize } from "../../../src/ir/recipe/steps/resize.ts";
import { describeData, loadSplit } from "../../../src/runtime/data/index.ts";
import { decodePicture, pictureHeader } from "../../../src/runtime/data/decode.ts";
import { maskFile } from "../../../src/runtime/data/mask-file.ts";
import { decodeMask } from "../../../src/runtime/data/mask-pixels.ts";
import { DataError } from "../../../src/runtime/errors.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const root = temporaryFolder("tlc-masks-");
const fixture = JSON.parse(readFileSync(new URL("../../fixtures/masks.json", import.meta.url), "utf8")) as {
  readonly height: number;
  readonly width: number;
  readonly cases: Readonly<Record<string, { readonly file: string; readonly numbers: readonly number[] }>>;
};

describe("a mask", () => {
  it.each(Object.entries(fixture.cases))("holds the numbers that PIL reads: %s", async (_, { file, numbers }) => {
    const bytes = Buffer.from(file, "base64");
    const mask = decodeMask(bytes, await pictureHeader(bytes));
    expect([mask.height, mask.width, mask.channels]).toEqual([fixture.height, fixture.width, 1]);
    expect([...mask.data]).toEqual(numbers);
  });

  it("that is written is read again, in the colours of PASCAL VOC", async () => {
    const classes = Uint8Array.from({ length: 12 }, (_, i) => i * 21);
    const bytes = maskFile(classes, 3, 4);
    const header = await pictureHeader(bytes);
    expect(decodeMask(bytes, header).data).toEqual(classes);
    const coloured = await decodePicture(maskFile(Uint8Array.of(0, 1, 2, 15, 255), 1, 5), { width: 5, height: 1, kind: "plain" });
    expect([...coloured.data]).toEqual([0, 0, 0, 128, 0, 0, 0, 128, 0, 192, 128, 128, 224, 224, 192]);
  });
});

let folders = 0;
/** A folder of pictures and one of masks; of a mask its rows. */
async function pairs(
  files: Readonly<Record<string, readonly [height: number, width: number]>>,
  masks: Readonly<Record<string, readonly (readonly number[])[] | Uint8Array>>,
): Promise<string> {
  const folder = join(root, String(folders++));
  for (const part of ["images", "masks"]) mkdirSync(join(folder, part), { recursive: true });
  for (const [name, [height, width]] of Object.entries(files))
    await sharp({ create: { width, height, channels: 3, background: "#123456" } }).toFile(join(folder, "images", name));
  for (const [name, rows] of Object.entries(masks)) {
    const bytes = rows instanceof Uint8Array ? rows : maskFile(Uint8Array.from(rows.flat()), rows.length, rows[0]?.length ?? 0);
    writeFileSync(join(folder, "masks", name), bytes);
  }
  return folder;
}

const plan = (folder: string, preprocess: readonly WordPlan[] = [], augment: readonly WordPlan[] = []): DataPlan => ({
  name: "d",
  sources: { train: planOf(pictures, { path: join(folder, "images"), masks: join(folder, "masks"), classes: ["ground", "box"] }) },
  ...{ splits: [], preprocess, augment },
});

const ignoring = (info: DataInfo): DataInfo => ({ ...info, label: { ...info.label, ignored: 255 } }) as DataInfo;

const failure = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DataError);
  return `${(error as DataError).message}\n${(error as DataError).hint}`.replaceAll(root, "");
};

const A = [
  [0, 1, 1],
  [0, 0, 1],
];
const B = [
  [1, 1, 1],
  [0, 255, 0],
];

describe("pictures and masks", () => {
  it("go together by their names, in the order of those", async () => {
    const folder = await pairs({ "b.png": [2, 3], "a.jpg": [2, 3] }, { "b.png": B, "a.png": A });
    const info = await describeData(plan(folder));
    expect(info).toEqual({
      inputs: [{ name: "image", dtype: "u8", shape: [3, 2, 3], picture: [3, 2, 3] }],
      label: { name: "label", dtype: "u8", shape: [1, 2, 3], picture: [1, 2, 3] },
      classes: ["ground", "box"],
    });
    const split = await loadSplit(plan(folder), "train", ignoring(info));
    expect(split.columns.get("label")).toEqual({ dtype: "u8", shape: [1, 2, 3], data: Uint8Array.from([...A, ...B].flat()) });
    expect(split.files?.map((file) => file.slice(-5))).toEqual(["a.jpg", "b.png"]);
  });

  it("are resized together, masks to the nearest pixel; what is put around is of the class that stands for none, or the first", async () => {
    const folder = await pairs({ "a.png": [2, 3] }, { "a.png": A });
    const steps = [planOf(resize, { size: [4, 6] }), planOf(pad, { border: [0, 1], fill: 200 })];
    const data = plan(folder, steps);
    const info = await describeData(data);
    const masks = async (of: DataInfo): Promise<number[]> => [...(await loadSplit(data, "train", of)).columns.get("label")!.data];
    const row = (beyond: number, values: readonly number[]): number[] => [beyond, ...values.flatMap((value) => [value, value]), beyond];
    const expected = (beyond: number): number[] => A.flatMap((values) => [...row(beyond, values), ...row(beyond, values)]);
    expect(await masks(info)).toEqual(expected(0));
    expect(await masks(ignoring(info))).toEqual(expected(255));
  });

  it("keep their sizes where a random crop takes its parts of them, and are streamed with that", async () => {
    const [tall, wide] = [
      [[0], [1], [1]],
      [
        [1, 0, 1, 0],
        [0, 0, 0, 1],
      ],
    ];
    const folder = await pairs({ "a.png": [3, 1], "b.png": [2, 4] }, { "a.png": tall, "b.png": wide });
    const data = plan(folder, [planOf(resize, { size: 1 })], [planOf(randomCrop, { size: [1, 1] })]);
    const info = await describeData(data);
    expect(info.label?.training?.shape).toEqual([1, 0, 0]);
    const { columns } = await loadSplit(data, "train", info);
    expect([...columns.get("label")!.places!]).toEqual([0, 3, 1, 3, 1, 2]);
    expect([...columns.get("label")!.data]).toEqual([0, 1, 1, 0, 1]);
    expect([...columns.get("image")!.places!]).toEqual([0, 3, 1, 9, 1, 2]);
  });

  it("are counted by pixels where the loss asks how rare classes are", async () => {
    const folder = await pairs({ "a.png": [2, 3], "b.png": [2, 3] }, { "a.png": A, "b.png": B });
    expect((await describeData(plan(folder), [{ output: "", kind: "class", isCounted: true }])).labelled).toEqual({
      labels: 11,
      counts: [5, 6],
    });
  });

  it.each([
    [
      "a picture without a mask, and a mask without a picture",
      { "a.png": [2, 3], "b.png": [2, 3] },
      { "a.png": A, "c.png": A },
      ["images/b.png has no mask", "masks/c.png is the mask of no picture", "have one name"],
    ],
    ["two of one name", { "a.png": [2, 3], "a.jpg": [2, 3] }, { "a.png": A }, ["images/a.png is named as", "images/a.jpg"]],
  ] as const)("%s are named", async (_, files, masks, expected) => {
    const message = await failure(describeData(plan(await pairs(files, masks))));
    for (const part of expected) expect(message).toContain(part);
  });

  const colours = sharp({ create: { width: 3, height: 2, channels: 3, background: "#ff0000" } });
  it.each([
    ["sizes that differ", { "a.png": [2, 4] }, { "a.png": A }, ["masks/a.png: 3x2, and its picture", "images/a.png is 4x2"]],
    [
      "a number that is no class",
      { "a.png": [2, 3] },
      { "a.png": B },
      ["masks/a.png: the pixel in row 1, column 1 holds 255, and classes are 0 to 1", "`loss cross_entropy(ignore: 255)`"],
    ],
    ["what is no picture", { "a.png": [2, 3] }, { "a.png": Uint8Array.of(1, 2, 3) }, ["masks/a.png: it is no PNG"]],
    ["a PNG that is cut off", { "a.png": [2, 3] }, { "a.png": maskFile(Uint8Array.from(A.flat()), 2, 3).slice(0, -20) }, ["damaged"]],
  ] as const)("%s are named with their file", async (_, files, masks, expected) => {
    const data = plan(await pairs(files, masks));
    const message = await failure(describeData(data).then((info) => loadSplit(data, "train", info)));
    for (const part of expected) expect(message).toContain(part);
  });

  it.each([
    ["png", "its pixels are colours"],
    ["jpg", "a mask is a PNG"],
  ])("colours where numbers belong are named: %s", async (ending, expected) => {
    const bytes = await colours
      .clone()
      .toFormat(ending === "png" ? "png" : "jpeg")
      .toBuffer();
    const data = plan(await pairs({ "a.png": [2, 3] }, { [`a.${ending}`]: new Uint8Array(bytes) }));
    expect(await failure(describeData(data).then((info) => loadSplit(data, "train", info)))).toContain(expected);
  });

  it("of different sizes are told apart where a resize would make them fit", async () => {
    const data = plan(await pairs({ "a.png": [4, 4] }, { "a.png": A }), [planOf(resize, { size: [2, 2] })]);
    const message = await failure(describeData(data).then((info) => loadSplit(data, "train", info)));
    expect(message).toContain("images/a.png: 4x4, and its mask");
    expect(message).toContain("masks/a.png is 3x2");
  });

  it("have no class to split by", async () => {
    const data = plan(await pairs({ "a.png": [2, 3], "b.png": [2, 3] }, { "a.png": A, "b.png": A }));
    const info = await describeData(data);
    const parts = [
      { name: "train", fraction: 0.5 },
      { name: "val", fraction: 0.5 },
    ];
    const split = { ...data, splits: [{ from: "train", parts, seed: 1, stratified: true }] };
    expect(await failure(loadSplit(split, "train", info))).toContain("no class of their own");
  });
});
