// `distill from resnet50 weights "…" with soft_targets(…)`: a second network, which answers and is not trained. It takes what the recipe's network
// takes and gives scores for the same classes.

import { onlyOutput, type ForwardModel } from "../ir/model.ts";
import type { WordPlan } from "../ir/plan.ts";
import { DISTILLATION, DISTILLATIONS } from "../ir/recipe/distillations/index.ts";
import { sameShape, sameType } from "../ir/types.ts";
import type * as Ast from "./ast.ts";
import { choose, headOf } from "./choose.ts";
import type { Environment, Reporter } from "./evaluate.ts";
import type { Module } from "./module.ts";
import type { PlannedTask } from "./tasks.ts";
import { describeExpr, shapeText } from "./values.ts";
import { planWeights, type PlannedWeights } from "./weights.ts";

export interface PlannedTeacher {
  readonly setting: Ast.SettingOf<"distill">;
  readonly weights: PlannedWeights;
  readonly plan: WordPlan;
}

/** Undefined after a report. */
export function planTeacher(
  setting: Ast.SettingOf<"distill">,
  tasks: readonly PlannedTask[],
  { recipe, module, env }: { readonly recipe: Ast.RecipeDeclaration; readonly module: Module; readonly env: Environment },
): PlannedTeacher | undefined {
  const { value } = setting.weights;
  if (value.kind === "ref") {
    const wanted = "a file, or `hf:OWNER/NAME`, in quotes";
    const hint = `train it first: \`tlc run SPEC --recipe ${value.name} -o ${value.name}.safetensors\``;
    env.sink.report("wrong-type", value.span, { what: "the weights of a teacher", wanted, got: describeExpr(value) }, { hint });
    return undefined;
  }
  const weights = planWeights(setting.weights, [], recipe, module, env);
  const plan = setting.with === undefined ? DISTILLATION : choose("distillation", setting.with, DISTILLATIONS, env)?.plan;
  const [first] = tasks;
  if (first && first.task.output !== "") {
    const hint = "leave out `distill`, or the outputs but for the one that learns from it, with `loss cross_entropy` without a name";
    env.sink.report("only-one-output", setting.span, { what: "`distill`", why: "a teacher has one answer" }, { hint });
    return undefined;
  }
  if (first && first.loss.outputs !== "class scores") {
    const hint = "`loss cross_entropy` has them";
    env.sink.report("no-scores-to-distill", setting.span, { loss: first.loss.name }, { hint });
    return undefined;
  }
  return weights && plan && { setting, weights, plan };
}

/** Whether a teacher can stand beside a network; what it cannot is reported. */
export function checkTeacher({ setting }: PlannedTeacher, teacher: ForwardModel, student: ForwardModel, sink: Reporter): boolean {
  const name = headOf(setting.network)?.name.name ?? "";
  const differ = (what: string): false => {
    sink.report("teacher-differs", setting.network.span, { teacher: name, what });
    return false;
  };
  for (const [input, { type }] of teacher.inputs) {
    const own = student.inputs.get(input)?.type;
    if (own === undefined) return differ(`takes \`${input}\`, which the network does not`);
    if (!sameType(own, type))
      return differ(`takes \`${input}\` as [${type.shape.slice(1).join(", ")}], the network as [${own.shape.slice(1).join(", ")}]`);
  }
  if (teacher.outputs.size !== 1 || !teacher.outputs.has("")) return differ("has outputs with names, the network one without");
  const [its, own] = [onlyOutput(teacher), onlyOutput(student)];
  return sameShape(its.type.shape, own.type.shape) || differ(`gives ${shapeText(its)}, the network ${shapeText(own)}`);
}
