// Outputs that have names: whether a recipe has a loss for each output of its network. Whether its data has labels for each is in labels.ts.

import { didYouMeanOneOf, type Span } from "../diagnostics.ts";
import type { DataInfo } from "../ir/plan.ts";
import { targetOf } from "../ir/tasks.ts";
import type * as Ast from "./ast.ts";
import type { Reporter } from "./evaluate.ts";
import type { PlannedRecipe } from "./recipe.ts";
import { isNamed } from "./tasks.ts";
import type { NetworkValue } from "./values.ts";

export const outputsOf = ({ declaration }: Pick<NetworkValue, "declaration">): readonly Ast.OutputStatement[] =>
  declaration.body.statements.filter((it) => it.kind === "output");

/** False after a report. */
export function checkOutputs({ tasks, lossSpan }: PlannedRecipe, network: NetworkValue, sink: Reporter): boolean {
  const { name } = network.declaration;
  const outputs = outputsOf(network);
  const names = outputs.map((it) => it.name);
  const [first] = tasks;
  if (outputs.length > 0 && first && !isNamed(first)) {
    const hint = `give each its own: \`loss ${names.map((it) => `${it}: …`).join(", ")}\``;
    sink.report("losses-for-outputs", first.span, { network: name, outputs: names }, { notes: notesOf(outputs), hint });
    return false;
  }
  const strange = tasks.filter((it) => isNamed(it) && !names.includes(it.task.output));
  for (const { task, outputSpan = lossSpan } of strange) {
    const hint = names.length === 0 ? `name it in the network: \`output ${task.output} = x\`` : didYouMeanOneOf(task.output, names);
    sink.report("no-such-output", outputSpan, { name: task.output, where: `those of network \`${name}\`` }, { hint });
  }
  const idle = outputs.filter((it) => !tasks.some(({ task }) => task.output === it.name));
  // A misspelt one is said already.
  if (strange.length === 0)
    for (const it of idle) {
      const hint = `add it: \`loss …, ${it.name}: mse\`; or name the value by \`let\` in the network`;
      sink.report("output-without-loss", lossSpan, { output: it.name }, { notes: notesOf([it]), hint });
    }
  return strange.length + idle.length === 0;
}

const notesOf = (outputs: readonly Ast.OutputStatement[]): { readonly span: Span; readonly text: string }[] =>
  outputs.map(({ nameSpan }) => ({ span: nameSpan, text: "an output" }));

/** What stages cannot do with several losses is said at the loss that it is for. */
export function checkAccumulation({ tasks, stages }: PlannedRecipe, info: DataInfo | undefined, sink: Reporter): void {
  if (!tasks.some(isNamed) || stages.every(({ plan }) => plan.accumulate === undefined)) return;
  for (const { task, loss, span } of tasks) {
    const isPadded = info && targetOf(info, task)?.label.padded;
    const weighs = loss.weighs?.(task.loss.args) === true;
    const isIgnored = loss.ignores?.(task.loss.args) !== undefined;
    const uneven = weighs
      ? "do not all weigh the same"
      : isIgnored
        ? "count for nothing where they are the one that is ignored"
        : undefined;
    const why = isPadded ? "have lengths of their own" : uneven;
    const hint = "leave out `accumulate`, and take a larger `batch`";
    if (why !== undefined)
      sink.report("only-one-output", span, { what: "`accumulate`", why: `the labels of \`${task.output}\` ${why}` }, { hint });
  }
}
