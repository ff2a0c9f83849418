// The graph IR's node: an operation applied to nodes. Nodes are immutable and interned by their builder, so that equality of
// meaning is equality of reference.

import type { AnyOp } from "./ops/define.ts";
import type { TensorType } from "./types.ts";

export interface Node<A extends object = object> {
  /** Creation order within a builder: inputs have smaller ids, so ids order a graph topologically. */
  readonly id: number;
  readonly op: AnyOp;
  readonly inputs: readonly Node[];
  readonly attrs: A;
  readonly type: TensorType;
}
