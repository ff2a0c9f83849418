// What a training run says, to applications and, as lines of JSON, to `tlc run --json`. The types of a generated module are made of this
// file's own text, around the metrics of its recipe, so there is no second place to keep them.

import type { Metrics } from "./metrics.ts";

/** What a stage will do. */
export interface StageSummary {
  readonly stage: string;
  readonly epochs: number;
  readonly steps: number;
  /** Values that it trains. */
  readonly trainable: number;
}

export interface StartEvent {
  readonly event: "start";
  readonly recipe: string;
  readonly device: string;
  readonly adapter: string;
  readonly seed: number;
  readonly batch: number;
  /** What the loss compares with: classes, numbers, or sets of classes; of each output, where they have names. */
  readonly labels: "class" | "number" | "set" | Readonly<Record<string, "class" | "number" | "set">>;
  /** Of all stages together. */
  readonly epochs: number;
  readonly steps: number;
  readonly parameters: number;
  /** Trained in any stage. */
  readonly trainable: number;
  readonly stages: readonly StageSummary[];
  readonly examples: Readonly<Record<string, number>>;
  /** Of a run that goes on from a checkpoint: the epoch that it goes on in, and the step of the stage after which. */
  readonly resumed?: { readonly stage: string; readonly epoch: number; readonly step: number };
}

/** Before a stage whose frozen part runs once for each example, for each split: its features are there. */
export interface FeaturesEvent {
  readonly event: "features";
  readonly stage: string;
  readonly split: string;
  readonly examples: number;
  /** Of all examples. */
  readonly bytes: number;
  /** Augmentations of each that are kept; left out, the examples themselves are. */
  readonly views?: number;
  /** `device`: computed now; `memory`: those of the stage before; `disk`: those of an earlier run. */
  readonly from: "device" | "memory" | "disk";
  readonly seconds: number;
}

/** Before a stage of several epochs whose frozen part, or teacher, could run once for each example, and will not. */
export interface UncachedEvent {
  readonly event: "uncached";
  readonly stage: string;
  readonly reason: string;
}

export interface StepEvent {
  readonly event: "step";
  readonly stage: string;
  /** Both count from 1 in every stage; steps go on counting across epochs. */
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  /** The learning rate of the step; absent where the program does not record it. */
  readonly lr?: number;
  readonly examples_per_s: number;
  readonly eta_s: number;
}

export interface EpochEvent {
  readonly event: "epoch";
  readonly stage: string;
  readonly epoch: number;
  readonly train: Metrics;
  readonly val?: Metrics;
  /** Of a stage with `keep best`: no epoch before it was as good. */
  readonly best?: true;
  readonly seconds: number;
}

/** The end of a stage with `stop` or `keep best`. */
export interface StageEvent {
  readonly event: "stage";
  readonly stage: string;
  /** Of this stage, that it has trained. */
  readonly epochs: number;
  /** True where it ended before its last epoch, since its metric stalled. */
  readonly stalled: boolean;
  /** Of a stage with `keep best`: the epoch that the weights are those of from here on, and what it reported. */
  readonly best?: { readonly epoch: number; readonly metric: string; readonly value: number };
}

export interface DoneEvent {
  readonly event: "done";
  readonly device: string;
  readonly seconds: number;
  /** A safetensors file. Where the stage keeps its best epoch, the weights of that. */
  readonly weights: Uint8Array;
  readonly test?: Metrics;
  /** True when `signal` ended the run early. */
  readonly interrupted: boolean;
}

export type TrainEvent = StartEvent | FeaturesEvent | UncachedEvent | StepEvent | EpochEvent | StageEvent | DoneEvent;
