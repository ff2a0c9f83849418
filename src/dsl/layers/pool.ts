// Pooling over windows of an image, as torch.nn.MaxPool2d and AvgPool2d, and the mean over whole channels.

import { arg, defineLayer } from "./define.ts";
import type { ArgSpecs } from "./define.ts";

const WINDOW = {
  kernel: arg("count or pair", "size of the window"),
  // Left out, windows stand side by side: 0 stands for that, and cannot be given.
  stride: arg("count or pair", "step between windows; the kernel's size when left out", [0, 0]),
  padding: arg("whole or pair", "ring around the image that never wins and counts as zeros", [0, 0]),
} as const satisfies ArgSpecs;

interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
}

const windowOf = ({ kernel, stride, padding }: Window): Window => ({
  kernel,
  stride: [stride[0] || kernel[0], stride[1] || kernel[1]],
  padding,
});

export const maxPool2d = defineLayer({
  name: "max_pool2d",
  doc: "maximum over windows",
  takes: "image",
  args: WINDOW,
  build: ({ b }, x, args) => b.maxPool2d(x, windowOf(args)),
});

export const avgPool2d = defineLayer({
  name: "avg_pool2d",
  doc: "mean over windows",
  takes: "image",
  args: WINDOW,
  build: ({ b }, x, args) => b.avgPool2d(x, windowOf(args)),
});

export const globalAvgPool = defineLayer({
  name: "global_avg_pool",
  doc: "mean over each channel of an image: [channels]",
  takes: "image",
  args: {},
  build: ({ b }, x) => b.reduceMean(x, { axes: [2, 3] }),
});
