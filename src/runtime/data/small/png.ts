// Small PNGs, decoded here: an image library takes ten times as long to prepare for a picture of some hundred pixels as to decode it. Only
// what is plain and whole; undefined for the rest, which the library then looks at and complains about.

import { inflateSync } from "node:zlib";
import type { Pixels } from "../../../ir/recipe/steps/define.ts";
import { crc32 } from "./crc32.ts";

/** Samples of a pixel by colour type; 3 is a palette. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Bytes of one chunk besides its data: length, name, checksum. */
const FRAME = 12;
const SIGNATURE = 8;

interface Chunks {
  readonly header: DataView;
  readonly palette: Uint8Array | undefined;
  readonly data: readonly Uint8Array[];
}

export function decodeSmallPng(bytes: Uint8Array): Pixels | undefined {
  const chunks = chunksOf(bytes);
  if (chunks === undefined) return undefined;
  const { header, palette } = chunks;
  const [width, height, depth, colour] = [header.getUint32(0), header.getUint32(4), header.getUint8(8), header.getUint8(9)];
  const samples = SAMPLES[colour];
  const isPacked = depth < 8 && (colour === 0 || colour === 3);
  // Compression, filter and interlacing have one plain value each.
  const isPlain = header.getUint8(10) === 0 && header.getUint8(11) === 0 && header.getUint8(12) === 0;
  if (samples === undefined || !isPlain || !(depth === 8 || (isPacked && [1, 2, 4].includes(depth)))) return undefined;
  if (colour === 3 && palette === undefined) return undefined;
  const line = Math.ceil((width * samples * depth) / 8);
  const size = height * (line + 1);
  const raw = inflated(chunks.data, size);
  if (raw?.length !== size) return undefined;
  const step = Math.ceil((samples * depth) / 8);
  if (!unfilter(raw, height, line, step)) return undefined;
  return depth < 8 ? unpack(raw, { width, height, depth, line }, palette) : pick(raw, { width, height, samples, line }, palette);
}

/** The chunks that matter, every checksum right; undefined where a picture has orientation, frames or faults. */
function chunksOf(bytes: Uint8Array): Chunks | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let header: DataView | undefined;
  let palette: Uint8Array | undefined;
  const data: Uint8Array[] = [];
  for (let at = SIGNATURE; at + FRAME <= bytes.length;) {
    const length = view.getUint32(at);
    if (at + FRAME + length > bytes.length) return undefined;
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) return undefined;
    if (name === "IHDR" && length === 13) header = new DataView(content.buffer, content.byteOffset, length);
    else if (name === "PLTE") palette = content;
    else if (name === "IDAT") data.push(content);
    else if (name === "eXIf" || name === "acTL" || name === "iDOT") return undefined;
    else if (name === "IEND") return header && { header, palette, data };
    at += FRAME + length;
  }
  return undefined;
}

function inflated(parts: readonly Uint8Array[], size: number): Uint8Array | undefined {
  try {
    const [only, ...more] = parts;
    return inflateSync(only === undefined || more.length > 0 ? Buffer.concat(parts) : only, { maxOutputLength: size });
  } catch {
    return undefined;
  }
}

/** Takes each line's prediction back, in place: from the left, from above, their mean, or Paeth's choice. */
function unfilter(raw: Uint8Array, height: number, line: number, step: number): boolean {
  for (let y = 0; y < height; y++) {
    const at = y * (line + 1) + 1;
    const kind = raw[at - 1] ?? 0;
    if (kind > 4) return false;
    if (kind === 0) continue;
    for (let i = 0; i < line; i++) {
      const left = i < step ? 0 : (raw[at + i - step] ?? 0);
      const above = y === 0 ? 0 : (raw[at + i - line - 1] ?? 0);
      const corner = y === 0 || i < step ? 0 : (raw[at + i - line - 1 - step] ?? 0);
      const predicted = kind === 1 ? left : kind === 2 ? above : kind === 3 ? (left + above) >> 1 : paeth(left, above, corner);
      raw[at + i] = (raw[at + i] ?? 0) + predicted;
    }
  }
  return true;
}

function paeth(left: number, above: number, corner: number): number {
  const [byLeft, byAbove, byCorner] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)];
  if (byLeft <= byAbove && byLeft <= byCorner) return left;
  return byAbove <= byCorner ? above : corner;
}

/** Whole bytes, without opacity. */
function pick(
  raw: Uint8Array,
  { width, height, samples, line }: { readonly width: number; readonly height: number; readonly samples: number; readonly line: number },
  palette: Uint8Array | undefined,
): Pixels {
  const isIndexed = samples === 1 && palette !== undefined;
  const channels = isIndexed || samples > 2 ? 3 : 1;
  const data = new Uint8Array(width * height * channels);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = y * (line + 1) + 1;
    for (let x = 0; x < width; x++, from += samples)
      for (let c = 0; c < channels; c++) data[to++] = isIndexed ? (palette[(raw[from] ?? 0) * 3 + c] ?? 0) : (raw[from + c] ?? 0);
  }
  return { width, height, channels, data };
}

/** Several pixels in a byte, the first in its highest bits: levels stretched to 255, or places of the palette. */
function unpack(
  raw: Uint8Array,
  { width, height, depth, line }: { readonly width: number; readonly height: number; readonly depth: number; readonly line: number },
  palette: Uint8Array | undefined,
): Pixels {
  const channels = palette === undefined ? 1 : 3;
  const [most, each] = [(1 << depth) - 1, 8 / depth];
  const data = new Uint8Array(width * height * channels);
  let to = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const byte = raw[y * (line + 1) + 1 + Math.floor(x / each)] ?? 0;
      const value = (byte >> (8 - depth * ((x % each) + 1))) & most;
      for (let c = 0; c < channels; c++) data[to++] = palette === undefined ? value * (255 / most) : (palette[value * 3 + c] ?? 0);
    }
  return { width, height, channels, data };
}
