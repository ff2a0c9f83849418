// Pictures as an application in Node hands them over: files and their bytes become the pixels that a folder of them would have.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { DataInfo } from "../../../src/ir/plan.ts";
import { planOf } from "../../../src/ir/recipe/define.ts";
import { centerCrop } from "../../../src/ir/recipe/steps/center-crop.ts";
import { loadSteps } from "../../../src/ir/recipe/steps/host.ts";
import { resize } from "../../../src/ir/recipe/steps/resize.ts";
import { decodedColumns, decodedExamples } from "../../../src/runtime/embed/pictures.ts";
import { splitOfColumns, splitOfExamples, type Example } from "../../../src/runtime/embed/values.ts";
import { DataError } from "../../../src/runtime/errors.ts";

const { files } = JSON.parse(readFileSync("test/fixtures/pictures.json", "utf8")) as {
  readonly files: Readonly<
    Record<string, { readonly file: string; readonly levels: string; readonly width: number; readonly height: number }>
  >;
};
const golden = (name: string): { readonly bytes: Buffer<ArrayBuffer>; readonly pixels: Example } => {
  const { file, levels, width, height } = files[name]!;
  return { bytes: Buffer.from(file, "base64"), pixels: { width, height, data: new Uint8Array(Buffer.from(levels, "base64")) } };
};

const label = { name: "label", dtype: "i32", shape: [] } as const;
const info: DataInfo = { inputs: [{ name: "image", dtype: "u8", shape: [3, 5, 4] }], label, classes: ["a", "b"] };
const steps = loadSteps([planOf(resize, { size: 6 }), planOf(centerCrop, { size: [5, 4] })]);
const packed = async (examples: readonly Example[]): Promise<unknown> =>
  splitOfExamples(info, steps, await decodedExamples(info, examples)).columns.get("image");

describe("a picture", () => {
  it.each(["colours.jpg", "inks.jpg", "palette.gif", "turned 6.jpg", "opacity.webp", "grey of 16 bits.png", "black and white.tif"])(
    "as the file %s is what its pixels are",
    async (name) => {
      const { bytes, pixels } = golden(name);
      const expected = await packed([pixels, pixels, pixels]);
      expect(await packed([new Blob([bytes]), bytes, new Uint8Array(bytes)])).toEqual(expected);
    },
  );

  it("as numbers stays what it is, whatever they begin with", async () => {
    const numbers = Uint8Array.from({ length: 60 }, (_, i) => i);
    numbers.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    expect(await packed([numbers])).toMatchObject({ data: numbers });
  });

  it.each<[string, Example, string]>([
    ["text", new Blob(["<svg/>"]), '"image" of example 1: it is no PNG, JPEG'],
    ["half a file", new Blob([golden("progressive.jpg").bytes.subarray(0, 300)]), '"image" of example 1: '],
    ["bytes of nothing", new Uint8Array(7), "7 numbers, expected 60"],
  ])("that is %s is named", async (_, example, message) => {
    const failure = packed([golden("colours.jpg").pixels, example]);
    await expect(failure).rejects.toThrow(DataError);
    await expect(failure).rejects.toThrow(message);
  });
});

it("columns and records of pictures hold files, too, and what is no data is left for others to name", async () => {
  const { bytes, pixels } = golden("colours.png");
  const columns = async (image: unknown): Promise<unknown> =>
    splitOfColumns(info, steps, await decodedColumns(info, { inputs: { image }, labels: [0, 1] } as never)).columns.get("image");
  expect(await columns([new Blob([bytes]), bytes])).toEqual(await columns([pixels, pixels]));

  const two: DataInfo = { ...info, inputs: [...info.inputs, { name: "age", dtype: "f32", shape: [] }] };
  const record = async (image: unknown): Promise<unknown> =>
    splitOfExamples(two, steps, await decodedExamples(two, [{ image, age: 3 }] as never)).columns.get("image");
  expect(await record(bytes)).toEqual(await record(pixels));

  for (const nothing of [undefined, null, 3, "x", {}, { inputs: [] }]) expect(await decodedColumns(info, nothing as never)).toBe(nothing);
  expect(await decodedExamples(info, undefined as never)).toBeUndefined();
});
