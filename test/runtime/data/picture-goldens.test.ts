// Pictures of every kind as PIL reads them, and every step that runs on the host as PIL and torchvision do it, to the last bit.
// test/fixtures/pictures.json is written by scripts/make-pictures.py.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { WordPlan } from "../../../src/ir/plan.ts";
import { planOf } from "../../../src/ir/recipe/define.ts";
import { centerCrop } from "../../../src/ir/recipe/steps/center-crop.ts";
import type { Pixels } from "../../../src/ir/recipe/steps/define.ts";
import { grayscale } from "../../../src/ir/recipe/steps/grayscale.ts";
import { LOAD_STEPS, loadPicture, loadSteps } from "../../../src/ir/recipe/steps/host.ts";
import { pictureColumn, storingSteps } from "../../../src/ir/recipe/steps/index.ts";
import { randomCrop } from "../../../src/ir/recipe/steps/random-crop.ts";
import { resize } from "../../../src/ir/recipe/steps/resize.ts";
import { decodePicture, pictureHeader } from "../../../src/runtime/data/decode.ts";

interface Golden {
  readonly height: number;
  readonly width: number;
  /** Base64, interleaved. */
  readonly levels: string;
}
const goldens = JSON.parse(readFileSync("test/fixtures/pictures.json", "utf8")) as {
  readonly files: Readonly<Record<string, Golden & { readonly file: string }>>;
  readonly picture: Golden;
  readonly cases: readonly (Golden & { readonly steps: readonly WordPlan[] })[];
};

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

/** A grey picture stands for its colours. */
function colours({ channels, data }: Pixels): Uint8Array {
  return Uint8Array.from(
    { length: (data.length / channels) * 3 },
    (_, i) => data[Math.floor(i / 3) * channels + (channels < 3 ? 0 : i % 3)]!,
  );
}

describe("pictures are read as PIL's convert(RGB) reads them, and turned upright", () => {
  it.each(Object.entries(goldens.files))("%s", async (_, { file, height, width, levels }) => {
    const bytes = bytesOf(file);
    const header = await pictureHeader(bytes);
    expect(header).toMatchObject({ height, width });
    const picture = await decodePicture(bytes, header);
    expect(picture).toMatchObject({ height, width });
    expect(colours(picture)).toEqual(bytesOf(levels));
  });
});

describe("steps", () => {
  const { levels, ...size } = goldens.picture;
  const picture: Pixels = { ...size, channels: 3, data: bytesOf(levels) };

  it.each(goldens.cases.map((it) => [it.steps.map(({ word, args }) => `${word} ${JSON.stringify(args)}`).join(", "), it] as const))(
    "%s",
    (_, { steps, height, width, levels: expected }) => {
      const found = loadPicture(loadSteps(steps), picture);
      expect(found).toMatchObject({ height, width });
      expect(new Uint8Array(found.data)).toEqual(bytesOf(expected));
    },
  );

  it("are all held against PIL", () => {
    const held = new Set(goldens.cases.flatMap(({ steps }) => steps.map(({ word }) => word)));
    expect([...held].sort()).toEqual(LOAD_STEPS.map(({ name }) => name).sort());
  });
});

describe("a random crop", () => {
  const inner = planOf(centerCrop, { size: [30, 30] });
  const outer = planOf(centerCrop, { size: [16, 16] });
  const [side, both] = [planOf(resize, { size: 20 }), planOf(resize, { size: [20, 20] })];
  const augment = [planOf(randomCrop, { size: [16, 16] })];
  const words = (preprocess: WordPlan[]): string[] => storingSteps({ preprocess, augment }, "train").map(({ step }) => step.name);

  it("stands for the crops that preprocessing ends with", () => {
    expect(words([side, outer])).toEqual(["resize"]);
    expect(words([side, outer, planOf(grayscale)])).toEqual(["resize", "grayscale"]);
    expect(words([inner, side, outer])).toEqual(["center_crop", "resize"]);
    expect(storingSteps({ preprocess: [inner, side, outer], augment }, "eval")).toHaveLength(3);
    expect(storingSteps({ preprocess: [side, outer], augment: [] }, "train")).toHaveLength(2);
  });

  it("leaves pictures the sizes that a resize of the shorter side gives them", () => {
    const column = (preprocess: WordPlan[]): object => pictureColumn("image", { preprocess, augment }, [3, 30, 40]);
    expect(column([side, outer])).toMatchObject({ shape: [3, 16, 16], training: { shape: [3, 0, 0], steps: [side] } });
    expect(column([both, outer])).toMatchObject({ shape: [3, 16, 16], training: { shape: [3, 20, 20], steps: [both] } });
    expect(column([outer])).toMatchObject({ shape: [3, 16, 16], training: { shape: [3, 30, 40], steps: [] } });
    expect(pictureColumn("image", { preprocess: [side, outer], augment: [] }, [3, 30, 40])).not.toHaveProperty("training");
  });
});
