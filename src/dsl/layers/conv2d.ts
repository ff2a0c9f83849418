// A convolution over images, as torch.nn.Conv2d: weight [channels, in / groups, kh, kw], bias [channels].

import { arg, defineLayer, extent, fanIn, requireShape } from "./define.ts";

export const conv2d = defineLayer({
  name: "conv2d",
  doc: "2-d convolution",
  takes: "image",
  args: {
    channels: arg("count", "output channels"),
    kernel: arg("count or pair", "size of the kernel"),
    stride: arg("count or pair", "step between positions", [1, 1]),
    padding: arg("whole or pair", "zeros around the image", [0, 0]),
    dilation: arg("count or pair", "step between the kernel's taps", [1, 1]),
    groups: arg("count", "groups of channels that do not mix", 1),
    bias: arg("bool", "whether to add a bias", true),
  },
  build: ({ b, weight }, x, { channels, kernel, stride, padding, dilation, groups, bias }) => {
    const inputs = extent(x, 1);
    requireShape(
      inputs % groups === 0 && channels % groups === 0,
      () => `${groups} groups do not divide ${inputs} input and ${channels} output channels`,
    );
    const init = fanIn((inputs / groups) * kernel[0] * kernel[1]);
    const y = b.conv2d(x, weight("weight", [channels, inputs / groups, ...kernel], init), { stride, padding, dilation, groups });
    return bias ? b.add(y, b.reshape(weight("bias", [channels], init), { shape: [1, channels, 1, 1] })) : y;
  },
});
