// The public interface of the package for Node: check and compile specs, open devices, train and predict. Pages import the browser-safe
// `tlspec/runtime` instead, or the module that `tlc compile` writes.

import { compileSpec as compileFor, type CompileOutcome, type CompileRequest } from "./compile.ts";
import { describeData } from "./runtime/data/index.ts";
import { dataFolders, weightFolders } from "./runtime/inside.ts";
import { describeWeights } from "./runtime/weights/published.ts";

export { checkSpec, type CheckOutcome, type CheckRequest } from "./check.ts";
export { emit } from "./compile.ts";
export type { CompileOutcome } from "./compile.ts";
export { diagnosticToJson, explain, renderDiagnostics } from "./diagnostics.ts";
export type { Diagnostic, Note, Severity, Sources, Span } from "./diagnostics.ts";
export type { Artifact, ParameterInfo, StageReport } from "./ir/artifact.ts";
export type { DataInfo, DataPlan, RecipePlan } from "./ir/plan.ts";
export type { DeviceProfile, KnownProfile, Program } from "./ir/program.ts";
export { describeData, loadInputs, loadSplit } from "./runtime/data/index.ts";
export { openDevice } from "./runtime/open-device.ts";
export type { DeviceName, OpenDeviceOptions } from "./runtime/opening.ts";
export { describeWeights, openPublished, type OpenWeights, type PublishedWeights } from "./runtime/weights/published.ts";
export * from "./runtime/index.ts";

export interface CompileOptions extends Omit<CompileRequest, "describeData" | "target"> {
  /** `webgpu`, which runs everywhere, unless said otherwise. */
  readonly target?: string;
  /** Left out, the folders and tables that the spec names are looked at. */
  readonly describeData?: CompileRequest["describeData"];
}

/**
 * Compiles the recipe of a spec. For a device at hand pass its `info.kind` as `target` and its `limits`; the artifact is then as fast
 * as that device allows.
 */
export const compileSpec = (file: string, options: CompileOptions = {}): Promise<CompileOutcome> =>
  compileFor(file, {
    target: "webgpu",
    describeData: (plan, labels) => describeData(plan, labels, { within: dataFolders(file, options) }),
    describeWeights: (source) => describeWeights(source, { within: weightFolders(file, options) }),
    ...options,
  });
