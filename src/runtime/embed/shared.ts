// What the other files of a compiled folder, devices and what the runtime loads late, take from the runtime that lies beside them. Bundled into
// each of them again, a DeviceError would be of several classes, and an application could not ask which it got, and folders would hold
// everything several times; scripts/bundle-runtime.mjs reads this list.

export * from "../../ir/arrays.ts";
export * from "../../ir/types.ts";
export * from "../device.ts";
export { DataError, NonFiniteLossError, StateError } from "../errors.ts";
export * from "../is-node.ts";
export * from "../memory.ts";
export { columnsIn, labelNames, nameOf, outputShapeOf, targetOf, targetsOf, tasksOf } from "../../ir/tasks.ts";
export { columnFor, typeFor } from "../data/loaded-split.ts";
export { entryFor, initialize, noWeights } from "../network.ts";
export { taskOf, writeBatch } from "../predict.ts";
export { loadNamedWeights, loadTeacher, loadWeights, nonFiniteParameter, readParameters, readWeights } from "../weights/model-weights.ts";
export { DELTA, metadataOf, valuesOf, weightsFile } from "../weights/model-weights.ts";
export { readSafetensors, writeSafetensors } from "../weights/safetensors.ts";
export { fromHostArray, toFloat64, toHostArray } from "../weights/tensor-values.ts";
