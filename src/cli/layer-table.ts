// The table of `tlc inspect`: a line for each layer, with what it gives and what it learns.

import type { InspectedLayer } from "./events.ts";

const integer = (value: number): string => value.toLocaleString("en");

/** Names to the left, numbers to the right. */
export function layerTable(rows: readonly InspectedLayer[], stages: readonly string[]): readonly string[] {
  const trained = stages.length === 1 ? ["trainable"] : stages.map((stage) => `in ${stage}`);
  // A compiled folder does not say what its layers give.
  const hasOutputs = rows.some(({ output }) => output !== undefined);
  const line = ({ layer, kind, output, parameters, trainable }: InspectedLayer): readonly string[] => [
    layer === kind ? layer : `${layer} (${kind})`,
    ...(hasOutputs ? [`[${output?.join(", ") ?? ""}]`] : []),
    integer(parameters),
    ...stages.map((stage) => integer(trainable[stage] ?? 0)),
  ];
  const total = (of: (row: InspectedLayer) => number): string => integer(rows.reduce((sum, row) => sum + of(row), 0));
  const cells = [
    ["layer", ...(hasOutputs ? ["output"] : []), "parameters", ...trained],
    ...rows.map(line),
    [
      "total",
      ...(hasOutputs ? [""] : []),
      total(({ parameters }) => parameters),
      ...stages.map((stage) => total(({ trainable }) => trainable[stage] ?? 0)),
    ],
  ];
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, i) => (i < (hasOutputs ? 2 : 1) ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
