// Every source of data.

import type { WordPlan } from "../../plan.ts";
import { InternalError } from "../../types.ts";
import { wordOf } from "../define.ts";
import type { Source } from "./define.ts";
import { images } from "./images.ts";
import { pictures } from "./pictures.ts";
import { table } from "./table.ts";

export const SOURCES = [images, pictures, table] as const satisfies readonly Source[];

export type SourceName = (typeof SOURCES)[number]["name"];

export const sourceOf = (plan: WordPlan): (typeof SOURCES)[number] => wordOf<(typeof SOURCES)[number]>(SOURCES, plan);

/** Whether pictures come with classes for each of their pixels. */
export const hasMasks = (plan: WordPlan): boolean => {
  const { classes }: Source = sourceOf(plan);
  return classes !== undefined;
};

/** Every file and folder that a source names, the examples first. */
export const pathsOf = (plan: WordPlan): readonly string[] => {
  const { args }: Source = sourceOf(plan);
  return Object.entries(args).flatMap(([name, { type }]) => (type === "path" ? [plan.args[name] as string] : []));
};

export function pathOf({ word, args: { path } }: WordPlan): string {
  if (typeof path !== "string") throw new InternalError(`${word} was checked to have a path`);
  return path;
}
