// Metrics as people read them: shares in percent, numbers with four digits, a matrix as a table of its own.

import type { Artifact } from "../ir/artifact.ts";
import { isShare } from "../ir/recipe/metrics/index.ts";
import { nameOf, targetOf, tasksOf } from "../ir/tasks.ts";
import type { Metrics } from "../runtime/metrics.ts";

/** Four digits, never in exponents for ordinary sizes. */
export const number = (value: number): string => (Math.abs(value) >= 1000 ? Math.round(value).toString() : value.toPrecision(4));

/** In a line, without what takes more than one. */
export const metricsText = (metrics: Metrics): string =>
  Object.entries(metrics)
    .flatMap(([name, value]) => {
      if (typeof value !== "number") return [];
      return [`${name} ${isShare(name) ? `${(value * 100).toFixed(2)}%` : number(value)}`];
    })
    .join(" ");

/** As wide as a terminal, about. */
const MOST_COLUMNS = 16;
const LONGEST_NAME = 12;

/** The classes that a matrix of this name has rows of. */
export type ClassNames = (metric: string) => readonly string[];

export const classNames =
  ({ recipe, dataInfo }: Pick<Artifact, "recipe" | "dataInfo">): ClassNames =>
  (metric) => {
    const task = tasksOf(recipe).find(({ output }) => output === "" || metric.startsWith(nameOf(output, "")));
    return (task && targetOf(dataInfo, task)?.classes) ?? [];
  };

/** Lines of the matrices among metrics: a row for each class, a column for each answer. */
export const matrixLines = (metrics: Metrics, classesOf: ClassNames): readonly string[] =>
  Object.entries(metrics).flatMap(([name, value]) => (typeof value === "number" ? [] : tableOf(name, value, classesOf(name))));

function tableOf(name: string, rows: readonly (readonly number[])[], classes: readonly string[]): readonly string[] {
  if (rows.length > MOST_COLUMNS) return [`${name}: ${rows.length} x ${rows.length} numbers, which --json has`];
  const names = rows.map((_, c) => (classes[c] ?? String(c)).slice(0, LONGEST_NAME));
  const first = Math.max(name.length, ...names.map((it) => it.length));
  const widths = names.map((it, c) => Math.max(it.length, ...rows.map((row) => String(row[c] ?? 0).length)));
  const line = (head: string, cells: readonly string[]): string =>
    [head.padEnd(first), ...cells.map((cell, c) => cell.padStart(widths[c] ?? 0))].join("  ");
  return [
    line(name, names),
    ...rows.map((row, r) =>
      line(
        names[r] ?? "",
        row.map((count) => String(count)),
      ),
    ),
  ];
}
