// What a recipe and its data set ask for, resolved to plain values: the language writes it, the passes and the runtime read it.
// Part of the artifact, so JSON-serializable. Lives in ir/ because dsl/, passes/ and runtime/ never import each other.

import type { Span } from "../diagnostics.ts";
import type { DType, Shape } from "./types.ts";

/** What arguments of words are once they are checked: all of it survives JSON. */
export type PlainValue = number | boolean | string | readonly number[] | readonly ColumnPick[] | InputColumns;

/** Columns of a table: one by its name or by its place, from 0; those from a place up to another; all that its table names nowhere else. */
export type ColumnPick =
  | string
  | number
  | { readonly from: number; readonly to: number }
  | { readonly except: readonly Exclude<ColumnPick, { except: unknown }>[] };

/** The columns of each input of a network, and of `label`: as they are, or as a word of ir/recipe/columns/ reads them. A list makes a vector. */
export type InputColumns = Readonly<Record<string, ColumnPart | readonly ColumnPart[]>>;
export type ColumnPart = ColumnPick | WordPlan;

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
  readonly parts: readonly SplitPart[];
  readonly seed: number;
  /** Each part has its share of every class; so it is where one has a number of examples of each. */
  readonly stratified?: boolean;
  /** Rows with one value in this column are in one part. */
  readonly by?: string | number;
}

/** A share of the source, or so many examples of each class. */
export type SplitPart = { readonly name: string } & ({ readonly fraction: number } | { readonly perClass: number });

export interface DataPlan {
  readonly name: string;
  /** Keyed by split: `train`, `val`, `test`. */
  readonly sources: Readonly<Record<string, WordPlan>>;
  readonly splits: readonly SplitPlan[];
  /** Steps without chance, the same for training, evaluation and prediction; in their order. */
  readonly preprocess: readonly WordPlan[];
  /** Random steps, in training only; one that crops stands for the crops of preprocessing. */
  readonly augment: readonly WordPlan[];
  /** Steps on the columns of tables, without chance as well; left out where there are none. */
  readonly columns?: readonly WordPlan[];
}

/** One input (or the label) of an example, as it is stored on the device. Images are u8[channels, height, width], after all steps that run on the host. */
export interface ColumnInfo {
  readonly name: string;
  readonly dtype: DType;
  /** Of one example, without the batch axis. */
  readonly shape: Shape;
  /** Its values are numbers of something: from 0 up to this many. Written by the compiler, which has seen what they are the numbers of. */
  readonly below?: number;
  /** A number that stands for none, of labels which the loss leaves out. Written by the compiler likewise. */
  readonly ignored?: number;
  /** Of pictures, and of a label that is a mask: [channels, height, width] of the first as it is read, before any step. */
  readonly picture?: Shape;
  /** Of pictures that training stores otherwise than evaluation, since a random crop takes its own part of them. */
  readonly training?: TrainingPictures;
  /** Sequences of up to so many numbers: behind them stands `PADDING` of ir/padding.ts. */
  readonly padded?: true;
  /** Its column in the header of the training table, or its place in one without, where that is not its name. */
  readonly column?: string;
  /** The columns of a table that it is made of, in their order, where that takes more than reading numbers. */
  readonly fields?: readonly FieldInfo[];
}

/** How the cells of a column become numbers, with what the training part of the data said. A word of ir/recipe/columns/ reads them. */
export type FieldInfo = NumberField | CategoryField;

interface FieldBase {
  /** Its name in the header, or its place in a table that has none. */
  readonly column: string;
  /** The word. */
  readonly reading: string;
}

/** (x - shift) * scale, and where `isMarked` 1 if x is missing and 0 if not. */
export interface NumberField extends FieldBase {
  readonly kind: "number";
  readonly shift: number;
  readonly scale: number;
  /** What a missing cell is instead, before it is scaled; left out, it is an error. */
  readonly fill?: number;
  readonly isMarked: boolean;
}

/** A place for each category, then one for missing cells and one for what is not in the list, where they have one. */
export interface CategoryField extends FieldBase {
  readonly kind: "category";
  readonly categories: readonly string[];
  readonly hasMissing: boolean;
  readonly hasUnknown: boolean;
}

export interface TrainingPictures {
  /** [channels, height, width]; 0 for extents that every picture has of its own. */
  readonly shape: Shape;
  /** Steps of preprocessing that they have gone through. */
  readonly steps: readonly WordPlan[];
}

/** What the labels of a data set are: the loss says, since a column of 0 and 1 may be any. A set has any number of the classes. */
export type LabelKind = "class" | "number" | "set";

/** How outputs are read in prediction: as scores of classes, of which a softmax makes probabilities; as one for each class, of which a sigmoid does; or as the answers themselves. */
export type OutputKind = "class scores" | "scores of each class" | "numbers";

/** What the labels of one output are. */
export interface LabelInfo {
  readonly label: ColumnInfo;
  /** In label order; empty when labels are numbers to regress. */
  readonly classes: readonly string[];
  /** Labels that are trained on, and how many of them have each class; where the loss asks for it. */
  readonly labelled?: { readonly labels: number; readonly counts: readonly number[] };
}

/**
 * What can be known of a data set before training: read from folder names, one header, one row. Of a network whose outputs have names,
 * labels have the names of those that they are for, as far as any are.
 */
export type DataInfo = { readonly inputs: readonly ColumnInfo[] } & (
  | (LabelInfo & { readonly targets?: never })
  | { readonly targets: readonly LabelInfo[]; readonly label?: never; readonly classes?: never; readonly labelled?: never }
);

/** What a recipe asks of the labels of a data set. */
export interface LabelRequest {
  /** Of the output that they are for; "" of one without a name. */
  readonly output: string;
  readonly kind: LabelKind;
  /** Whether it is to be said how often each class is labelled in what is trained on. */
  readonly isCounted: boolean;
}

// --- recipe -------------------------------------------------------------------------------------------------------------

/** A number that every epoch reports, `loss` or a metric, of the examples that it trained on or of those that it did not. */
export interface Measure {
  readonly split: "train" | "val";
  readonly metric: string;
  /** Which values are better. */
  readonly better: "higher" | "lower";
}

/** A part of the training with a program of its own. What it freezes is in the compiled stage, as the parameters that it trains. */
export interface StagePlan {
  /** `main` in a recipe without `stage`. */
  readonly name: string;
  readonly optimizer: WordPlan;
  /** How gradients are held within bounds before the optimizer sees them. */
  readonly clip?: WordPlan;
  /** How the optimizer's rate changes from step to step of the stage. */
  readonly schedule: WordPlan;
  readonly epochs: number;
  /** Batches of a step; left out, one. */
  readonly accumulate?: number;
  /** Patterns of scopes: what their layers compute is computed a second time for gradients, instead of kept. `auto`: the compiler chooses segments. */
  readonly recompute?: readonly string[] | "auto";
  /** What is done with the features of frozen layers; left out, they are kept where they may be. */
  readonly features?: WordPlan;
  /** What is added to the loss that is differentiated, each for some of the parameters. */
  readonly penalties?: readonly WordPlan[];
  /** Ends before them once so many epochs in a row have not improved on the best by more than `within`. */
  readonly stop?: Measure & { readonly patience: number; readonly within: number };
  /** Leaves the network as its best epoch had it. */
  readonly keep?: Measure;
  /** What the schedule decides by. */
  readonly watch?: Measure;
}

/** What an optimizer does with some parameters: a parameter group of PyTorch. */
export interface ParameterGroup {
  /** The learning rate, before the schedule. */
  readonly rate: number;
  readonly decay: number;
}

/** What an output is trained for. */
export interface TaskPlan {
  readonly loss: WordPlan;
  /** What the loss takes for labels, and what it takes outputs for. */
  readonly labels: LabelKind;
  readonly outputs: OutputKind;
  /** What is reported beside the loss: what that always brings, and what the recipe asks for. */
  readonly metrics: readonly WordPlan[];
}

/** The same of an output with a name. */
export interface OutputTask extends TaskPlan {
  readonly output: string;
  /** What its loss is multiplied by in the sum that is trained on. */
  readonly weight: number;
}

/** The only task of a network whose output has no name, or one for each output; `tasksOf` of ir/tasks.ts gives either as a list. */
export type RecipePlan = RecipeSettings &
  (
    | (TaskPlan & { readonly tasks?: never })
    | {
        readonly tasks: readonly OutputTask[];
        readonly loss?: never;
        readonly labels?: never;
        readonly outputs?: never;
        readonly metrics?: never;
      }
  );

interface RecipeSettings {
  readonly name: string;
  /** Rows of the network's input, of which each example has as many as the loss has views. */
  readonly batch: number;
  /** Left out, one: for a loss that compares views of an example with each other. */
  readonly views?: number;
  readonly seed: number;
  /** What the operands of products are rounded to; left out, they are f32. */
  readonly precision?: WordPlan;
  /** What stands for the weights where the network answers. */
  readonly average?: WordPlan;
  /** How the loss takes in a teacher's answers. */
  readonly distill?: WordPlan;
  /** Words of adapters; which layers have one is said by their parameters. */
  readonly adapters?: readonly WordPlan[];
  /** In the order in which they train; never empty. */
  readonly stages: readonly StagePlan[];
}

/** Examples in a batch. */
export const examplesIn = ({ batch, views = 1 }: Pick<RecipePlan, "batch" | "views">): number => batch / views;
