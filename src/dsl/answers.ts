// Whether what a network gives can be compared with the labels of its data: found from shapes, and said at the layer that the answer
// comes from, with what to write there instead.

import type { ReportExtra, Span } from "../diagnostics.ts";
import type { Builder } from "../ir/builder.ts";
import type { ForwardModel } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import type { DataInfo, OutputTask } from "../ir/plan.ts";
import { problem, type Problem } from "../ir/recipe/define.ts";
import { crossEntropy } from "../ir/recipe/losses/cross-entropy.ts";
import type { Loss } from "../ir/recipe/losses/define.ts";
import { balancedLoss, isAgainstInput, isWithoutLabels } from "../ir/recipe/losses/index.ts";
import { metricsOf } from "../ir/recipe/metrics/index.ts";
import { r2 } from "../ir/recipe/metrics/r2.ts";
import { rmse } from "../ir/recipe/metrics/rmse.ts";
import type { Source } from "../ir/recipe/sources/define.ts";
import { sourceOf } from "../ir/recipe/sources/index.ts";
import { targetOf } from "../ir/tasks.ts";
import { InternalError, sameShape, sizeOf, type Shape } from "../ir/types.ts";
import { reportProblem } from "./choose.ts";
import type { KnownLabels } from "./classes-last.ts";
import type { Reporter } from "./evaluate.ts";
import { linear } from "./layers/linear.ts";
import { flatten, last, mean } from "./layers/shape.ts";
import type { PlannedRecipe } from "./recipe.ts";
import type { PlannedTask } from "./tasks.ts";
import { shapeText } from "./values.ts";

/** What is known of the labels that a loss of classes compares an output with; undefined where it is nothing, or the loss takes others. */
export function classLabels(
  planned: PlannedRecipe,
  task: OutputTask,
  info: DataInfo | undefined,
  inputs: ReadonlyMap<string, Shape>,
): KnownLabels | undefined {
  if (task.labels !== "class" || isWithoutLabels(task.loss)) return undefined;
  return info === undefined ? labelsOfSource(planned, inputs) : knownOf(info, task);
}

function knownOf(info: DataInfo, task: OutputTask): KnownLabels | undefined {
  const target = targetOf(info, task);
  return target && { label: target.label, classes: target.classes.length };
}

/** An output of the network, beside what it is compared with. */
interface Answer extends PlannedTask {
  readonly output: Node;
  /** The layer that it comes from, where that is in the spec. */
  readonly made: Span | undefined;
  readonly place: Span;
  readonly notes: NonNullable<ReportExtra["notes"]>;
}

/** @param info of the data, where it has been looked at; without, what its kind of source says is compared */
export function checkAnswers(
  planned: PlannedRecipe,
  model: ForwardModel,
  builder: Builder,
  info: DataInfo | undefined,
  sink: Reporter,
): void {
  const { network } = planned;
  for (const task of planned.tasks) {
    const output = model.outputs.get(task.task.output);
    if (!output) throw new InternalError(`outputs were compared with losses, and "${task.task.output}" is none`);
    const made = builder.originOf(output)?.span;
    const place: Span = made?.file === network.span.file ? made : network.span;
    const answer = { ...task, output, made, place, notes: [{ span: task.span, text: "compared here" }] };
    checkAnswer(planned, answer, model.inputs, info, sink);
  }
}

function checkAnswer(
  planned: PlannedRecipe,
  answer: Answer,
  inputs: ForwardModel["inputs"],
  info: DataInfo | undefined,
  sink: Reporter,
): void {
  const { task, loss, span, output: node, place, notes, made, metricSpans } = answer;
  const { data } = planned;
  const unusable = unusableOutput(loss, node);
  if (unusable !== undefined) {
    reportProblem(sink, place, unusable, { notes });
    return;
  }
  if (isAgainstInput(task.loss)) {
    checkReconstruction(answer, inputs, sink);
    return;
  }
  if (loss.views !== undefined) {
    checkViews(answer, sink);
    return;
  }
  const labels = info === undefined ? labelsOfSource(planned, inputShapesOf(inputs)) : knownOf(info, task);
  if (labels === undefined) return;
  const { label, classes } = labels;
  if (loss.labels === "class" && label.dtype === "f32") {
    sink.report("labels-are-numbers", span, { loss: loss.name });
    return;
  }
  if (loss.labels === "number" && (classes ?? Infinity) > 0 && label.dtype !== "f32") {
    const hint = `\`loss ${crossEntropy.name}\` compares with classes`;
    sink.report("labels-are-classes", span, { loss: loss.name, ...(classes !== undefined && { classes }) }, { hint });
    return;
  }
  for (const { name, metric, args } of metricsOf(task)) {
    const fault = metric.fits?.(args, { classes: classes ?? 0 });
    if (fault !== undefined) reportProblem(sink, metricSpans.get(name) ?? span, fault);
  }
  if (info) checkIgnored(planned, answer, info, sink);
  const output = node.type.shape.slice(1);
  const misfit = loss.fits({ loss: loss.name, output, label, classes: classes ?? 0, data: data?.name ?? "" }, task.loss.args);
  if (misfit === undefined) {
    const target = info && targetOf(info, task);
    const balanced = target && balancedLoss(task.loss, target);
    if (balanced && "params" in balanced) reportProblem(sink, span, balanced);
    return;
  }
  const from = made === undefined ? [] : [{ span: made, text: "the scores come from here" }];
  if (misfit.name === "weight-count") {
    reportProblem(sink, span, misfit, { notes: from });
    return;
  }
  // A wrong number of classes is as often an argument of the network as a number in it.
  if (misfit.name === "class-count")
    reportProblem(sink, planned.network.span, misfit, { notes: from, hint: classesFix(planned, task.output, classes) });
  else reportProblem(sink, place, misfit, { notes, hint: fixFor(loss, output, label.shape) });
}

/** A table's labels are classes in their order, whatever numbers they are: what is left out is one of those. */
function checkIgnored({ data }: PlannedRecipe, { task, loss, span }: Answer, info: DataInfo, sink: Reporter): void {
  const source = data?.sources["train"];
  const ignored = loss.ignores?.(task.loss.args);
  if (ignored === undefined || !source || sourceOf(source).gives !== "columns") return;
  const classes = targetOf(info, task)?.classes ?? [];
  const place = classes.indexOf(String(ignored));
  if (place < 0 || place === ignored) return;
  const hint = `\`${String(ignored)}\` is class ${place}: \`ignore: ${place}\``;
  sink.report("ignored-class", span, { loss: loss.name, ignored, name: classes[ignored] ?? "" }, { hint });
}

function classesFix({ network, data }: PlannedRecipe, output: string, classes = 0): string {
  const asked = [data?.name ?? "NAME", ...(output === "" ? [] : [output]), "classes"].join(".");
  if (network.kind === "call") return `give the network \`${asked}\` outputs`;
  return `end ${output === "" ? "the network" : `\`${output}\``} with ${classes} scores: \`${linear.name}(${classes})\``;
}

/** An autoencoder gives what it is given: one input, of the output's shape. */
function checkReconstruction(
  { task, span, output, place, notes, metricSpans }: Answer,
  inputs: ForwardModel["inputs"],
  sink: Reporter,
): void {
  const [only, ...others] = [...inputs.values()];
  if (!only || others.length > 0 || only.type.dtype !== "f32") {
    sink.report("no-input-to-compare", span, { loss: task.loss.word, inputs: inputs.size });
    return;
  }
  if (!sameShape(only.type.shape, output.type.shape)) {
    const [, ...wanted] = only.type.shape;
    const reshaped = `\`reshape([${wanted.join(", ")}])\``;
    const isSame = sizeOf(only.type.shape) === sizeOf(output.type.shape);
    const hint = isSame
      ? `end the network with ${reshaped}`
      : `end the network with ${sizeOf(wanted)} numbers, and ${reshaped} where they stand in another shape`;
    sink.report("reconstruction-shape", place, { output: shapeText(output), input: shapeText(only) }, { notes, hint });
  }
  // Its spread is that of labels, which nobody has looked at here.
  const ofLabels = metricSpans.get(r2.name);
  if (ofLabels) sink.report("metric-of-labels", ofLabels, { metric: r2.name }, { hint: `\`${rmse.name}\` is the error itself` });
}

/** A vector of each example is compared with others; nothing is there for metrics to be of. */
function checkViews({ task, loss: { name, fits }, output, place, notes, metricSpans }: Answer, sink: Reporter): void {
  const comparison = { loss: name, output: output.type.shape.slice(1), label: { dtype: "f32", shape: [] }, classes: 0, data: "" } as const;
  const misfit = fits(comparison, task.loss.args);
  if (misfit !== undefined) reportProblem(sink, place, misfit, { notes });
  for (const [metric, span] of metricSpans) sink.report("metric-without-labels", span, { metric, loss: name });
}

/** What no label could be compared with. */
function unusableOutput({ name, labels }: Loss, output: Node): Problem | undefined {
  const got = shapeText(output);
  if (output.type.dtype !== "f32") return problem("bad-element-type", { layer: name, wanted: "numbers (f32)", got });
  if (labels === "set" && output.type.shape.length > 2)
    return problem(
      "wrong-rank",
      { layer: name, wanted: "a score for each class [classes]", got },
      "put `flatten` or `global_avg_pool` before the last layer; of masks, `loss cross_entropy` and `loss dice` compare the classes of pixels",
    );
  if (labels === "class" && output.type.shape.length < 2)
    return problem("wrong-rank", { layer: name, wanted: "scores [classes]", got }, `end the network with \`${linear.name}(CLASSES)\``);
  return undefined;
}

const inputShapesOf = (inputs: ForwardModel["inputs"]): ReadonlyMap<string, Shape> =>
  new Map([...inputs].map(([name, { type }]) => [name, type.shape.slice(1)]));

/** Folders of pictures say what a label is before anybody looks into them: one for each, or one for each of its pixels. */
function labelsOfSource({ data }: PlannedRecipe, inputs: ReadonlyMap<string, Shape>): KnownLabels | undefined {
  const source = data?.sources["train"];
  if (source === undefined) return undefined;
  const { label, classes }: Source = sourceOf(source);
  if (classes === undefined) return label && { label };
  const [, height, width] = [...inputs.values()][0] ?? [];
  if (height === undefined || width === undefined) return undefined;
  return { label: { dtype: "u8", shape: [1, height, width] }, classes: classes(source.args).length };
}

/** The way out that is meant most often. @param output and label of one example */
function fixFor({ labels }: Loss, output: Shape, label: Shape): string | undefined {
  const count = sizeOf(label);
  const end = labels === "class" ? `the last layer` : `\`${linear.name}(1)\``;
  if (count === 1) {
    if (output.length === 1) return labels === "number" ? `end the network with one number: ${end}` : undefined;
    if (output.length === 2) return `for one answer instead of one for each step, put \`${last.name}\` or \`${mean.name}\` before ${end}`;
    return `for one answer for the whole example, put \`${flatten.name}\` or \`global_avg_pool\` before ${end}`;
  }
  if (labels === "number") return output.length === 1 ? `end the network with as many numbers: \`${linear.name}(${count})\`` : undefined;
  if (output.length === 1)
    return `the data has a label for each step: leave out what makes one vector of the sequence (\`${last.name}\`, \`${mean.name}\` or \`${flatten.name}\`)`;
  return undefined;
}
