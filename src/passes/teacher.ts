// The teacher of a distilled network in a training step: its answers to the same batch, as it is evaluated. Nothing that is trained is below them, so
// no gradient goes there.

import type { Builder } from "../ir/builder.ts";
import { onlyOutput, type ForwardModel, type NetworkModel } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import type { RecipePlan } from "../ir/plan.ts";
import { distillationOf } from "../ir/recipe/distillations/index.ts";
import { connect } from "./connect.ts";
import type { Folded } from "./folded.ts";
import type { Blend } from "./loss.ts";
import type { Batch } from "./mix-batch.ts";
import { specialize } from "./specialize.ts";
import type { StateTable } from "./states.ts";

interface Taught {
  readonly b: Builder;
  readonly states: StateTable;
  readonly folded: Folded;
  readonly network: NetworkModel;
  readonly recipe: Pick<RecipePlan, "distill">;
}

/** The column that a teacher's answers are kept in, where they are. */
export const ANSWERS = "teacher/answers";

/** What a teacher answers to a batch. */
export function answersOf(
  { b, states, folded, teacher }: Pick<Taught, "b" | "states" | "folded"> & { readonly teacher: ForwardModel },
  batch: Pick<Batch, "inputs">,
): Node {
  for (const { state } of teacher.parameters) states.declare(state);
  return onlyOutput(connect(b, folded.inTraining(specialize(b, teacher, { mode: "eval" })), batch));
}

/** What the loss of a batch takes in of the teacher's answers; undefined without one. @param student scores of the network that is trained */
export function distilled(
  { b, states, folded, network: { teacher }, recipe: { distill } }: Taught,
  batch: Batch,
  student: Node,
): Blend | undefined {
  if (!teacher || !distill) return undefined;
  const output = batch.inputs.get(ANSWERS) ?? answersOf({ b, states, folded, teacher }, batch);
  return (losses, own) => distillationOf(distill).blend(b, distill.args, { losses, own, student, teacher: output });
}
