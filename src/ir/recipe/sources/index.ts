// Every source of data.

import type { WordPlan } from "../../plan.ts";
import { InternalError } from "../../types.ts";
import { wordOf } from "../define.ts";
import type { Source } from "./define.ts";
import { images } from "./images.ts";
import { table } from "./table.ts";

export const SOURCES = [images, table] as const satisfies readonly Source[];

export type SourceName = (typeof SOURCES)[number]["name"];

export const sourceOf = (plan: WordPlan): (typeof SOURCES)[number] => wordOf<(typeof SOURCES)[number]>(SOURCES, plan);

export function pathOf({ word, args: { path } }: WordPlan): string {
  if (typeof path !== "string") throw new InternalError(`${word} was checked to have a path`);
  return path;
}
