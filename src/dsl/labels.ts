// Whether a data set has labels for what a recipe compares with some: `label`, or for each output that has a name the column of that name.

import type { Span } from "../diagnostics.ts";
import type { DataPlan, WordPlan } from "../ir/plan.ts";
import { isWithoutLabels } from "../ir/recipe/losses/index.ts";
import { sourceOf } from "../ir/recipe/sources/index.ts";
import { columnsOf, LABEL, labelColumns } from "../ir/recipe/sources/table.ts";
import { areLabels, LABEL_COLUMNS } from "./columns.ts";
import type { Reporter } from "./evaluate.ts";
import { isNamed, type PlannedTask } from "./tasks.ts";

/** Whether a data set says what each output is compared with. */
export function checkLabels(data: DataPlan, tasks: readonly PlannedTask[], dataSpan: Span, sink: Reporter): void {
  if (tasks.length === 0) return;
  for (const source of Object.values(data.sources)) {
    const span = source.span ?? dataSpan;
    if (!tasks.some(isNamed)) checkLabel(source, span, sink);
    else checkTargets(data, source, tasks, span, sink);
  }
}

function checkLabel(source: WordPlan, span: Span, sink: Reporter): void {
  const columns = columnsOf(source);
  // One without any has those of the training table, or was said to have none.
  if (Object.keys(columns).length > 0 && !Object.hasOwn(columns, LABEL))
    sink.report("missing-label", span, {}, { hint: `add \`${LABEL}: COLUMN\`` });
}

function checkTargets(data: DataPlan, source: WordPlan, tasks: readonly PlannedTask[], span: Span, sink: Reporter): void {
  const outputs = tasks.flatMap(({ task }) => (isWithoutLabels(task.loss) ? [] : [task.output]));
  if (sourceOf(source).gives !== "columns") {
    const hint = "the folders of pictures are the classes of one output";
    for (const output of outputs.slice(1)) sink.report("output-without-labels", span, { output, data: data.name }, { hint });
    return;
  }
  const columns = columnsOf(source);
  if (Object.keys(columns).length === 0) return;
  const keys = labelColumns(columns, outputs);
  for (const [i, output] of outputs.entries()) {
    const key = keys[i];
    if (key === undefined) sink.report("output-without-labels", span, { output, data: data.name }, { hint: `add \`${output}: COLUMN\`` });
    else if (!areLabels(columns[key] ?? []))
      sink.report("wrong-type", span, { what: `column \`${key}\``, wanted: LABEL_COLUMNS, got: "a word that reads columns of inputs" });
  }
  if (Object.hasOwn(columns, LABEL) && !keys.includes(LABEL)) {
    const hint = `name it after the output: \`${outputs[0] ?? "OUTPUT"}: COLUMN\``;
    sink.report("label-without-output", span, { data: data.name, outputs }, { hint });
  }
}
