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
  /** Whether the picture has orientation or frames. */
  readonly isSpecial: boolean;
}

/** A PNG's samples as they are packed in its lines, each behind a byte that means nothing any more. */
export interface PackedPng {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  /** 0 grey, 2 colours, 3 a palette; 4 and 6 are 0 and 2 with opacity. */
  readonly colour: number;
  readonly palette: Uint8Array | undefined;
  readonly raw: Uint8Array;
  /** Bytes of a line without the one before it. */
  readonly line: number;
}

export function decodeSmallPng(bytes: Uint8Array): Pixels | undefined {
  const chunks = chunksOf(bytes);
  if (chunks === undefined || chunks.isSpecial) return undefined;
  const packed = unfiltered(chunks);
  if (packed === undefined || packed.depth > 8) return undefined;
  const palette = packed.colour === 3 ? packed.palette : undefined;
  return packed.depth < 8 ? unpack(packed, palette) : pick(packed, palette);
}

/** Undefined where a PNG is not whole, or interlaced. */
export function packedPng(bytes: Uint8Array): PackedPng | undefined {
  const chunks = chunksOf(bytes);
  return chunks && unfiltered(chunks);
}

function unfiltered({ header, palette, data }: Chunks): PackedPng | undefined {
  const [width, height, depth, colour] = [header.getUint32(0), header.getUint32(4), header.getUint8(8), header.getUint8(9)];
  const samples = SAMPLES[colour];
  const isPacked = depth < 8 && (colour === 0 || colour === 3);
  // Compression, filter and interlacing have one plain value each.
  const isPlain = header.getUint8(10) === 0 && header.getUint8(11) === 0 && header.getUint8(12) === 0;
  const isKnown = depth === 8 || (depth === 16 && colour !== 3) || (isPacked && [1, 2, 4].includes(depth));
  if (samples === undefined || !isPlain || !isKnown) return undefined;
  if (colour === 3 && palette === undefined) return undefined;
  const line = Math.ceil((width * samples * depth) / 8);
  const size = height * (line + 1);
  const raw = inflated(data, size);
  if (raw?.length !== size) return undefined;
  const step = Math.ceil((samples * depth) / 8);
  return unfilter(raw, height, line, step) ? { width, height, depth, colour, palette, raw, line } : undefined;
}

/** The chunks that matter, every checksum right; undefined where one is not. */
function chunksOf(bytes: Uint8Array): Chunks | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let header: DataView | undefined;
  let palette: Uint8Array | undefined;
  const data: Uint8Array[] = [];
  let isSpecial = false;
  for (let at = SIGNATURE; at + FRAME <= bytes.length;) {
    const length = view.getUint32(at);
    if (at + FRAME + length > bytes.length) return undefined;
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) return undefined;
    if (name === "IHDR" && length === 13) header = new DataView(content.buffer, content.byteOffset, length);
    else if (name === "PLTE") palette = content;
    else if (name === "IDAT") data.push(content);
    else if (name === "eXIf" || name === "acTL" || name === "iDOT") isSpecial = true;
    else if (name === "IEND") return header && { header, palette, data, isSpecial };
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
function pick({ raw, width, height, colour, line }: PackedPng, palette: Uint8Array | undefined): Pixels {
  const samples = SAMPLES[colour] ?? 1;
  const channels = palette !== undefined || samples > 2 ? 3 : 1;
  const data = new Uint8Array(width * height * channels);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = y * (line + 1) + 1;
    for (let x = 0; x < width; x++, from += samples)
      for (let c = 0; c < channels; c++)
        data[to++] = palette === undefined ? (raw[from + c] ?? 0) : (palette[(raw[from] ?? 0) * 3 + c] ?? 0);
  }
  return { width, height, channels, data };
}

/** Several pixels in a byte: levels stretched to 255, or places of the palette. */
function unpack(packed: PackedPng, palette: Uint8Array | undefined): Pixels {
  const { width, height, depth } = packed;
  const channels = palette === undefined ? 1 : 3;
  const most = (1 << depth) - 1;
  const values = samplesOf(packed);
  const data = new Uint8Array(width * height * channels);
  values.forEach((value, i) => {
    for (let c = 0; c < channels; c++)
      data[i * channels + c] = palette === undefined ? value * (255 / most) : (palette[value * 3 + c] ?? 0);
  });
  return { width, height, channels, data };
}

/** The one sample of each pixel, of 16 bits at most; of several in a byte the first is in its highest bits. */
export function samplesOf({ raw, width, height, depth, line }: PackedPng): Uint16Array {
  const [most, each] = [(1 << depth) - 1, 8 / depth];
  const samples = new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = y * (line + 1) + 1;
    for (let x = 0; x < width; x++) {
      const byte = raw[start + Math.floor(x / each)] ?? 0;
      samples[y * width + x] =
        depth === 16 ? (raw[start + 2 * x] ?? 0) * 256 + (raw[start + 2 * x + 1] ?? 0) : (byte >> (8 - depth * ((x % each) + 1))) & most;
    }
  }
  return samples;
}
