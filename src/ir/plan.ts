// What a recipe and its data set ask for, resolved to plain values: the language writes it, the passes and the runtime read it.
// Part of the artifact, so JSON-serializable. Lives in ir/ because dsl/, passes/ and runtime/ never import each other.

import type { Span } from "../diagnostics.ts";
import type { DType, Shape } from "./types.ts";

/** What arguments of words are once they are checked: all of it survives JSON. */
export type PlainValue = number | boolean | string | readonly number[] | Readonly<Record<string, string>>;

/** One word of a recipe or a data set (see ir/recipe/), with all its arguments, defaults filled in. */
export interface WordPlan {
  readonly word: string;
  readonly args: Readonly<Record<string, PlainValue>>;
  /** Where it stands, for what is found out later. Artifacts leave it out. */
  readonly span?: Span;
}

// --- data ---------------------------------------------------------------------------------------------------------------

/** `split train into train 90%, val 10% seed 7`. */
export interface SplitPlan {
  readonly from: string;
  readonly parts: readonly { readonly name: string; readonly fraction: number }[];
  readonly seed: number;
}

export interface DataPlan {
  readonly name: string;
  /** Keyed by split: `train`, `val`, `test`. */
  readonly sources: Readonly<Record<string, WordPlan>>;
  readonly splits: readonly SplitPlan[];
  /** Steps without chance, the same for training, evaluation and prediction; in their order. */
  readonly preprocess: readonly WordPlan[];
  /** Random steps, in training only; one that crops stands for the crops of preprocessing. */
  readonly augment: readonly WordPlan[];
}

/** One input (or the label) of an example, as it is stored on the device. Images are u8[channels, height, width]. */
export interface ColumnInfo {
  readonly name: string;
  readonly dtype: DType;
  /** Of one example, without the batch axis. */
  readonly shape: Shape;
  /** Its values are numbers of something: from 0 up to this many. Written by the compiler, which has seen what they are the numbers of. */
  readonly below?: number;
}

/** What the labels of a data set are: the loss says, since a column of 0 and 1 may be either. */
export type LabelKind = "class" | "number";

/** What can be known of a data set before training: read from folder names, one header, one row. */
export interface DataInfo {
  readonly inputs: readonly ColumnInfo[];
  readonly label: ColumnInfo;
  /** In label order; empty when labels are numbers to regress. */
  readonly classes: readonly string[];
}

// --- recipe -------------------------------------------------------------------------------------------------------------

/** A part of the training with a program of its own. What it freezes is in the compiled stage, as the parameters that it trains. */
export interface StagePlan {
  /** `main` in a recipe without `stage`. */
  readonly name: string;
  readonly optimizer: WordPlan;
  /** How the optimizer's rate changes from step to step of the stage. */
  readonly schedule: WordPlan;
  readonly epochs: number;
}

export interface RecipePlan {
  readonly name: string;
  readonly loss: WordPlan;
  readonly metrics: readonly WordPlan[];
  readonly batch: number;
  readonly seed: number;
  /** In the order in which they train; never empty. */
  readonly stages: readonly StagePlan[];
}
