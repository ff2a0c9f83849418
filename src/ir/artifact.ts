// A Program with what the runtime must know around it: the meaning of its well-known buffers, the parameters' names, the data.
//
// Buffers that a runtime reads and writes by name ([] is a scalar, stored as one element):
//   weight/NAME                parameters and running statistics, PyTorch's names
//   seed u32[]                 written once before `init`
//   train/step u32[]           training steps done since init; counts on the device
//   train/cursor i32[]         batch within the epoch; counts on the device, the host writes 0 to start an epoch
//   train/count i32[]          examples in the epoch; the last batch is masked to it
//   train/order i32[n]         data; position in the epoch -> example
//   train/INPUT, train/label   data; all examples
//   train/epochs i32[]         epochs of the run, only where the schedule asks; the host writes it
//   train/metrics f32[n]       sums since the host last wrote zeros: loss x weight, weight (labels seen), and what the recipe's
//                              metrics tally in one number each, as correct labels (see ir/recipe/metrics/)
//   train/TALLY f32[…]         sums likewise, of tallies that are no single number: train/confusion f32[c, c], row = true class
//   train/losses f32[256]      mean loss of the batch at train/cursor % 256, likewise train/rates: the learning rate
//   eval/…                     the same without step, order, losses and rates; examples in stored order
//   predict/INPUT              one batch, in stored form (u8 images, before normalization)
//   predict/output f32[b, …]   the network's output

import type { DataPlan, DataInfo, RecipePlan } from "./plan.ts";
import type { EntryName, Program } from "./program.ts";
import type { DType, Shape } from "./types.ts";

export const LOSS_HISTORY = 256;

export interface ParameterInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly kind: "weight" | "buffer";
  readonly trainable: boolean;
}

export interface Artifact {
  readonly format: "tlc-artifact";
  readonly version: 1;
  /** The recipe's name. */
  readonly name: string;
  readonly recipe: RecipePlan;
  readonly data?: DataPlan;
  readonly dataInfo: DataInfo;
  /** Of one example, without the batch axis. */
  readonly outputShape: Shape;
  readonly parameters: readonly ParameterInfo[];
  readonly report: StageReport;
  readonly program: Program;
}

/** What an entry does when it runs once. */
export interface EntryReport {
  /** Nodes of its graph. */
  readonly ops: number;
  readonly kernels: number;
  /** Kernels launched, loops counted. */
  readonly launches: number;
  /** Floating-point operations of matrix products and convolutions; two for a multiply-add. */
  readonly flops: number;
}

export interface StageReport {
  /** The trainable parameters nearest to the input: nothing below them is differentiated. */
  readonly frontier: readonly string[];
  readonly entries: Readonly<Partial<Record<EntryName, EntryReport>>>;
  readonly bytes: {
    readonly weights: number;
    readonly gradients: number;
    readonly optimizer: number;
    /** Kept activations, gradients and workspace, sharing bytes where their lives do not overlap; and the least it could be. */
    readonly temporary: number;
    readonly temporaryLowerBound: number;
    /** Everything but resident data. */
    readonly arena: number;
  };
}
