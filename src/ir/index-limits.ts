// Which inputs of a network hold the numbers of rows, and how many rows there are: what a data set must hold to, since a kernel takes the nearest
// row for one that is not there.

import { topologicalOrder } from "./graph.ts";
import type { ForwardModel } from "./model.ts";
import type { Node } from "./node.ts";
import { at } from "./ops/define.ts";
import type { ColumnInfo, DataInfo, LabelInfo, OutputTask } from "./plan.ts";
import { ignoredLabel } from "./recipe/losses/index.ts";
import { targetOf } from "./tasks.ts";

/** For inputs of the graph under its outputs that are indices: the rows of the smallest table that they are indices into. */
export function indexLimits({ outputs, unpadded }: Pick<ForwardModel, "outputs" | "unpadded">): ReadonlyMap<Node, number> {
  const inputs = new Map([...unpadded].map(([input, values]) => [values, input]));
  const isLeaf = (node: Node): boolean => inputs.has(node) || "role" in node.attrs;
  const isComputed = (node: Node): boolean => !isLeaf(node) && node.op.cost !== 0;
  const limits = new Map<Node, number>();
  for (const node of topologicalOrder([...outputs.values()])) {
    const { picksRows } = node.op;
    if (!picksRows) continue;
    const rows = at(at(node.inputs, picksRows.of).type.shape, 0);
    // What the index is moved from, without anything computed in between.
    for (const leaf of topologicalOrder([at(node.inputs, picksRows.at)], isComputed).filter(isLeaf)) {
      const input = inputs.get(leaf) ?? leaf;
      limits.set(input, Math.min(rows, limits.get(input) ?? Infinity));
    }
  }
  return limits;
}

/** A data set's columns with what their indices must stay below: the rows of embeddings, and the classes that the network has scores for, but for a label that stands for none. */
export function withIndexLimits(info: DataInfo, model: ForwardModel, tasks: readonly OutputTask[]): DataInfo {
  const limits = indexLimits(model);
  const limited = (column: ColumnInfo, below: number | undefined): ColumnInfo => (below === undefined ? column : { ...column, below });
  const inputs = info.inputs.map((column) => {
    const node = model.inputs.get(column.name);
    return limited(column, node && limits.get(node));
  });
  const labelled = <L extends LabelInfo>(of: L): L => {
    const task = tasks.find((it) => targetOf(info, it)?.label === of.label);
    const classes = task?.labels === "class" ? model.outputs.get(task.output)?.type.shape.at(-1) : undefined;
    const ignored = task && ignoredLabel(task.loss);
    return { ...of, label: { ...limited(of.label, classes), ...(ignored !== undefined && { ignored }) } };
  };
  return info.targets ? { ...info, inputs, targets: info.targets.map(labelled) } : { ...labelled(info), inputs };
}
