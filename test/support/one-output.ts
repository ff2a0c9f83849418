// Networks with one output that has no name, as most tests have them: their types, and what they ask of data.

import type { Artifact } from "../../src/ir/artifact.ts";
import type { DataInfo, LabelKind, LabelRequest, RecipePlan } from "../../src/ir/plan.ts";
import { targetsOf } from "../../src/ir/tasks.ts";

export type OneLabel = Extract<DataInfo, { readonly targets?: never }>;
export type OneTask = Extract<RecipePlan, { readonly tasks?: never }>;
export type OneOutput = Artifact & { readonly recipe: OneTask; readonly dataInfo: OneLabel };

/** What is asked of labels where no recipe asks. */
export const asked = (kind: LabelKind, isCounted = false): readonly LabelRequest[] => [{ output: "", kind, isCounted }];

export function oneLabel(info: DataInfo): OneLabel {
  if (info.targets) throw new Error(`labels of ${targetsOf(info).length} outputs`);
  return info;
}

export function oneTask(recipe: RecipePlan): OneTask {
  if (recipe.tasks) throw new Error(`${recipe.tasks.length} outputs`);
  return recipe;
}

/** What belongs to the only output. */
export function only<T>(of: ReadonlyMap<string, T>): T {
  const [value, ...others] = of.values();
  if (value === undefined || others.length > 0) throw new Error(`${of.size} outputs`);
  return value;
}
