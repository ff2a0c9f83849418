// From what the user names, a spec or a folder that `tlc compile` wrote, to an artifact and the device that runs it.

import { stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { diagnosticToJson, renderDiagnostics } from "../diagnostics.ts";
import { ARTIFACT_VERSION, artifactFile, type Artifact } from "../ir/artifact.ts";
import { readExact } from "../ir/exact-json.ts";
import { InternalError } from "../ir/types.ts";
import type { Device } from "../runtime/device.ts";
import { DEVICE_NAMES, REAL_DEVICES, type DeviceName } from "../runtime/opening.ts";
import { DataError } from "../runtime/errors.ts";
import { dataFolders } from "../runtime/inside.ts";
import { differingWays, type Choice } from "../runtime/tuning/tuner.ts";
import { systemReason } from "../runtime/system-reason.ts";
import { EXIT, Exit, UsageError } from "./failure.ts";
import { COMPILE_HINT, readManifest, targetsIn } from "./folder.ts";
import type { Terminal } from "./terminal.ts";
import { cacheFolder } from "../runtime/cache-folder.ts";
import type { CompileOutcome, CompileRequest, Opening } from "./toolchain.ts";
import { publishedInFolder, teacherInFolder, weightAccess, type Published } from "./weights.ts";

/** Options of every verb that compiles. */
export interface CompileOptions {
  readonly set: readonly string[];
  readonly recipe?: string;
  /** The folder that imports and data must lie in; the spec's own unless given. */
  readonly root?: string;
  readonly dumpAfter?: string;
}

export interface DeviceOptions {
  readonly device: DeviceName;
  readonly threads?: number;
  /** False for the kernels that the compiler took, without measuring others. */
  readonly tune?: boolean;
}

/** How a verb opens its device. */
export const openingOf = ({ threads, tune }: DeviceOptions, terminal: Terminal): Opening => ({
  note: (message) => terminal.remark(message),
  kernelCache: cacheFolder(terminal.io.env, "kernels"),
  ...(tune !== false && { tuningCache: cacheFolder(terminal.io.env, "tuning") }),
  tuned: (choices) => {
    terminal.object({ event: "tuned", choices });
    const measured = choices.filter(({ why }) => why === "measured").length;
    if (measured > 0) terminal.note(tunedText(choices, measured));
    for (const text of choices.flatMap(differingWays)) terminal.warn(text);
  },
  ...(threads !== undefined && { threads }),
});

/** Said once: what is remembered is no news. */
function tunedText(choices: readonly Choice[], measured: number): string {
  const others = choices.filter(({ taken, candidates }) => taken !== candidates[0]?.name).length;
  return `measured ${measured} product${measured === 1 ? "" : "s"} on this GPU, which is remembered; of ${choices.length}, ${others} are done in another way than the compiler's guess`;
}

/** `tlc compile` without a device takes webgpu: it is what runs everywhere. */
export const DEFAULT_TARGET = "webgpu";

/** @param device that will run the program; without, it runs on every device of the target */
export function compileRequest(
  file: string,
  options: CompileOptions,
  target: string,
  terminal: Terminal,
  device: Pick<Device, "limits" | "mostMemory"> = {},
): CompileRequest {
  const { limits, mostMemory } = device;
  return {
    ...(options.root === undefined ? {} : { root: options.root }),
    ...(limits && { limits }),
    ...(mostMemory !== undefined && { mostMemory }),
    set: options.set,
    target,
    ...(options.recipe === undefined ? {} : { recipe: options.recipe }),
    ...(options.dumpAfter === undefined ? {} : { dumpAfter: options.dumpAfter, onDump: (text: string): void => terminal.note(text) }),
    describeData: async (plan, labels) =>
      (await import("../runtime/data/index.ts")).describeData(plan, labels, { within: dataFolders(file, options) }),
    describeWeights: async (source) =>
      (await import("../runtime/weights/published.ts")).describeWeights(source, weightAccess(file, options, terminal)),
  };
}

/** Throws for a path that is not there, before anything heavy is loaded. */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${systemReason(error)}`, "name a .tlspec file, or a folder that `tlc compile` wrote");
  }
}

export function showDiagnostics(outcome: CompileOutcome, terminal: Terminal): { readonly errors: number; readonly warnings: number } {
  const { diagnostics, sources } = outcome;
  for (const diagnostic of diagnostics) terminal.object({ event: "diagnostic", ...diagnosticToJson(diagnostic, sources) });
  if (diagnostics.length > 0) {
    const fileName = (file: string): string => {
      const short = relative(process.cwd(), file);
      return short.length < file.length ? short : file;
    };
    terminal.note(renderDiagnostics(diagnostics, sources, { style: terminal.paintErr, fileName }));
  }
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error").length;
  return { errors, warnings: diagnostics.length - errors };
}

/** The artifact of an outcome, or the end of the verb with its diagnostics. */
export function artifactOf(outcome: CompileOutcome, terminal: Terminal): Artifact {
  const { errors } = showDiagnostics(outcome, terminal);
  if (errors > 0) throw new Exit(EXIT.usage);
  if (outcome.artifact === undefined) throw new InternalError("the compiler gave neither an artifact nor an error");
  return outcome.artifact;
}

export interface Opened {
  readonly artifact: Artifact;
  readonly device: Device;
  /** Folders that the data must lie in. A compiled folder may be a stranger's, as a spec may: both read what lies beside them. */
  readonly within: readonly string[];
  /** Whether it was compiled before, by whomever. */
  readonly isFolder: boolean;
  /** What compiling the spec said; of a compiled folder nothing. */
  readonly outcome?: CompileOutcome;
  readonly published?: Published;
  /** Weights of the network that a distilled one learns from. */
  readonly teacher?: Published;
}

/** The device first: a spec is compiled for the device that was found. */
async function openTarget(path: string, options: CompileOptions & DeviceOptions, terminal: Terminal): Promise<Opened> {
  const { toolchain } = terminal.io;
  const opening = openingOf(options, terminal);
  if (await isFolder(path)) {
    if (options.set.length > 0)
      throw new UsageError("--set changes a spec; a compiled folder is fixed", "compile the spec again with --set");
    const targets = await targetsIn(path);
    const name = deviceFor(path, targets, options.device);
    const known = name === "auto" ? undefined : await readArtifact(path, name);
    const device = await toolchain.openDevice(name, { ...opening, compiledFor: targets });
    try {
      const artifact = known ?? (await readArtifact(path, device.info.kind));
      const published = await publishedInFolder(path, artifact);
      const teacher = teacherInFolder(path, artifact);
      const own = { ...(published && { published }), ...(teacher && { teacher }) };
      return { artifact, device, within: dataFolders(resolve(path), options), isFolder: true, ...own };
    } catch (error) {
      device.dispose();
      throw error;
    }
  }
  const device = await toolchain.openDevice(options.device, opening);
  try {
    const outcome = await toolchain.compileSpec(path, compileRequest(path, options, device.info.kind, terminal, device));
    const artifact = artifactOf(outcome, terminal);
    const access = weightAccess(path, options, terminal);
    const published = outcome.weights && { published: { ...outcome.weights, ...access } };
    const teacher = outcome.teacher && { teacher: { ...outcome.teacher, ...access } };
    return { artifact, device, within: dataFolders(path, options), isFolder: false, outcome, ...published, ...teacher };
  } catch (error) {
    device.dispose();
    throw error;
  }
}

/** The device to open for a folder: the one that was asked for, or the best of those that it was compiled for. */
function deviceFor(folder: string, targets: readonly string[], wanted: DeviceName): DeviceName {
  const known = DEVICE_NAMES.filter((name) => targets.includes(name));
  const names = targets.join(" and ");
  if (known[0] === undefined) throw new DataError(`${folder} was compiled for ${names}, which this tlc does not have`);
  if (wanted !== "auto" && !known.includes(wanted))
    throw new UsageError(`${folder} was compiled for ${names}, not ${wanted}`, `compile the spec again with --target ${wanted}`);
  // Which of several it should be is known when the machine was looked at.
  const isOpen = REAL_DEVICES.filter((name) => known.includes(name)).length > 1;
  return wanted !== "auto" ? wanted : isOpen ? "auto" : known[0];
}

export async function readArtifact(folder: string, target: string): Promise<Artifact> {
  const path = join(folder, artifactFile(target));
  const text = await readManifest(folder, target);
  let json: unknown;
  try {
    json = readExact(text);
  } catch (error) {
    throw new DataError(`${path} is damaged: ${error instanceof Error ? error.message : String(error)}`, COMPILE_HINT);
  }
  if (typeof json !== "object" || json === null || !("format" in json) || json.format !== "tlc-artifact") {
    throw new DataError(`${path} is not an artifact of tlc`, COMPILE_HINT);
  }
  if (!("version" in json) || json.version !== ARTIFACT_VERSION) {
    const version = "version" in json ? String(json.version) : "of its own";
    throw new DataError(`${path} was written by another version of tlc: its format is ${version}, not ${ARTIFACT_VERSION}`, COMPILE_HINT);
  }
  const { artifactProblem } = await import("../ir/artifact-schema.ts");
  const problem = artifactProblem(json);
  if (problem !== undefined) throw new DataError(`${path} is damaged: ${problem}`, COMPILE_HINT);
  const artifact = json as Artifact;
  if (artifact.target !== target) throw new DataError(`${path} is damaged: it is for ${artifact.target}`, COMPILE_HINT);
  return artifact;
}

/**
 * Opens what a verb runs, and gives the device back after it. What goes wrong inside of a compiled folder's program is the folder's
 * fault: it may say what no compiler would.
 */
export async function withTarget(
  path: string,
  options: CompileOptions & DeviceOptions,
  terminal: Terminal,
  work: (opened: Opened) => Promise<number>,
): Promise<number> {
  const opened = await openTarget(path, options, terminal);
  try {
    return await work(opened);
  } catch (error) {
    if (!opened.isFolder || !(error instanceof InternalError)) throw error;
    throw new DataError(`${path} cannot be run: ${error.message.replace(/^internal: /, "")}`, COMPILE_HINT);
  } finally {
    opened.device.dispose();
    terminal.clearLive();
  }
}
