// PIL's bilinear resize with antialiasing, to the bit: published weights were trained on its pixels, and other libraries differ at the
// borders and when they enlarge. Horizontal pass, then vertical, in PIL's 22-bit fixed point. Browser-safe.

import { centerOffset } from "./crop.ts";
import type { Pixels } from "./define.ts";

/** The shorter side to `size`, then the centre square of it. */
export function resizeToSquare(image: Pixels, size: number): Pixels {
  const shorter = Math.min(image.width, image.height);
  const width = Math.floor((size * image.width) / shorter);
  const height = Math.floor((size * image.height) / shorter);
  // Only what the crop keeps is computed.
  const columns = axisWeights(image.width, width, centerOffset(width, size), size);
  const rows = axisWeights(image.height, height, centerOffset(height, size), size);
  const firstRow = rows.first[0] ?? 0;
  const lastRow = (rows.first[size - 1] ?? 0) + (rows.count[size - 1] ?? 0);
  const narrow = pass(image.data.subarray(firstRow * image.width * image.channels), columns, {
    lines: lastRow - firstRow,
    lineStride: image.width * image.channels,
    step: image.channels,
    channels: image.channels,
    outLineStride: size * image.channels,
    outStep: image.channels,
  });
  const stride = size * image.channels;
  const moved = { ...rows, first: rows.first.map((first) => first - firstRow) };
  const data = pass(narrow, moved, {
    lines: size,
    lineStride: image.channels,
    step: stride,
    channels: image.channels,
    outLineStride: image.channels,
    outStep: stride,
  });
  return { width: size, height: size, channels: image.channels, data };
}

const PRECISION = 22;

interface AxisWeights {
  /** Of each output sample: its first input sample, how many there are, and where their weights start. */
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly start: Int32Array;
  readonly weights: Int32Array;
}

/** Triangle filter as wide as the reduction, renormalized at the borders. */
function axisWeights(from: number, to: number, offset: number, length: number): AxisWeights {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const first = new Int32Array(length);
  const count = new Int32Array(length);
  const start = new Int32Array(length);
  const weights: number[] = [];
  for (let i = 0; i < length; i++) {
    const center = (i + offset + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const high = Math.min(from, Math.trunc(center + support + 0.5));
    const raw = Array.from({ length: high - low }, (_, k) => Math.max(0, 1 - Math.abs((low + k - center + 0.5) / support)));
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    first[i] = low;
    count[i] = raw.length;
    start[i] = weights.length;
    for (const weight of raw) weights.push(Math.trunc(0.5 + (weight / total) * 2 ** PRECISION));
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
  const output = new Uint8Array(lines * length * channels);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; i++) {
      const count = axis.count[i] ?? 0;
      const weightsAt = axis.start[i] ?? 0;
      const inputAt = line * lineStride + (axis.first[i] ?? 0) * step;
      const outputAt = line * outLineStride + i * outStep;
      for (let channel = 0; channel < channels; channel++) {
        // Weights sum to 2^22 or a little more, so the sum stays in 31 bits and is never negative.
        let sum = 1 << (PRECISION - 1);
        for (let k = 0; k < count; k++) sum += (input[inputAt + channel + k * step] ?? 0) * (axis.weights[weightsAt + k] ?? 0);
        output[outputAt + channel] = Math.min(255, sum >> PRECISION);
      }
    }
  }
  return output;
}
