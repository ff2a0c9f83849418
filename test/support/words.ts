// Words as a spec writes them, and recipes around them: for tests that go through every word there is.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileSpec } from "../../src/compile.ts";
import { renderDiagnostics } from "../../src/diagnostics.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { ColumnPart, ColumnPick, DataInfo, DataPlan, InputColumns, WordPlan } from "../../src/ir/plan.ts";
import { pictureColumn } from "../../src/ir/recipe/steps/index.ts";
import { sizeOf, type DType, type Shape } from "../../src/ir/types.ts";

/** `adam(betas: [0.8, 0.9])` */
export function wordText({ word, args }: WordPlan): string {
  const written = Object.entries(args).map(([name, value]) => {
    if (typeof value === "string") return `${name}: ${["average", "against", "negatives"].includes(name) ? value : JSON.stringify(value)}`;
    if (name === "columns") return columnsText(value as readonly ColumnPick[] | InputColumns);
    if (name === "scale" || name === "ratio") return `${name}: ${(value as readonly number[]).join("..")}`;
    if (Array.isArray(value)) return `${name}: [${(value as readonly unknown[]).map((it) => JSON.stringify(it)).join(", ")}]`;
    return `${name}: ${JSON.stringify(value)}`;
  });
  return written.length === 0 ? word : `${word}(${written.join(", ")})`;
}

const columnsText = (columns: readonly ColumnPick[] | InputColumns): string =>
  Array.isArray(columns)
    ? `columns: [${(columns as readonly ColumnPick[]).map(partText).join(", ")}]`
    : Object.entries(columns as InputColumns)
        .map(
          ([input, parts]) => `${input}: ${Array.isArray(parts) ? `[${parts.map(partText).join(", ")}]` : partText(parts as ColumnPart)}`,
        )
        .join(", ");

function partText(part: ColumnPart): string {
  if (typeof part !== "object") return JSON.stringify(part);
  if ("word" in part) return wordText(part);
  if ("from" in part) return `${part.from}..${part.to}`;
  return part.except.length === 0 ? "*" : `* except [${part.except.map(partText).join(", ")}]`;
}

export interface SmallRecipe {
  /** Of one example: u8[channels, height, width] are pictures, as they are read. */
  readonly input: { readonly dtype: DType; readonly shape: Shape };
  /** What the network takes; left out, the same shape. */
  readonly taken?: Shape;
  readonly output: Shape;
  readonly label: { readonly dtype: DType; readonly shape: Shape };
  readonly classes: number;
  /** Lines of the data set and of the recipe. */
  readonly data?: string;
  readonly recipe: string;
  readonly batch?: number;
}

const inputName = ({ dtype }: { readonly dtype: DType }): string => (dtype === "u8" ? "image" : "numbers");

/** The smallest recipe of such data. */
export function smallSpec({ input, taken = input.shape, output, data = "", recipe, batch = 2 }: SmallRecipe): string {
  const source = input.dtype === "u8" ? 'images("pictures")' : 'table("rows.csv", numbers: "x", label: "label")';
  return [
    `network net {\n  input ${inputName(input)}: f32[${taken.join(", ")}]\n  flatten -> fc: linear(${sizeOf(output)}) -> reshape([${output.join(", ")}])\n}`,
    `dataset examples {\n  train ${source}\n  ${data}\n}`,
    `recipe main {\n  network net\n  data examples\n  batch ${batch}\n  epochs 3\n  ${recipe}\n}`,
    "",
  ].join("\n");
}

const smallInfo = ({ input, label, classes }: SmallRecipe, plan: DataPlan): DataInfo => ({
  inputs: [input.dtype === "u8" ? pictureColumn(inputName(input), plan, input.shape) : { name: inputName(input), ...input }],
  label: { name: "label", ...label },
  classes: Array.from({ length: classes }, (_, i) => String(i)),
});

/** Its artifact, every IR verified; throws what the compiler says against it. */
export async function compileSmall(recipe: SmallRecipe, target = "reference"): Promise<Artifact> {
  const folder = mkdtempSync(join(tmpdir(), "tlc-words-"));
  try {
    const file = join(folder, "small.tlspec");
    writeFileSync(file, smallSpec(recipe));
    const { artifact, diagnostics, sources } = await compileSpec(file, {
      target,
      verify: true,
      describeData: (plan) => Promise.resolve(smallInfo(recipe, plan)),
    });
    if (artifact === undefined) throw new Error(renderDiagnostics(diagnostics, sources));
    return artifact;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
