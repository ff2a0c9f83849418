// Pictures with a mask each: two folders, whose files have the same names but for their endings, as most published data sets lie.

import { basename, extname } from "node:path";
import type { DataInfo, LabelInfo, LabelRequest } from "../../ir/plan.ts";
import { maskColumn, pictureColumn, type DataSteps } from "../../ir/recipe/steps/index.ts";
import { dataInfoOf, labelName } from "../../ir/tasks.ts";
import { DataError } from "../errors.ts";
import { requireInside } from "../inside.ts";
import type { DataAccess } from "./access.ts";
import { IMAGE_INPUT, listImages, sizeOfFile } from "./images.ts";
import { Problems } from "./problems.ts";
import type { Select } from "./splits.ts";

export interface MaskedPictures {
  readonly folder: string;
  readonly masks: string;
  readonly classes: readonly string[];
}

interface Pairs {
  readonly pictures: readonly string[];
  readonly masks: readonly string[];
}

const stemOf = (path: string): string => basename(path, extname(path));

/** In the order of the pictures' names. */
export async function listPairs({ folder, masks }: MaskedPictures, access: DataAccess): Promise<Pairs> {
  for (const path of [folder, masks]) await requireInside(path, access.within);
  const [pictures, others] = [await listImages(folder, access), await listImages(masks, access)];
  const problems = new Problems();
  const byStem = (files: readonly string[]): ReadonlyMap<string, string> => {
    const found = new Map<string, string>();
    for (const file of files) {
      const before = found.get(stemOf(file));
      if (before === undefined) found.set(stemOf(file), file);
      else problems.add(`${file} is named as ${before}`);
    }
    return found;
  };
  const [pictureOf, maskOf] = [byStem(pictures), byStem(others)];
  for (const [stem, file] of pictureOf) if (!maskOf.has(stem)) problems.add(`${file} has no mask`);
  for (const [stem, file] of maskOf) if (!pictureOf.has(stem)) problems.add(`${file} is the mask of no picture`);
  problems.check(
    "pictures and masks that do not go together",
    "a picture and its mask have one name, but for the ending: `a.jpg` and `a.png`",
  );
  const stems = [...pictureOf.keys()];
  return { pictures: stems.map((stem) => pictureOf.get(stem) ?? ""), masks: stems.map((stem) => maskOf.get(stem) ?? "") };
}

/** @param training the part of them that is trained on */
export async function describeMasked(
  source: MaskedPictures,
  data: DataSteps,
  requests: readonly LabelRequest[],
  training: { readonly select: Select },
  access: DataAccess = {},
): Promise<DataInfo> {
  const pairs = await listPairs(source, access);
  const { height, width } = await sizeOfFile(pairs.pictures[0] ?? "");
  const input = pictureColumn(IMAGE_INPUT, data, [3, height, width]);
  const { classes } = source;
  const labels: LabelInfo[] = [];
  for (const { output, isCounted } of requests)
    labels.push({
      ...{ label: maskColumn(labelName(output), input), classes },
      ...(isCounted && { labelled: await countPixels(pairs, classes.length, training.select, access) }),
    });
  return dataInfoOf([input], requests, labels);
}

/** How often each class is a pixel's, of the masks that are trained on as they lie there. */
async function countPixels(
  { masks }: Pairs,
  classes: number,
  select: Select,
  { signal }: DataAccess,
): Promise<NonNullable<LabelInfo["labelled"]>> {
  const { readMasks } = await import("./masks.ts");
  const counts = new Array<number>(classes).fill(0);
  for (const example of select(masks.length, [])) {
    const file = masks[example] ?? "";
    const { height, width } = await sizeOfFile(file);
    // What stands for no class is known once the loss is; here it is left out with all else that is none.
    const { column } = await readMasks([file], [], { steps: [], shape: [1, height, width] }, { below: 256 }, { signal });
    for (const value of column.data) if (value < classes) counts[value] = (counts[value] ?? 0) + 1;
  }
  return { labels: counts.reduce((sum, count) => sum + count, 0), counts };
}

/** For splits that ask what class an example is of. */
export function requireNoKeys(keyedBy: unknown): void {
  if (keyedBy === "nothing") return;
  throw new DataError("pictures with masks have no class of their own to split them by", "leave out `stratified`, `per class` and `by`");
}
