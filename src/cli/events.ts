// What `--json` writes: an object a line, each of one of these types. A training run's own events are the runtime's (runtime/events.ts).
// docs/events.md is made of both files, comments included.

import type { DiagnosticJson } from "../diagnostics.ts";
import type { Artifact, CompiledStage, RecomputeReport, StageReport } from "../ir/artifact.ts";
import type { Survey } from "../runtime/survey.ts";
import type { Choice } from "../runtime/tuning/tuner.ts";
import type { DoneEvent, EpochEvent, FeaturesEvent, StageEvent, StartEvent, StepEvent, UncachedEvent } from "../runtime/events.ts";

/** Anything that is wrong, or most likely not meant, with a spec and its data. */
export interface DiagnosticEvent extends DiagnosticJson {
  readonly event: "diagnostic";
}

/** The end of a verb that could not do its work. What is wrong with a spec is said by `diagnostic` events, without this one. */
export interface ErrorEvent {
  readonly event: "error";
  /** The exit code. */
  readonly code: number;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** A remark: which device was taken and why, that a signal came. */
export interface NoteEvent {
  readonly event: "note";
  readonly message: string;
}

/** On a device that chooses among kernels by measuring: what it takes for the products of each program that it loads. */
export interface TunedEvent {
  readonly event: "tuned";
  readonly choices: readonly Choice[];
}

/** `tlc check`, for each spec. */
export interface CheckEvent {
  readonly event: "check";
  /** As it was named. */
  readonly file: string;
  readonly errors: number;
  readonly warnings: number;
}

/**
 * A picture that cannot be used, where the data set says `broken: skip`: another of its class stands in. Once of each, when it is met. Of `predict`,
 * what a folder has beside its pictures.
 */
export interface SkippedEvent {
  readonly event: "skipped";
  readonly split: string;
  readonly path: string;
  readonly problem: string;
}

/** `tlc compile`. */
export interface CompiledEvent {
  readonly event: "compiled";
  readonly recipe: string;
  readonly targets: readonly string[];
  /** The folder. */
  readonly out: string;
  /** Names in the folder. */
  readonly files: readonly string[];
  /** Of all files together. */
  readonly bytes: number;
}

/** Published weights that are fetched, about once a second. */
export interface FetchEvent {
  readonly event: "fetch";
  readonly file: string;
  readonly bytes: number;
  /** Of the whole file. */
  readonly of: number;
}

/** `tlc convert`. */
export interface ConvertedEvent {
  readonly event: "converted";
  readonly file: string;
  /** Of the file, as people call it. */
  readonly format: string;
  /** The safetensors file. */
  readonly out: string;
  readonly tensors: number;
  readonly bytes: number;
}

/** `tlc merge`. */
export interface MergedEvent {
  readonly event: "merged";
  readonly base: string;
  /** The file of what a training changed. */
  readonly delta: string;
  /** The safetensors file. */
  readonly out: string;
  readonly bytes: number;
}

/** Pictures that are read, where that takes longer than a moment. */
export interface ReadEvent {
  readonly event: "read";
  readonly split: string;
  readonly done: number;
  readonly total: number;
}

/** The end of `tlc run`. */
export interface SavedEvent extends Omit<DoneEvent, "weights"> {
  /** The file that the weights are in. */
  readonly weights: string;
  /** With `--delta`: the file of what the training changed. */
  readonly delta?: string;
  /** Of a recipe with `adapt`: the folder of its adapter, as PEFT has it. */
  readonly adapter?: string;
}

/** `tlc run --find-rate`, for each step. */
export interface RateEvent {
  readonly event: "rate";
  readonly rate: number;
  readonly loss: number;
  /** An average over the steps so far, of which the last count most. */
  readonly smoothed: number;
}

/** The end of `tlc run --find-rate`. */
export interface RatesEvent {
  readonly event: "rates";
  /** The one that was tested: the first. */
  readonly stage: string;
  readonly steps: number;
  readonly diverged: boolean;
  /** The rate at which the smoothed loss falls fastest; absent where it never falls. */
  readonly suggestion?: number;
}

/** `tlc eval`. Each metric is a field of its own: `loss`, `accuracy`, … */
export interface EvalEvent {
  readonly event: "eval";
  readonly split: string;
  readonly examples: number;
  readonly device: string;
  readonly [metric: string]: string | number | readonly (readonly number[])[];
}

/** `tlc predict`, for each picture or row. */
export interface PredictionEvent extends PredictionAnswer {
  readonly event: "prediction";
  /** The picture, or the table; `-` is the standard input. */
  readonly file: string;
  /** Of the table, from 1. */
  readonly row?: number;
  /** The same fields of each output, where they have names. */
  readonly outputs?: Readonly<Record<string, PredictionAnswer>>;
}

export interface PredictionAnswer {
  /** The most probable class. */
  readonly label?: string;
  readonly probability?: number;
  /** By class. */
  readonly probabilities?: Readonly<Record<string, number>>;
  /** The most probable class of each step of a sequence; or the classes of a set, those that are likelier than not. */
  readonly labels?: readonly string[];
  /** Of a network with classes for pixels: how many pixels have each, as a share of all; and the file of its mask, where that is written. */
  readonly shares?: Readonly<Record<string, number>>;
  readonly mask?: string;
  /** The answers of a network that gives numbers. */
  readonly values?: readonly number[];
}

/** `tlc trace`. */
export interface TraceEvent {
  readonly event: "trace";
  readonly device: string;
  readonly steps: number;
  /** Of each step. */
  readonly loss: readonly number[];
  /** That of each output, before it is weighted, where they have names. */
  readonly losses?: Readonly<Record<string, readonly number[]>>;
  /** The file that holds the rest. */
  readonly out: string;
}

/** `tlc init`. */
export interface CreatedEvent {
  readonly event: "created";
  readonly spec: string;
  readonly files: number;
}

/** `tlc explain`: a diagnostic, a layer, or a word of a recipe or data set. */
export interface ExplainEvent {
  readonly event: "explain";
  /** `diagnostic`, `layer`, `loss`, … */
  readonly kind: string;
  /** Of layers and words. */
  readonly name?: string;
  readonly doc?: string;
  readonly arguments?: readonly ExplainedArgument[];
  /** Names that stand for arguments. */
  readonly presets?: readonly string[];
  /** Of diagnostics. */
  readonly code?: string;
  readonly severity?: string;
  readonly title?: string;
  readonly explanation?: string;
  readonly wrong?: string;
  readonly right?: string;
}

export interface ExplainedArgument {
  readonly name: string;
  readonly takes: string;
  readonly default?: unknown;
  readonly doc: string;
}

/** `tlc inspect`. */
export interface InspectEvent {
  readonly event: "inspect";
  readonly recipe: string;
  readonly target: string;
  /** What the loss compares with; of each output, where they have names. */
  readonly labels: InspectedLabels | Readonly<Record<string, InspectedLabels>>;
  /** Of the weights that the recipe begins with: where they are from, and how many tensors are taken, dropped and new. */
  readonly weights?: Artifact["weights"];
  /** The rows of the table. */
  readonly network: readonly InspectedLayer[];
  /** What each stage costs. */
  readonly stages: readonly InspectedStage[];
}

/** A label's kind and shape, and how many classes there are. */
export interface InspectedLabels {
  readonly kind: "class" | "number" | "set";
  readonly shape: readonly number[];
  readonly classes: number;
}

export interface InspectedLayer {
  /** Its scope, or its keyword where it has none. */
  readonly layer: string;
  /** The keyword; in a compiled folder, which has only weights, the scope. */
  readonly kind: string;
  /** The shape of what it gives for one example; not of a compiled folder. */
  readonly output?: readonly number[];
  /** Numbers in its weights. */
  readonly parameters: number;
  /** How many of them each stage trains. */
  readonly trainable: Readonly<Record<string, number>>;
}

export interface InspectedStage {
  readonly stage: string;
  /** Numbers in weights. */
  readonly parameters: { readonly total: number; readonly trainable: number; readonly frozen: number };
  /** Names of weights. */
  readonly trainable: readonly string[];
  readonly frozen: readonly string[];
  /** What is trained, by how the optimizer trains it; a rate before its schedule. */
  readonly groups: CompiledStage["groups"];
  /** The deepest weights that are trained: there is no gradient below. */
  readonly frontier: readonly string[];
  /** What each layer takes of a training step. */
  readonly layers: StageReport["layers"];
  /** What each entry of the program takes. */
  readonly entries: StageReport["entries"];
  readonly bytes: StageReport["bytes"] & {
    /** Of `temporary`: what a step needs beyond a forward pass, and what that needs. */
    readonly activations: number;
    readonly workspace: number;
    /** Inputs, outputs and counters. Together with weights, optimizer, folded and temporary this is the peak. */
    readonly other: number;
    readonly peak: number;
  };
  /** Products, convolutions and attention that a device may do in other ways than the compiler's guess, which it measures: with other kernels, or by a library. */
  readonly measured: { readonly kernels: number; readonly library: number };
  readonly cached: StageReport["cache"];
  /** Layers whose normalization is part of the product before them, in training steps and in answers. */
  readonly folded: StageReport["folded"];
  /** Of `recompute auto`: numbers of segments that are computed a second time, what each takes, and which of them the stage has. */
  readonly recomputed?: RecomputeReport;
}

/** `tlc doctor`. */
export interface DoctorEvent extends Survey {
  readonly event: "doctor";
}

export type CliEvent =
  | DiagnosticEvent
  | ErrorEvent
  | NoteEvent
  | TunedEvent
  | CheckEvent
  | CompiledEvent
  | FetchEvent
  | ConvertedEvent
  | MergedEvent
  | ReadEvent
  | SkippedEvent
  | StartEvent
  | FeaturesEvent
  | UncachedEvent
  | StepEvent
  | EpochEvent
  | StageEvent
  | SavedEvent
  | RateEvent
  | RatesEvent
  | EvalEvent
  | PredictionEvent
  | TraceEvent
  | CreatedEvent
  | ExplainEvent
  | DoctorEvent
  | InspectEvent;
