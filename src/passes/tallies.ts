// What an epoch reports is added up step by step: sums of the loss and of metrics, and the scores that rankings are made of.

import { outputPort, type OutputPort, type SumBuffer } from "../ir/artifact.ts";
import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import type { DataInfo, OutputTask } from "../ir/plan.ts";
import { lossPlace, rankedMetrics, sizesOf, tallyPlaces } from "../ir/recipe/metrics/index.ts";
import { KEPT_SCORES, rankScores } from "../ir/recipe/metrics/ranking.ts";
import { ZEROS } from "../ir/state.ts";
import { InternalError, tensorType } from "../ir/types.ts";
import { nameOf, targetOf } from "../ir/tasks.ts";
import type { BatchLoss, StepLoss } from "./loss.ts";
import type { StateTable } from "./states.ts";

interface TallyContext {
  readonly b: Builder;
  readonly states: StateTable;
  readonly tasks: readonly OutputTask[];
  readonly dataInfo: DataInfo;
}

/** What a batch is asked and what it answers, by output. */
interface Answered {
  readonly loss: StepLoss;
  readonly answers: ReadonlyMap<string, Node>;
  readonly labels: ReadonlyMap<string, Node>;
}

/** What a batch adds to the sums of an epoch, by their places; scalars side by side. */
function sumsOf({ b, tasks, dataInfo }: TallyContext, { loss, answers, labels }: Answered): ReadonlyMap<string, readonly Node[]> {
  const sums = new Map<string, readonly Node[]>();
  for (const task of tasks) {
    const { classes = [] } = targetOf(dataInfo, task) ?? {};
    const [part, output, label] = [loss.parts, answers, labels].map((of) => of.get(task.output)) as [BatchLoss?, Node?, Node?];
    if (!part || !output || !label) throw new InternalError(`there is no output "${task.output}"`);
    const tallied = { output, label, weights: part.weights, classes: classes.length };
    sums.set(lossPlace(task), [part.sum, part.weight, part.count]);
    for (const { tally, buffer } of tallyPlaces(task, sizesOf(task, classes, output.type.shape.slice(1))))
      sums.set(buffer, [...(sums.get(buffer) ?? []), tally.build(b, tallied)]);
  }
  return sums;
}

/** Next sums go to `outputs`. */
export function addMetrics(context: TallyContext, prefix: "train" | "eval", answered: Answered, outputs: Map<string, Node>): SumBuffer[] {
  const { b, states, tasks } = context;
  const scalars = new Set(tasks.map(lossPlace));
  const sums = sumsOf(context, answered);
  return [...sums].map(([sum, values]) => {
    const inOne = (): Node =>
      b.concat(
        values.map((x) => b.reshape(x, { shape: [1] })),
        { axis: 0 },
      );
    const added = scalars.has(sum) ? inOne() : at(values, 0);
    const buffer = `${prefix}/${sum}`;
    const old = states.declare({ name: buffer, kind: "metric", type: added.type, init: ZEROS });
    outputs.set(buffer, b.add(old, added));
    return { sum, buffer };
  });
}

/** The scores of the last batches, where a metric asks for them; the names of their buffers. */
export function keepScores(
  { b, states, tasks }: TallyContext,
  cursor: Node,
  answers: ReadonlyMap<string, Node>,
  outputs: Map<string, Node>,
): OutputPort | undefined {
  const buffers = tasks.flatMap((task) => {
    const answer = answers.get(task.output);
    if (!answer || rankedMetrics(task).length === 0) return [];
    const scores = rankScores(b, answer, task.labels);
    const { shape } = scores.type;
    const name = `eval/${nameOf(task.output, "scores")}`;
    const kept = states.declare({ name, kind: "metric", type: tensorType("f32", [KEPT_SCORES, ...shape]), init: ZEROS });
    const batch = b.reshape(scores, { shape: [1, ...shape] });
    outputs.set(name, b.updateSlice(kept, batch, b.rem(cursor, KEPT_SCORES), { axis: 0 }));
    return [{ output: task.output, buffer: name }];
  });
  return buffers.length === 0 ? undefined : outputPort(buffers);
}
