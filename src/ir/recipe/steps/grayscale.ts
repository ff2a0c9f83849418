// torchvision.transforms.Grayscale: PIL's integer luma (ITU-R 601-2), which leaves a grey picture as it is.

import { defineLoadStep } from "./define.ts";

export const grayscale = defineLoadStep({
  name: "grayscale",
  doc: "one channel instead of three",
  args: {},
  shape: (image) => ({ ...image, channels: 1 }),
  changes: "each pixel",
  load: (picture) => {
    const { channels, data } = picture;
    if (channels === 1) return picture;
    const level = (i: number, channel: number): number => data[i * channels + channel] ?? 0;
    const luma = (i: number): number => (level(i, 0) * 19595 + level(i, 1) * 38470 + level(i, 2) * 7471 + 0x8000) >> 16;
    return { ...picture, channels: 1, data: Uint8Array.from({ length: data.length / channels }, (_, i) => luma(i)) };
  },
  mask: "stays",
  samples: [
    { args: {}, image: [3, 2, 3] },
    { args: {}, image: [1, 2, 3] },
  ],
});
