// Small pictures that are decoded without the library: to the bit as the library does, or not at all.

import { readFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import type { Pixels } from "../../../src/ir/recipe/steps/define.ts";
import { decodePicture, pictureHeader } from "../../../src/runtime/data/decode.ts";
import { decodeSmall } from "../../../src/runtime/data/small/index.ts";

const sizes = [
  ...[1, 2, 3, 4, 5, 7, 8, 9].map((n) => [n, 10 - n] as const),
  ...[
    [16, 16],
    [17, 33],
    [32, 32],
    [1, 40],
    [40, 1],
    [31, 47],
    [100, 64],
  ],
] as [number, number][];

/** Noise over ramps: every frequency, and colours at their limits. */
function picture(width: number, height: number, channels: number): Buffer {
  const noise = (i: number): number => (Math.imul(i + width * 131, 2654435761) >>> 24) & 255;
  const level = (i: number): number => (Math.floor(i / channels) % 3 === 0 ? noise(i) : (i * 7 + (i % channels) * 90) % 256);
  return Buffer.from(Array.from({ length: width * height * channels }, (_, i) => level(i)));
}

async function expectSame(bytes: Uint8Array): Promise<void> {
  const header = await pictureHeader(bytes);
  const found = decodeSmall(bytes, header);
  if (found === undefined) expect.fail("it was left to the library");
  expect(rgb(found)).toEqual(rgb(await decodePicture(bytes, header)));
}

const rgb = ({ width, height, channels, data }: Pixels): object => ({
  ...{ width, height },
  levels: Array.from({ length: width * height * 3 }, (_, i) => data[Math.floor(i / 3) * channels + (channels < 3 ? 0 : i % 3)]),
});

describe.each(sizes)("of %i x %i", (width, height) => {
  const colours = sharp(picture(width, height, 3), { raw: { width, height, channels: 3 } });
  const grey = sharp(picture(width, height, 1), { raw: { width, height, channels: 1 } }).toColourspace("b-w");

  it.each([
    [30, "4:2:0"],
    [95, "4:2:0"],
    [85, "4:4:4"],
  ] as const)("JPEGs of quality %i and %s are libjpeg's", async (quality, chromaSubsampling) => {
    await expectSame(await colours.clone().jpeg({ quality, chromaSubsampling }).toBuffer());
    await expectSame(await grey.clone().jpeg({ quality }).toBuffer());
  });

  it("PNGs are libpng's", async () => {
    await expectSame(await colours.clone().png({ adaptiveFiltering: true }).toBuffer());
    await expectSame(await grey.clone().png({ adaptiveFiltering: true, compressionLevel: 1 }).toBuffer());
    await expectSame(await colours.clone().ensureAlpha(0.5).png().toBuffer());
    for (const count of [2, 4, 16, 200]) await expectSame(await colours.clone().png({ palette: true, colours: count }).toBuffer());
  });
});

describe("of every kind", () => {
  const { files } = JSON.parse(readFileSync("test/fixtures/pictures.json", "utf8")) as {
    files: Record<string, { file: string; levels: string }>;
  };
  const taken = Object.entries(files).flatMap(([name, { file, levels }]) => {
    const bytes = new Uint8Array(Buffer.from(file, "base64"));
    return [[name, bytes, levels] as const];
  });

  it("those that are taken look as PIL has them", async () => {
    const names: string[] = [];
    for (const [name, bytes, levels] of taken) {
      const found = decodeSmall(bytes, await pictureHeader(bytes));
      if (found === undefined) continue;
      names.push(name);
      expect(rgb(found), name).toMatchObject({ levels: [...Buffer.from(levels, "base64")] });
    }
    expect(names).toContain("half subsampling.jpg");
    expect(names).toContain("restarts.jpg");
    expect(names).toContain("palette of 2 bits.png");
    expect(names).not.toContain("turned 6.jpg");
    expect(names).not.toContain("grey of 16 bits.png");
    expect(names.length).toBeGreaterThan(15);
  });
});

it("what is cut or changed is left to the library, or reads as the library reads it", async () => {
  const raw = { width: 24, height: 20, channels: 3 } as const;
  const image = sharp(picture(24, 20, 3), { raw });
  for (const bytes of [await image.clone().png().toBuffer(), await image.clone().jpeg({ quality: 80 }).toBuffer()]) {
    const header = await pictureHeader(bytes);
    for (let n = 0; n < bytes.length - 2; n += 7) expect(decodeSmall(bytes.subarray(0, n), header)).toBeUndefined();
    for (let at = 0; at < bytes.length; at++) {
      const changed = new Uint8Array(bytes);
      changed[at]! ^= 1 << (Math.imul(at, 2654435761) >>> 29);
      const said = await pictureHeader(changed).catch(() => undefined);
      const found = said && decodeSmall(changed, said);
      if (found === undefined) continue;
      const library = await decodePicture(changed, said!).catch(() => undefined);
      // A PNG says of each of its parts whether it is whole.
      if (library !== undefined || bytes[0] === 0x89) expect(rgb(found)).toEqual(library && rgb(library));
    }
  }
});
