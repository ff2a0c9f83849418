// torchvision.transforms.RandAugment (Cubuk et al. 2019, arXiv:1909.13719).

import { arg, problem } from "../define.ts";
import { defineMoveStep } from "./define.ts";
import { oneOperation } from "./auto-augment.ts";
import { requireSize, sizeOfAll } from "./pixels.ts";

const NAME = "rand_augment";

export const randAugment = defineMoveStep({
  name: NAME,
  doc: "does some of fourteen things with each picture, one after the other and all as strongly: those of `trivial_augment` (RandAugment)",
  args: {
    num_ops: arg("count", "how many, of which one may come twice", 2),
    magnitude: arg("whole", "how strongly, of `num_magnitude_bins`", 9),
    num_magnitude_bins: arg("count", "strengths that there are, from none to the most", 31),
  },
  check: ({ num_ops: operations, magnitude, num_magnitude_bins: bins }) => {
    if (operations > MOST_OPERATIONS)
      return problem("out-of-range", { what: `\`num_ops\` of \`${NAME}\``, wanted: `at most ${MOST_OPERATIONS}`, got: String(operations) });
    if (bins >= 2 && magnitude < bins) return undefined;
    return problem("out-of-range", {
      what: `\`magnitude\` of \`${NAME}\``,
      wanted: `below \`num_magnitude_bins\`, which is ${bins}, and that at least 2`,
      got: String(magnitude),
    });
  },
  shape: (image) => requireSize(NAME, image),
  crops: false,
  move: (context, from, { num_ops: operations, magnitude, num_magnitude_bins: bins }) => {
    const [height, width] = sizeOfAll(from);
    const share = magnitude / (bins - 1);
    const pixels = (extent: number): number => Math.floor((150 / 331) * extent * share);
    const strengths = {
      ...{ shear: 0.3 * share, translateX: pixels(width), translateY: pixels(height), rotate: 30 * share, blend: 0.9 * share },
      posterize: 8 - roundToEven(magnitude / ((bins - 1) / 4)),
      solarize: 255 * (1 - share),
    };
    let raster = from;
    for (let i = 0; i < operations; i++) raster = { ...raster, at: oneOperation(context, raster, strengths) };
    return raster.at;
  },
  mask: "cannot",
  samples: [
    { args: {}, image: [3, 5, 6] },
    { args: { num_ops: 1, magnitude: 4, num_magnitude_bins: 5 }, image: [1, 4, 3] },
  ],
});

/** Each is a few kernels of its own. */
const MOST_OPERATIONS = 16;

/** torch.round. */
function roundToEven(x: number): number {
  const below = Math.floor(x);
  return x - below === 0.5 ? below + (below % 2) : Math.round(x);
}
