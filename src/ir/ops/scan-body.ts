// The form of a scan, for all who look into graphs: its definition needs the interpreter and differentiation, which do.

import type { Node } from "./define.ts";

/**
 * The loop's body: a graph from local inputs to results. It captures nothing but constants.
 * Inputs of a scan node: initial carries, then sequences [length, …], then invariants.
 */
export interface ScanBody {
  readonly carries: readonly Node[];
  readonly slices: readonly Node[];
  readonly invariants: readonly Node[];
  /** New values of the carries. */
  readonly next: readonly Node[];
  /** Values kept of every step, stacked along a new axis 0. */
  readonly outputs: readonly Node[];
}

export interface ScanAttrs {
  readonly body: ScanBody;
  readonly length: number;
  /** Runs from the last step to the first; stacked outputs keep the sequence's order. */
  readonly reverse: boolean;
}
