// The runtime as generated modules and applications import it: browser-safe, target-blind. Devices and file loaders are imported
// where they are needed.

export type { Device, DeviceInfo, HostArray, Session } from "./device.ts";
export { DeviceError } from "./device.ts";
export { DataError, NonFiniteLossError, StateError } from "./errors.ts";
export type { Column, LoadedSplit } from "./data/loaded-split.ts";
export { splitFromArrays } from "./data/loaded-split.ts";
export { createEvaluator } from "./evaluate.ts";
export type { Evaluator } from "./evaluate.ts";
export { interpret, predictBatch, predictSplit } from "./predict.ts";
export type { Prediction } from "./predict.ts";
export type { Metrics } from "./metrics.ts";
export { initialize, Network } from "./network.ts";
export type { LoadedStage } from "./network.ts";
export { train } from "./trainer.ts";
export type { DoneEvent, EpochEvent, StageSummary, StartEvent, StepEvent, TrainEvent } from "./events.ts";
export type { TrainData, TrainOptions } from "./trainer.ts";
export { loadNamedWeights, loadWeights, packWeights, readWeights } from "./weights/model-weights.ts";
export type { NamedWeights } from "./weights/model-weights.ts";
export { readSafetensors, writeSafetensors } from "./weights/safetensors.ts";
export type { Safetensors, Tensor } from "./weights/safetensors.ts";
