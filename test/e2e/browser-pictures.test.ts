// A page's own decoder beside sharp, which Node has: how far its levels are from PIL's, for files of every kind that a browser reads, and for
// images that a page draws. Skipped, with the reason, where there is no Chromium.

import { existsSync, readFileSync } from "node:fs";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { describe, expect, it } from "vitest";
import { CHROMIUM, CHROMIUM_FLAGS } from "./chromium.ts";

interface Golden {
  readonly file: string;
  readonly levels: string;
  readonly height: number;
  readonly width: number;
}
const { files } = JSON.parse(readFileSync("test/fixtures/pictures.json", "utf8")) as { readonly files: Readonly<Record<string, Golden>> };

/** No format of a browser's; a canvas keeps no colours where a picture is clear; PIL makes 8 bits of 16 in a way of its own. */
const OTHERWISE = /\.tif$|opacity|one colour clear|palette of . bits|grey of 16 bits/;
/** The most that a level of a file may be beside PIL's; what is not named here is the same. */
const BESIDE: Readonly<Record<string, number>> = { "inks.jpg": 1 };

describe.skipIf(!existsSync(CHROMIUM))("in a page", () => {
  it("pictures are decoded as PIL does, but for what is listed", async () => {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
    try {
      const page = await browser.newPage();
      const { outputFiles } = await build({
        ...{ entryPoints: ["src/runtime/embed/pictures.ts"], bundle: true, format: "iife", globalName: "pictures", write: false },
        logOverride: { "empty-import-meta": "silent" },
      });
      await page.addScriptTag({ content: outputFiles[0]!.text });
      const given = Object.entries(files).filter(([name]) => !OTHERWISE.test(name));
      const found = await page.evaluate(decodeAll, given);
      expect(found).toHaveLength(given.length);
      const worst = Object.fromEntries(given.map(([name], i) => [name, found[i]!]));
      for (const [name, { blob, drawn }] of Object.entries(worst)) {
        expect(blob, name).toBeLessThanOrEqual(BESIDE[name] ?? 0);
        expect(drawn, name).toBe(blob);
      }
    } finally {
      await browser.close();
    }
  });
});

/** In the page: how far the levels of each file are from PIL's, given as a file and as what a canvas draws. */
async function decodeAll(files: readonly (readonly [string, Golden])[]): Promise<{ readonly blob: number; readonly drawn: number }[]> {
  const { decodedExamples } = (globalThis as unknown as { pictures: typeof import("../../src/runtime/embed/pictures.ts") }).pictures;
  const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const info = {
    inputs: [{ name: "image", dtype: "u8", shape: [3, 1, 1] }],
    label: { name: "label", dtype: "i32", shape: [] },
    classes: [],
  } as const;
  const results = [];
  for (const [, { file, levels, width, height }] of files) {
    const blob = new Blob([bytesOf(file)]);
    const plain = { premultiplyAlpha: "none", colorSpaceConversion: "none" } as const;
    const expected = bytesOf(levels);
    const [ofFile, ofImage] = (await decodedExamples(info, [blob, await createImageBitmap(blob, plain)])) as {
      data: Uint8Array;
      width: number;
      height: number;
    }[];
    const worst = (picture: typeof ofFile): number => {
      if (picture?.width !== width || picture.height !== height) return 256;
      let most = 0;
      for (let i = 0; i < expected.length; i++)
        most = Math.max(most, Math.abs(expected[i]! - picture.data[Math.floor(i / 3) * 4 + (i % 3)]!));
      return most;
    };
    results.push({ blob: worst(ofFile), drawn: worst(ofImage) });
  }
  return results;
}
