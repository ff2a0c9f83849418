// What a compilation gives: the recipe, its data, the network's parameters, and one program per stage with what a runtime must know
// around it: which entries it has, what they are for, and which buffers the host writes and reads for each.

import type { AdapterInfo } from "./model.ts";
import type { ColumnInfo, DataPlan, DataInfo, ParameterGroup, RecipePlan } from "./plan.ts";
import type { EntryName, Program } from "./program.ts";
import type { State } from "./state.ts";
import type { OutputShapes } from "./tasks.ts";
import type { DType, Shape } from "./types.ts";

/** Steps whose losses and rates stay on the device: a chunk of steps must not be longer. */
export const LOSS_HISTORY = 256;

export const ARTIFACT_VERSION = 8;

/** Where a compiled folder holds the artifact of a target. */
export const artifactFile = (target: string): string => `${target}/artifact.json`;

/** A tensor of the network's `state_dict`. */
export interface ParameterInfo {
  /** PyTorch's name. */
  readonly name: string;
  /** The state that holds it, in the program of every stage. */
  readonly state: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly kind: "weight" | "statistic";
  /** Of what stands beside a layer and is trained in its place; a file without any leaves the network as it is without them. */
  readonly adapter?: AdapterInfo;
}

/** The buffer of a column (an input, or the label). One that no result depends on has none. */
export interface ColumnBuffer {
  readonly column: string;
  readonly buffer: string;
  /** Of pictures with sizes of their own: where each lies in it (see ir/recipe/steps/places.ts). */
  readonly places?: string;
}

/** A buffer for each of several outputs. */
export interface OutputBuffer {
  readonly output: string;
  readonly buffer: string;
}

/** A buffer of the only output of a network that gives it no name, or those of outputs by their names. */
export type OutputPort = string | readonly OutputBuffer[];

export const outputBuffers = (port: OutputPort | undefined): readonly OutputBuffer[] =>
  typeof port === "string" ? [{ output: "", buffer: port }] : (port ?? []);

/** What outputs with names have a buffer each for. */
export function outputPort(buffers: readonly OutputBuffer[]): OutputPort {
  const [first] = buffers;
  return first?.output === "" ? first.buffer : buffers;
}

/** Sums of an epoch, in the device's hands until the host reads them and writes zeros: a place of ir/recipe/metrics/, and its buffer, f32. */
export interface SumBuffer {
  readonly sum: string;
  readonly buffer: string;
}

/** Batches of a data set on the device, in turn. */
interface EpochPorts {
  /** All examples. */
  readonly columns: readonly ColumnBuffer[];
  /** i32[]: the batch within the epoch; counts on the device, the host writes 0 to start an epoch. */
  readonly cursor: string;
  /** i32[]: examples in the epoch; the last batch is masked to it. */
  readonly count: string;
  readonly sums: readonly SumBuffer[];
}

/** What an entry does when it runs once, and the buffers that a host uses around it. */
export type EntryPorts =
  /** Gives every state its initial value. */
  | { readonly purpose: "initialize" }
  /** Makes states of kind `folded` of the others, as they are then; `isSteady`: of such as the training step leaves alone. */
  | { readonly purpose: "fold"; readonly isSteady: boolean }
  /** A training step. */
  | ({
      readonly purpose: "train";
      /** i32[n], as data: position in the epoch -> example. */
      readonly order: string;
      /** i32[]: epochs of the run; absent where the schedule does not ask. */
      readonly epochs?: string;
      /** f32[LOSS_HISTORY]: the mean loss of batch i at i % LOSS_HISTORY, and the learning rate likewise. */
      readonly losses: string;
      readonly rates: string;
      /** f32[]: what the host multiplies the rates by, of a schedule that watches epochs. */
      readonly decided?: string;
    } & EpochPorts)
  /** A batch of an evaluation; examples in stored order. Scores are of the outputs whose metrics ask for them. */
  | ({
      readonly purpose: "evaluate";
      /** f32[KEPT_SCORES, labels, classes]: those of batch i at i % KEPT_SCORES, for metrics that are made of scores (ir/recipe/metrics/ranking.ts). */
      readonly scores?: OutputPort;
    } & EpochPorts)
  /** A batch in stored form (u8 images, before normalization) to the network's output, f32[batch, ...]. */
  | { readonly purpose: "predict"; readonly columns: readonly ColumnBuffer[]; readonly output: OutputPort }
  /** A batch in stored form to what the feature cache keeps of it: outputs, [batch, …] each. */
  | { readonly purpose: "features"; readonly columns: readonly ColumnBuffer[]; readonly outputs: readonly ColumnBuffer[] }
  /** The same of examples as training sees them, augmented: of a data set, or part of one, that lies on the device. */
  | {
      readonly purpose: "views";
      readonly columns: readonly ColumnBuffer[];
      /** i32[] each: the first example of the batch, and how many there are. */
      readonly first: string;
      readonly count: string;
      /** u32[]: what random numbers are of in place of a step; absent where nothing draws. */
      readonly draw?: string;
      readonly outputs: readonly ColumnBuffer[];
    }
  /** A training step on a batch as the network takes it; leaves the mean loss, the output and gradients. */
  | {
      readonly purpose: "trace";
      readonly columns: readonly ColumnBuffer[];
      /** i32[] each: examples in an epoch, and epochs; absent where the schedule does not ask. */
      readonly count?: string;
      readonly epochs?: string;
      readonly loss: string;
      /** Of each output that has a name, before it is weighted. */
      readonly parts?: readonly OutputBuffer[];
      readonly output: OutputPort;
      readonly gradients: readonly { readonly parameter: string; readonly buffer: string }[];
    };

export type EntryPurpose = EntryPorts["purpose"];

/** Names of states: of a weight, of the average that stands for it, and of a count that is 0 while there is no average yet. */
export interface StageAverage {
  readonly weight: string;
  readonly average: string;
  readonly steps: string;
}

/** One stage, compiled. Its settings are those of the recipe's stage with the same place. */
export interface CompiledStage {
  readonly name: string;
  /** Names of the parameters that the stage trains. */
  readonly trainable: readonly string[];
  /** The same, by how the optimizer trains them. */
  readonly groups: readonly (ParameterGroup & { readonly parameters: readonly string[] })[];
  /** What evaluations and files have in the place of weights; left out where they have the weights. */
  readonly averages?: readonly StageAverage[];
  /** u32[]: where random numbers come from, written once before anything runs; absent where there are none. */
  readonly seed?: string;
  /** Everything that is carried from step to step. */
  readonly states: readonly State[];
  readonly entries: Readonly<Record<EntryName, EntryPorts>>;
  /** Where part of the network can run once for each example of a stage, instead of in every epoch. */
  readonly features?: StageFeatures;
  readonly report: StageReport;
  readonly program: Program;
}

/** The feature cache of a stage: what it keeps of each example, and the entries that make it and go on from it. */
export interface StageFeatures {
  /** Stages with equal keys make the same features of the same weights. */
  readonly key: string;
  readonly columns: readonly ColumnInfo[];
  /** Where only a teacher's answers are kept: what the training step takes of the examples beside them, as they are. */
  readonly inputs?: readonly ColumnInfo[];
  /** Names of the parameters that features are made of; the stage leaves them alone. */
  readonly parameters: readonly string[];
  /** Whether they are made of the teacher's parameters as well. */
  readonly taught?: true;
  /** Augmentations of each example that are kept for training, by turns; left out, the examples themselves are. */
  readonly views?: number;
  /**
   * Of purposes `features`, `train` and `evaluate`, and `views` where there are some; the columns of `train` and `evaluate` are features, and the label. Where only a teacher's answers are
   * kept there is none to evaluate, which asks no teacher.
   */
  readonly entries: Readonly<Record<EntryName, EntryPorts>>;
}

/** Published weights that training begins with. */
export interface WeightsInfo {
  /** Where the recipe has them from. */
  readonly source: string;
  /** Parameters that have their values from there, and tensors there that have no place here. */
  readonly taken: number;
  readonly dropped: number;
  /** Names of the parameters that begin with random values. */
  readonly new: readonly string[];
}

/** The network that a distilled one learns from: whoever trains brings its weights. */
export interface TeacherInfo {
  /** Where the recipe has them from. */
  readonly source: string;
  readonly parameters: readonly ParameterInfo[];
}

export interface Artifact extends OutputShapes {
  readonly format: "tlc-artifact";
  readonly version: typeof ARTIFACT_VERSION;
  /** The recipe's name. */
  readonly name: string;
  readonly target: string;
  readonly recipe: RecipePlan;
  readonly data?: DataPlan;
  readonly dataInfo: DataInfo;
  readonly parameters: readonly ParameterInfo[];
  /** Hash of the network's graph, the same for every target: what a training that goes on must be of. */
  readonly network: string;
  readonly weights?: WeightsInfo;
  readonly teacher?: TeacherInfo;
  /** In the order in which they train; never empty. */
  readonly stages: readonly CompiledStage[];
}

/** What an entry costs when it runs once. */
export interface EntryReport {
  /** Nodes of its graph. */
  readonly ops: number;
  readonly kernels: number;
  /** Kernels launched, loops counted. */
  readonly launches: number;
  /** Floating-point operations of matrix products and convolutions; two for a multiply-add. */
  readonly flops: number;
  /** Bytes of values that live within it, at the most: kept activations, gradients and workspace. */
  readonly temporary: number;
  /** Bytes that its kernels read and write, and the least that they could: what is kept from run to run and the peak of the rest, once. */
  readonly traffic: { readonly read: number; readonly written: number; readonly least: number };
}

/** What of a training step is for a layer, or for the loss. A kernel that computes values of several layers counts for one of them. */
export interface LayerReport {
  /** The layer's scope, or its keyword where it has none. */
  readonly layer: string;
  readonly ops: number;
  readonly kernels: number;
  readonly launches: number;
  readonly flops: number;
  /** Of the step's time, from 0 to 1, as far as operations and bytes tell it. */
  readonly share: number;
}

export interface StageReport {
  /** Of the training step, in the order of the network; what is for no layer in particular is not among them. */
  readonly layers: readonly LayerReport[];
  /** The trainable parameters nearest to the input: nothing below them is differentiated. */
  readonly frontier: readonly string[];
  readonly entries: Readonly<Record<EntryName, EntryReport>>;
  readonly bytes: {
    readonly weights: number;
    readonly gradients: number;
    readonly optimizer: number;
    /** Weights once more, with normalizations folded in. */
    readonly folded: number;
    /** Kept activations, gradients and workspace, sharing bytes where their lives do not overlap; and the least it could be. */
    readonly temporary: number;
    readonly temporaryLowerBound: number;
    /** Everything but resident data. */
    readonly arena: number;
  };
  /** Of the feature cache: whether there is one, and why or why not. */
  readonly cache: CacheReport;
  readonly folded: FoldReport;
  /** Of `recompute auto`: what was compared. */
  readonly recomputed?: RecomputeReport;
}

/** Numbers of segments that are computed a second time, and which of them the stage has. */
export interface RecomputeReport {
  readonly tried: readonly SegmentsReport[];
  /** An index of `tried`. */
  readonly chosen: number;
}

export interface SegmentsReport {
  readonly segments: number;
  /** Bytes of the stage's arena. */
  readonly peak: number;
  /** Of a training step; of one from features as well, where there are some. */
  readonly flops: number;
}

/** Layers whose normalization is part of the product before them: in training steps, and in evaluation and prediction. */
export interface FoldReport {
  readonly training: readonly string[];
  readonly answers: readonly string[];
}

export interface CacheReport {
  readonly features: boolean;
  readonly reason: string;
  /** For each example, where there is one: bytes that are kept, and scalar operations that an epoch is spared. */
  readonly bytes?: number;
  readonly spared?: number;
  /** Augmentations of each example that are kept; left out, the example itself is. */
  readonly views?: number;
}
