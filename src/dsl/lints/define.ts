// What a lint is: something that runs and is most likely not meant. Each reports one warning of the catalogue, and says when enough is
// known to find it: once the network is built, or once the data is loaded.

import type { Span } from "../../diagnostics.ts";
import type { Builder } from "../../ir/builder.ts";
import type { ForwardModel } from "../../ir/model.ts";
import type { DataInfo } from "../../ir/plan.ts";
import type { Problem } from "../../ir/recipe/define.ts";
import type { PlannedRecipe } from "../recipe.ts";

/** A recipe with its network. */
export interface BuiltRecipe {
  readonly planned: PlannedRecipe;
  readonly model: ForwardModel;
  readonly builder: Builder;
  /** What its data looks like, where that is known. */
  readonly info: DataInfo | undefined;
}

/** A recipe's data, once it is loaded. */
export interface OpenedData {
  readonly batch: number;
  /** By name: how many examples. */
  readonly splits: Readonly<Record<string, { readonly count: number }>>;
  /** Of each output: its classes, none where labels are numbers, and which of them the labels of each split are. */
  readonly targets: readonly {
    readonly classes: readonly string[];
    readonly found: Readonly<Record<string, ReadonlySet<number>>>;
    /** Of one number that is trained on, as a layer with weights gives it and nothing behind that. */
    readonly numbers?: { readonly output: string; readonly mean: number; readonly deviation: number };
  }[];
  /** Examples of one split that are in another as well. */
  readonly twins: readonly TwinExamples[];
}

export interface TwinExamples {
  readonly split: string;
  readonly other: string;
  readonly count: number;
  /** Of the first few, each beside the one that it equals. */
  readonly names: readonly (readonly [string, string])[];
  readonly isNear: boolean;
}

/** Where in a spec the data's faults are. */
export type DataPlace = "batch" | "train" | "val" | "test" | AnswerPlace;

/** The layer with weights that gives an answer as it is, by the output's name. */
export type AnswerPlace = `answer ${string}`;

export interface NetworkLint {
  readonly when: "network";
  readonly find: (recipe: BuiltRecipe) => readonly { readonly problem: Problem; readonly at: Span }[];
}

export interface DataLint {
  readonly when: "data";
  readonly find: (data: OpenedData) => readonly { readonly problem: Problem; readonly at: DataPlace }[];
}

export type Lint = NetworkLint | DataLint;
