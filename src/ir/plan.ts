// What a recipe and its data set ask for, resolved to plain values: the language writes it, the passes and the runtime read it.
// Part of the artifact, so JSON-serializable. Lives in ir/ because dsl/, passes/ and runtime/ never import each other.

import type { Span } from "../diagnostics.ts";
import type { DType, Shape } from "./types.ts";

// --- data ---------------------------------------------------------------------------------------------------------------

/** One folder per class below `path`; or a table file. Paths are absolute or relative to the working directory. */
export type SourcePlan =
  | { readonly kind: "images"; readonly path: string; readonly span?: Span }
  | {
      readonly kind: "table";
      readonly path: string;
      /** Network input (or `label`) to column name. */
      readonly columns: Readonly<Record<string, string>>;
      readonly span?: Span;
    };

/** `split train into train 90%, val 10% seed 7`. */
export interface SplitPlan {
  readonly from: string;
  readonly parts: readonly { readonly name: string; readonly fraction: number }[];
  readonly seed: number;
}

/** Deterministic steps, the same for training, evaluation and prediction. `resize` is the shorter side, in pixels. */
export type PreprocessStep =
  | { readonly kind: "resize"; readonly size: number }
  | { readonly kind: "center_crop"; readonly size: number }
  | { readonly kind: "grayscale" }
  | { readonly kind: "normalize"; readonly mean: readonly number[]; readonly std: readonly number[] };

/** Random steps, in training only; a crop replaces the `center_crop` of preprocessing. */
export type AugmentStep =
  | { readonly kind: "random_crop"; readonly size: number; readonly padding: number }
  | {
      readonly kind: "random_resized_crop";
      readonly size: number;
      readonly scale: readonly [number, number];
      readonly ratio: readonly [number, number];
    }
  | { readonly kind: "horizontal_flip"; readonly probability: number };

export interface DataPlan {
  readonly name: string;
  /** Keyed by split: `train`, `val`, `test`. */
  readonly sources: Readonly<Record<string, SourcePlan>>;
  readonly splits: readonly SplitPlan[];
  readonly preprocess: readonly PreprocessStep[];
  readonly augment: readonly AugmentStep[];
}

/** One input (or the label) of an example, as it is stored on the device. Images are u8[channels, height, width]. */
export interface ColumnInfo {
  readonly name: string;
  readonly dtype: DType;
  /** Of one example, without the batch axis. */
  readonly shape: Shape;
}

/** What can be known of a data set before training: read from folder names, one header, one row. */
export interface DataInfo {
  readonly inputs: readonly ColumnInfo[];
  readonly label: ColumnInfo;
  /** In label order; empty when labels are numbers to regress. */
  readonly classes: readonly string[];
}

// --- recipe -------------------------------------------------------------------------------------------------------------

/** PyTorch's semantics: `sgd` and `adam` add weight decay to the gradient, `adamw` decouples it (Loshchilov & Hutter 2019). */
export type OptimizerPlan =
  | {
      readonly kind: "sgd";
      readonly lr: number;
      readonly momentum: number;
      readonly dampening: number;
      readonly nesterov: boolean;
      readonly weightDecay: number;
    }
  | {
      readonly kind: "adam" | "adamw";
      readonly lr: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly eps: number;
      readonly weightDecay: number;
    };

export type LossPlan = { readonly kind: "cross_entropy"; readonly labelSmoothing: number } | { readonly kind: "mse" };

export type MetricName = "accuracy" | "precision" | "recall" | "f1";

export interface RecipePlan {
  readonly name: string;
  /** `main` for a recipe without `stage`. */
  readonly stage: string;
  readonly loss: LossPlan;
  readonly metrics: readonly MetricName[];
  readonly optimizer: OptimizerPlan;
  readonly batch: number;
  readonly epochs: number;
  readonly seed: number;
}
