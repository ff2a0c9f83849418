// Data sets of tables for tests: files of some text, plans as a spec writes them, and what is read of them.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { planRecipe } from "../../src/dsl/index.ts";
import type { ColumnInfo, DataInfo, DataPlan, LabelKind } from "../../src/ir/plan.ts";
import { describeData, loadSplit } from "../../src/runtime/data/index.ts";
import { DataError } from "../../src/runtime/errors.ts";
import { loadClean } from "../dsl/support.ts";
import { temporaryFolder } from "./temporary.ts";
import { asked } from "./one-output.ts";

const folder = temporaryFolder("tlc-columns-");

let files = 0;
export function file(text: string | Uint8Array, extension = "csv"): string {
  const path = join(folder, `c${String(files++)}.${extension}`);
  writeFileSync(path, text);
  return path;
}

/** The plan of a data set as a spec writes it. */
export function plan(lines: string): DataPlan {
  const inputs = [...lines.matchAll(/(\w+): (?!")/g)]
    .map(([, name]) => name)
    .filter((name) => !["label", "header", "unknown"].includes(name!));
  const given = [...new Set(inputs)].map((name) => `input ${name!}: f32[n_${name!}]`).join("\n  ");
  const data = planRecipe(
    loadClean(
      `network net {\n  ${given}\n  fc: linear(2)\n}\ndataset d {\n${lines}\n}\nrecipe r { network net data d loss cross_entropy batch 2 epochs 1 optimizer sgd(lr: 0.1) }`,
    ),
  )?.data;
  return data!;
}

export interface Loaded {
  readonly info: DataInfo;
  readonly inputs: Readonly<Record<string, ColumnInfo>>;
  /** Rows of each column. */
  readonly values: Readonly<Record<string, readonly (readonly number[])[]>>;
}

export async function load(data: DataPlan, split = "train", labels: LabelKind = "class"): Promise<Loaded> {
  const info = await describeData(data, asked(labels));
  const { columns, count } = await loadSplit(data, split, info);
  const rows = [...columns].map(([name, { data: all }]) => {
    const width = all.length / count;
    return [name, Array.from({ length: count }, (_, i) => [...all.subarray(i * width, (i + 1) * width)])] as const;
  });
  return { info, inputs: Object.fromEntries(info.inputs.map((it) => [it.name, it])), values: Object.fromEntries(rows) };
}

export const failure = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DataError);
  return `${(error as DataError).message}\n${(error as DataError).hint}`;
};
