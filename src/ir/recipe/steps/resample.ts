// PIL's resize, to the bit: published weights were trained on its pixels, and other libraries differ at the borders and when they
// enlarge. Horizontal pass, then vertical, in PIL's 22-bit fixed point, with a filter as wide as the reduction. Browser-safe.

import type { Pixels } from "./define.ts";

export const FILTER_NAMES = ["bilinear", "bicubic", "lanczos", "nearest"] as const;
type FilterName = (typeof FILTER_NAMES)[number];

interface Filter {
  /** How far it reaches on either side, in pixels of the smaller picture. */
  readonly support: number;
  readonly at: (x: number) => number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** a = -1/2, of Keys' cubic convolution. */
function cubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}

const FILTERS: Readonly<Record<Exclude<FilterName, "nearest">, Filter>> = {
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, at: cubic },
  lanczos: { support: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

export function resample(image: Pixels, [height, width]: readonly [number, number], filter: FilterName): Pixels {
  if (height === image.height && width === image.width) return image;
  const { channels } = image;
  const data =
    filter === "nearest" ? nearest(image, height, width) : vertically(image, horizontally(image, width, filter), height, width, filter);
  return { width, height, channels, data };
}

function horizontally({ data, width: from, height, channels }: Pixels, width: number, filter: keyof typeof FILTERS): Uint8Array {
  if (width === from) return data;
  const layout = {
    lines: height,
    channels,
    step: channels,
    lineStride: from * channels,
    outStep: channels,
    outLineStride: width * channels,
  };
  return pass(data, axisWeights(from, width, FILTERS[filter]), layout);
}

function vertically(
  { height: from, channels }: Pixels,
  rows: Uint8Array,
  height: number,
  width: number,
  filter: keyof typeof FILTERS,
): Uint8Array {
  if (height === from) return rows;
  const step = width * channels;
  return pass(rows, axisWeights(from, height, FILTERS[filter]), {
    ...{ lines: width, channels, step, lineStride: channels, outStep: step, outLineStride: channels },
  });
}

/** The pixel that the middle of each new one lies in. Positions are added up, as PIL does. */
function nearest({ data, width: fromWidth, height: fromHeight, channels }: Pixels, height: number, width: number): Uint8Array {
  const places = (from: number, to: number): Int32Array => {
    const scale = from / to;
    let position = scale * 0.5;
    return Int32Array.from({ length: to }, () => {
      const place = Math.min(Math.trunc(position), from - 1);
      position += scale;
      return place;
    });
  };
  const [rows, columns] = [places(fromHeight, height), places(fromWidth, width)];
  const out = new Uint8Array(height * width * channels);
  let at = 0;
  for (const row of rows)
    for (const column of columns)
      for (let channel = 0; channel < channels; channel++) out[at++] = data[(row * fromWidth + column) * channels + channel] ?? 0;
  return out;
}

const PRECISION = 22;

interface AxisWeights {
  /** Of each output sample: its first input sample, how many there are, and where their weights start. */
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly start: Int32Array;
  readonly weights: Int32Array;
}

/** As wide as the reduction, renormalized at the borders. */
function axisWeights(from: number, to: number, filter: Filter): AxisWeights {
  const scale = from / to;
  const reach = Math.max(scale, 1);
  const support = filter.support * reach;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const start = new Int32Array(to);
  const weights: number[] = [];
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const high = Math.min(from, Math.trunc(center + support + 0.5));
    const raw = Array.from({ length: high - low }, (_, k) => filter.at((low + k - center + 0.5) / reach));
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    first[i] = low;
    count[i] = raw.length;
    start[i] = weights.length;
    for (const weight of raw) {
      const share = (weight / total) * 2 ** PRECISION;
      weights.push(Math.trunc(share < 0 ? share - 0.5 : share + 0.5));
    }
  }
  return { first, count, start, weights: Int32Array.from(weights) };
}

interface Layout {
  readonly lines: number;
  readonly lineStride: number;
  /** From one sample of a line to the next. */
  readonly step: number;
  readonly channels: number;
  readonly outLineStride: number;
  readonly outStep: number;
}

function pass(input: Uint8Array, axis: AxisWeights, layout: Layout): Uint8Array {
  const { lines, lineStride, step, channels, outLineStride, outStep } = layout;
  const length = axis.first.length;
  const output = new Uint8ClampedArray(lines * length * channels);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; i++) {
      const count = axis.count[i] ?? 0;
      const weightsAt = axis.start[i] ?? 0;
      const inputAt = line * lineStride + (axis.first[i] ?? 0) * step;
      const outputAt = line * outLineStride + i * outStep;
      for (let channel = 0; channel < channels; channel++) {
        // The weights of a place sum to 2^22, and their magnitudes to less than twice that: the sum stays in 32 bits.
        let sum = 1 << (PRECISION - 1);
        for (let k = 0; k < count; k++) sum += (input[inputAt + channel + k * step] ?? 0) * (axis.weights[weightsAt + k] ?? 0);
        output[outputAt + channel] = sum >> PRECISION;
      }
    }
  }
  return new Uint8Array(output.buffer);
}
