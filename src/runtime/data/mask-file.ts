// A mask as a PNG with a palette, as published data sets have them: places in the palette are the numbers of classes, and the colours are
// those of PASCAL VOC, so that neighbouring numbers look different. Node only.

import { deflateSync } from "node:zlib";
import { crc32 } from "./small/crc32.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const COLOURS = 256;

/** Of each class three levels: bits of its number, the lowest ones in the highest bits of red, green and blue in turn. */
function palette(): Uint8Array {
  const levels = new Uint8Array(3 * COLOURS);
  for (let index = 0; index < COLOURS; index++)
    for (let bit = 0; bit < 8; bit++) {
      const at = 3 * index + (bit % 3);
      levels[at] = (levels[at] ?? 0) | (((index >> bit) & 1) << (7 - Math.floor(bit / 3)));
    }
  return levels;
}

/** @param classes of the pixels, row by row */
export function maskFile(classes: Uint8Array, height: number, width: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  // Eight bits of a palette; compression, filter and interlacing as they always are.
  [8, 3, 0, 0, 0].forEach((byte, i) => header.setUint8(8 + i, byte));
  const lines = new Uint8Array(height * (width + 1));
  for (let row = 0; row < height; row++) lines.set(classes.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  const chunks = [
    chunk("IHDR", new Uint8Array(header.buffer)),
    chunk("PLTE", palette()),
    chunk("IDAT", deflateSync(lines)),
    chunk("IEND", new Uint8Array(0)),
  ];
  return Buffer.concat([Uint8Array.from(SIGNATURE), ...chunks]);
}

function chunk(name: string, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(content.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(
    Array.from(name, (letter) => letter.charCodeAt(0)),
    4,
  );
  bytes.set(content, 8);
  view.setUint32(content.length + 8, crc32(bytes.subarray(4, content.length + 8)));
  return bytes;
}
