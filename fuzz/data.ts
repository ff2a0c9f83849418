// Pictures and tables with bytes changed: each is loaded, or refused with its name and a reason.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import type { DataPlan } from "../src/ir/plan.ts";
import { planOf } from "../src/ir/recipe/define.ts";
import { resize } from "../src/ir/recipe/steps/resize.ts";
import { describeData, loadSplit } from "../src/runtime/data/index.ts";
import { DataError } from "../src/runtime/errors.ts";
import { below, pick, type Case, type Fuzzer, type Outcome } from "./fuzzer.ts";
import { mutateBytes, mutateText } from "./mutate-bytes.ts";

/** A data set of one source. */
export const plan = (word: string, args: DataPlan["sources"][string]["args"], preprocess: DataPlan["preprocess"] = []): DataPlan => ({
  name: "d",
  sources: { train: { word, args } },
  splits: [],
  preprocess,
  augment: [],
});

async function load(data: DataPlan): Promise<Outcome> {
  try {
    await loadSplit(data, "train", await describeData(data));
    return "accepted";
  } catch (error) {
    if (error instanceof DataError) return "refused";
    throw error;
  }
}

export const pictures: Fuzzer = {
  doc: "pictures of all formats with bytes changed, with and without a resize",
  count: 20_000,
  prepare: async (folder): Promise<Case> => {
    const image = sharp({ create: { width: 12, height: 9, channels: 3, background: { r: 200, g: 100, b: 50 } } });
    const formats = ["png", "jpeg", "webp", "gif", "tiff", "avif"] as const;
    const files = await Promise.all(formats.map((format) => image.clone().toFormat(format).toBuffer()));
    mkdirSync(join(folder, "a"));
    const path = join(folder, "a", "0.png");
    return async (random) => {
      writeFileSync(path, mutateBytes(pick(random, files), random));
      const resized = [planOf(resize, { size: [4, 4] })];
      return load(plan("images", { path: folder }, below(random, 2) === 0 ? resized : []));
    };
  },
};

const TABLES = [
  "x,y\n0.5,cat\n1.5,dog\n-2e3,cat\n",
  'x,y\n"1 2 3",0 1 0\n4 5 6,1 1 0\n',
  "a\tx\ty\n1\t0.25\t3\n2\t.5\t7\n",
  "1.5\ta\n2.5\tb\n",
];
const CELLS = [
  "1e400",
  "NaN",
  "Infinity",
  "-0",
  "99999999999",
  '"',
  ",",
  "\t",
  "\n",
  "\r\n",
  "\ufeff",
  "__proto__",
  "",
  " ",
  "1 2",
  "0x10",
  "\u0000",
];

export const tables: Fuzzer = {
  doc: "tables with bytes and cells changed",
  count: 50_000,
  prepare: (folder): Case => {
    return async (random) => {
      const text = pick(random, TABLES);
      const path = join(folder, `t.${text.includes("\t") ? "tsv" : "csv"}`);
      const isText = below(random, 2) === 0;
      writeFileSync(path, isText ? mutateText(text, CELLS, random) : mutateBytes(Buffer.from(text), random));
      return load(plan("table", { path, columns: { x: "x", label: "y" } }));
    };
  },
};
