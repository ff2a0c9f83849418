// A network while it is built, as its layers see it: what was asked for, and what has come together so far.

import type { Builder } from "../ir/builder.ts";
import type { Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import type { Shape } from "../ir/types.ts";
import type { Reporter } from "./evaluate.ts";

export interface ElaborateOptions {
  readonly builder: Builder;
  readonly mode: "train" | "eval";
  /** Examples in a batch: axis 0 of every input and output. */
  readonly batch: number;
  /** Extents of symbolic dimensions, by name. */
  readonly dims?: Readonly<Record<string, number>>;
  /** What an example of each input looks like, without the batch axis; binds symbolic dimensions. */
  readonly inputShapes?: ReadonlyMap<string, Shape>;
  /** Whether training leaves a parameter as it is. */
  readonly frozen?: (name: string) => boolean;
  /** bool[batch], false for the filling of the last batch. */
  readonly mask?: Node;
  /** For dropout, u32[] each; left out, nothing is dropped. Streams are counted from `firstStream`. */
  readonly random?: { readonly seed: Node; readonly step: Node; readonly firstStream?: number };
}

export interface NetworkInProgress {
  readonly options: ElaborateOptions;
  /** By name. */
  readonly parameters: Map<string, Parameter>;
  /** New values of buffers, by name. */
  readonly updates: Map<string, Node>;
  /** Reports with the way here: which block was being built, and where it was used. */
  readonly sink: Reporter;
  /** The number of the next random tensor. */
  nextStream(): number;
}
