// Small JPEGs, decoded here for the same reason as small PNGs: baseline pictures of the usual kinds, to the bit as libjpeg does. Undefined
// for all others, and for what is not whole. ITU-T T.81; the transform, upsampling and colours are libjpeg's (jpeg-dct.ts, jpeg-colour.ts).

import type { Pixels } from "../../../ir/recipe/steps/define.ts";
import { toColours, type Plane } from "./jpeg-colour.ts";
import { inverseDct } from "./jpeg-dct.ts";
import { BitReader, HuffmanTable } from "./jpeg-bits.ts";

/** From the order in which coefficients are written to rows of eight. */
const ZIGZAG = [
  ...[0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28],
  ...[35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63],
];

interface Component {
  readonly id: number;
  /** Blocks in a unit, across and down. */
  readonly across: number;
  readonly down: number;
  readonly quantization: number;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: readonly Component[];
}

interface Tables {
  readonly quantization: Map<number, Uint16Array>;
  /** By class (0 for the first coefficient, 1 for the rest) and number: `16 class + number`. */
  readonly huffman: Map<number, HuffmanTable>;
  restart: number;
}

export function decodeSmallJpeg(bytes: Uint8Array): Pixels | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tables: Tables = { quantization: new Map(), huffman: new Map(), restart: 0 };
  let frame: Frame | undefined;
  let isJfif = false;
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] ?? 0;
    const length = view.getUint16(at + 2);
    if (length < 2 || at + 2 + length > bytes.length) return undefined;
    const content = bytes.subarray(at + 4, at + 2 + length);
    at += 2 + length;
    if (marker === 0xe0) isJfif ||= content[0] === 0x4a && content[1] === 0x46;
    // Orientation (EXIF), and another meaning of the colours (Adobe).
    else if (marker === 0xe1 || marker === 0xee) return undefined;
    else if (marker === 0xdb) {
      if (!readQuantization(content, tables)) return undefined;
    } else if (marker === 0xc4) {
      if (!readHuffman(content, tables)) return undefined;
    } else if (marker === 0xdd) tables.restart = content.length === 2 ? ((content[0] ?? 0) << 8) | (content[1] ?? 0) : -1;
    else if (marker === 0xc0) frame = frame === undefined ? readFrame(content) : undefined;
    else if (marker === 0xda) {
      if (frame === undefined || tables.restart < 0) return undefined;
      // Numbers of components say what they are where nothing else does.
      if (!isJfif && frame.components.length > 1 && frame.components.some(({ id }, i) => id !== i + 1)) return undefined;
      return readScan(content, bytes.subarray(at), frame, tables);
    } else if (!(marker === 0xfe || (marker > 0xe1 && marker < 0xef))) return undefined;
  }
  return undefined;
}

function readQuantization(content: Uint8Array, { quantization }: Tables): boolean {
  if (content.length % 65 !== 0) return false;
  for (let at = 0; at < content.length; at += 65) {
    const number = content[at] ?? 0;
    // Its upper half is 0 for steps of one byte.
    if (number > 3) return false;
    const steps = new Uint16Array(64);
    for (const [i, place] of ZIGZAG.entries()) steps[place] = content[at + 1 + i] ?? 0;
    quantization.set(number, steps);
  }
  return true;
}

function readHuffman(content: Uint8Array, { huffman }: Tables): boolean {
  for (let at = 0; at < content.length;) {
    const number = content[at] ?? 0;
    const counts = content.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (counts.length < 16 || at + 17 + total > content.length) return false;
    const table = HuffmanTable.of(counts, content.subarray(at + 17, at + 17 + total));
    if (table === undefined) return false;
    huffman.set(number, table);
    at += 17 + total;
  }
  return true;
}

/** Grey, or colours with chroma as fine as brightness or half as fine, in ways that are usual. */
function readFrame(content: Uint8Array): Frame | undefined {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  if (content.length < 6 || content[0] !== 8) return undefined;
  const count = content[5] ?? 0;
  if (content.length !== 6 + 3 * count) return undefined;
  const components = Array.from({ length: count }, (_, i): Component => {
    const [id = 0, sampling = 0, quantization = 0] = content.subarray(6 + 3 * i, 9 + 3 * i);
    return { id, across: sampling >> 4, down: sampling & 15, quantization };
  });
  const kinds = components.map(({ across, down }) => `${across}x${down}`).join(" ");
  const isUsual = count === 1 ? components[0]?.across === 1 && components[0].down === 1 : /^(1x1|2x1|2x2) 1x1 1x1$/.test(kinds);
  return isUsual ? { height: view.getUint16(1), width: view.getUint16(3), components } : undefined;
}

function readScan(header: Uint8Array, data: Uint8Array, frame: Frame, tables: Tables): Pixels | undefined {
  const { width, height, components } = frame;
  const [first] = components;
  if (first === undefined || header[0] !== components.length || header.length !== 4 + 2 * components.length) return undefined;
  // All 64 coefficients in one scan, to the last bit.
  const tail = header.subarray(1 + 2 * components.length);
  if (tail[0] !== 0 || tail[1] !== 63 || tail[2] !== 0) return undefined;
  const [unitsAcross, unitsDown] = [Math.ceil(width / (8 * first.across)), Math.ceil(height / (8 * first.down))];
  const states: ComponentState[] = [];
  for (const [i, component] of components.entries()) {
    const [id, selectors = 0] = header.subarray(1 + 2 * i, 3 + 2 * i);
    const quantization = tables.quantization.get(component.quantization);
    const [dc, ac] = [tables.huffman.get(selectors >> 4), tables.huffman.get(16 + (selectors & 15))];
    if (id !== component.id || quantization === undefined || dc === undefined || ac === undefined) return undefined;
    const stride = unitsAcross * component.across * 8;
    const plane: Plane = {
      isHalfAcross: component.across < first.across,
      isHalfDown: component.down < first.down,
      stride,
      width: Math.ceil((width * component.across) / first.across),
      height: Math.ceil((height * component.down) / first.down),
      samples: new Uint8Array(stride * unitsDown * component.down * 8),
    };
    states.push({ component, quantization, dc, ac, plane, previous: 0 });
  }
  const bits = new BitReader(data);
  const coefficients = new Int32Array(64);
  for (let unit = 0; unit < unitsAcross * unitsDown; unit++) {
    if (tables.restart > 0 && unit > 0 && unit % tables.restart === 0) {
      if (!bits.restart((unit / tables.restart - 1) % 8)) return undefined;
      for (const state of states) state.previous = 0;
    }
    const [row, column] = [Math.floor(unit / unitsAcross), unit % unitsAcross];
    for (const state of states) {
      const { across, down } = state.component;
      for (let block = 0; block < across * down; block++) {
        if (!readBlock(bits, state, coefficients)) return undefined;
        const [y, x] = [row * down + Math.floor(block / across), column * across + (block % across)];
        inverseDct(coefficients, state.plane.samples, y * 8 * state.plane.stride + x * 8, state.plane.stride);
      }
    }
  }
  return bits.isAtEnd()
    ? toColours(
        width,
        height,
        states.map(({ plane }) => plane),
      )
    : undefined;
}

interface ComponentState {
  readonly component: Component;
  readonly quantization: Uint16Array;
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
  readonly plane: Plane;
  /** First coefficient of the block before: the next is written as a difference. */
  previous: number;
}

/**
 * The most that the coefficients of a column may sum up to, without their signs. Of levels of 8 bits it is 2,900 (their energy is at most 1024², of eight
 * coefficients), and quantization adds less than as much again; from 5,900 on libjpeg's sums of 16 bits may overflow.
 */
const MOST_OF_A_COLUMN = 5800;

/** One block of 8 x 8, its coefficients times their steps; false where it is none of a picture. */
function readBlock(bits: BitReader, state: ComponentState, coefficients: Int32Array): boolean {
  const { quantization, dc, ac } = state;
  coefficients.fill(0);
  const length = dc.read(bits);
  if (length < 0 || length > 11) return false;
  state.previous += bits.signed(length);
  coefficients[0] = state.previous * (quantization[0] ?? 0);
  for (let i = 1; i < 64; i++) {
    const symbol = ac.read(bits);
    if (symbol < 0) return false;
    const [run, size] = [symbol >> 4, symbol & 15];
    if (size === 0) {
      if (run !== 15) break;
      i += 15;
      continue;
    }
    i += run;
    const place = ZIGZAG[i];
    if (place === undefined || size > 10) return false;
    coefficients[place] = bits.signed(size) * (quantization[place] ?? 0);
  }
  for (let column = 0; column < 8; column++) {
    let sum = 0;
    for (let at = column; at < 64; at += 8) sum += Math.abs(coefficients[at] ?? 0);
    if (sum > MOST_OF_A_COLUMN) return false;
  }
  return !bits.isBeyond();
}
