// The parts of the compiler that verbs call, loaded only when a verb needs them, and replaceable in tests.

import type { Diagnostic, Sources, Span } from "../diagnostics.ts";
import type { Artifact } from "../ir/artifact.ts";
import type { LayerRow } from "../ir/layer-rows.ts";
import type { DataInfo, DataPlan, LabelRequest } from "../ir/plan.ts";
import type { TensorType } from "../ir/types.ts";
import type { FileTensor } from "../ir/weights/plan.ts";
import type { KnownProfile } from "../ir/program.ts";
import type { Device } from "../runtime/device.ts";
import type { DeviceName, OpenDeviceOptions } from "../runtime/opening.ts";
import type { Survey } from "../runtime/survey.ts";
import type { PublishedWeights } from "../runtime/weights/published.ts";

export interface CompileRequest {
  /** The folder that imports must lie in; the spec's own unless given. */
  readonly root?: string;
  readonly recipe?: string;
  /** `path=value`, as given on the command line. */
  readonly set: readonly string[];
  readonly target: string;
  /** Of the device that will run it. */
  readonly limits?: KnownProfile;
  readonly mostMemory?: number;
  /** Print the program after this pass. */
  readonly dumpAfter?: string;
  readonly onDump?: (text: string) => void;
  /** Where there is no data to look at, shapes are those that the spec gives: for what is inspected and not run. */
  readonly withoutData?: boolean;
  readonly describeData: (plan: DataPlan, labels: readonly LabelRequest[]) => Promise<DataInfo>;
  /** The header of published weights. */
  readonly describeWeights?: (source: string) => Promise<ReadonlyMap<string, FileTensor>>;
}

/** Weights that are not at hand are not looked at. */
export interface CheckRequest extends Omit<CompileRequest, "describeWeights"> {
  readonly describeWeights?: (source: string) => Promise<ReadonlyMap<string, FileTensor> | undefined>;
}

export interface TraceRequest extends CompileRequest {
  /** Inputs and `label` as the case file has them, batch axis included. */
  readonly batch: ReadonlyMap<string, TensorType>;
  /** The first unless given. */
  readonly stage?: string;
}

/** Without an artifact where a diagnostic is an error. */
export interface CompileOutcome {
  readonly artifact?: Artifact;
  readonly weights?: PublishedWeights;
  readonly teacher?: PublishedWeights;
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;
  /** Where the spec says how its data is read, for what is found out once it is loaded: the batch, and each split. */
  readonly places?: Readonly<Record<string, Span>>;
  /** The layers of the network, in their order. */
  readonly layers?: readonly LayerRow[];
  /** Of a traced step: the network draws random numbers when it trains, which a trace leaves out. */
  readonly withoutRandomness?: boolean;
}

export type Opening = Pick<OpenDeviceOptions, "note" | "threads" | "kernelCache" | "compiledFor" | "tuningCache" | "tuned">;
export type EmitOptions = Pick<OpenDeviceOptions, "kernelCache">;

export interface Toolchain {
  checkSpec(file: string, request: CheckRequest): Promise<CompileOutcome>;
  compileSpec(file: string, request: CompileRequest): Promise<CompileOutcome>;
  compileTrace(file: string, request: TraceRequest): Promise<CompileOutcome>;
  /** The files of a compiled folder, by name: of one recipe, compiled for one target or several. */
  emit(artifacts: readonly Artifact[], options: EmitOptions): Promise<ReadonlyMap<string, string | Uint8Array>>;
  openDevice(name: DeviceName, options: Opening): Promise<Device>;
  surveyMachine(options: Opening): Promise<Survey>;
}
