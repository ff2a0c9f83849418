// The tasks of a recipe: its network's outputs, each with its loss, its labels and its metrics. A network whose output has no name has one task,
// under the name "", and whoever asks for tasks need not know which of the two forms a plan has.

import type { ColumnInfo, DataInfo, LabelInfo, LabelRequest, OutputTask, RecipePlan } from "./plan.ts";
import { InternalError, type Shape } from "./types.ts";

export function tasksOf(recipe: RecipePlan): readonly OutputTask[] {
  if (recipe.tasks) return recipe.tasks;
  const { loss, labels, outputs, metrics } = recipe;
  return [{ output: "", weight: 1, loss, labels, outputs, metrics }];
}

/** A recipe with other tasks for its own. */
export const withTasks = (recipe: RecipePlan, map: (task: OutputTask) => OutputTask): RecipePlan => {
  if (recipe.tasks) return { ...recipe, tasks: recipe.tasks.map(map) };
  const [{ loss, labels, outputs, metrics } = recipe] = tasksOf(recipe).map(map);
  return { ...recipe, loss, labels, outputs, metrics };
};

/** The labels that a data set has. */
export const targetsOf = (info: DataInfo): readonly LabelInfo[] => info.targets ?? [info];

/** Those of a task; undefined where it compares with no label. */
export const targetOf = (info: DataInfo, { output }: Pick<OutputTask, "output">): LabelInfo | undefined =>
  info.targets ? info.targets.find(({ label }) => label.name === output) : info;

/** What is known of a data set. @param labels of each request, in their order */
export function dataInfoOf(inputs: DataInfo["inputs"], requests: readonly LabelRequest[], labels: readonly LabelInfo[]): DataInfo {
  const [only] = requests.some(({ output }) => output === "") ? labels : [];
  return only ? { inputs, ...only } : { inputs, targets: labels };
}

/** The column of the labels of an output. */
export const labelName = (output: string): string => (output === "" ? "label" : output);

/** Columns that a data set feeds a program with, labels behind inputs. */
export const columnsIn = (info: DataInfo): readonly ColumnInfo[] => [...info.inputs, ...targetsOf(info).map(({ label }) => label)];

/** Names of columns that are labels. */
export const labelNames = (info: DataInfo): readonly string[] => targetsOf(info).map(({ label }) => label.name);

/** What a network gives for one example, of an artifact or what has its fields. */
export interface OutputShapes {
  /** Of the only output of a network that gives it no name; or by their names. */
  readonly outputShape?: Shape;
  readonly outputShapes?: Readonly<Record<string, Shape>>;
}

export function outputShapeOf({ outputShape, outputShapes }: OutputShapes, { output }: Pick<OutputTask, "output">): Shape {
  const shape = output === "" ? outputShape : outputShapes?.[output];
  if (!shape) throw new InternalError(`there is no output "${output}"`);
  return shape;
}

/** What belongs to an output, among what belongs to others: `breed.accuracy`. */
export const nameOf = (output: string, name: string): string => (output === "" ? name : `${output}.${name}`);
