// Where a generated module runs: on the device that its caller names, or on the best that its folder was compiled for and the machine has.
// A page that has no WebGPU loads nothing that is for it.

import { DeviceError, type Device } from "../device.ts";
import { isNode } from "../is-node.ts";
import { DEVICE_KINDS, type CommonArtifact, type CreateOptions, type DeviceKind, type TargetFiles, type Targets } from "./device-file.ts";
import { Model } from "./model.ts";

interface Attempt {
  readonly kind: DeviceKind;
  readonly files: TargetFiles;
  readonly acceptsSoftware: boolean;
}

interface Chosen extends Attempt {
  readonly device: Device;
  /** Why this one, for people. */
  readonly reason: string;
}

export async function createModel(common: CommonArtifact, targets: Targets, options: CreateOptions = {}): Promise<Model> {
  const { kind, files, device, reason } = await choose(targets, options);
  const { stages } = await Promise.resolve(files.program()).catch((error: unknown) => {
    device.dispose();
    throw error;
  });
  return Model.open({ ...common, target: kind, stages }, device, { kind, reason });
}

async function choose(targets: Targets, options: CreateOptions): Promise<Chosen> {
  const { device: wanted = "auto" } = options;
  const known = DEVICE_KINDS.flatMap((kind): Attempt[] => {
    const files = targets[kind];
    return files === undefined ? [] : [{ kind, files, acceptsSoftware: true }];
  });
  const [best, ...others] = wanted === "auto" ? known : known.filter(({ kind }) => kind === wanted);
  if (!best) {
    const names = ["auto", ...known.map(({ kind }) => kind)].map((name) => JSON.stringify(name));
    const hint = `use ${names.slice(0, -1).join(", ")} or ${names.at(-1) ?? ""}`;
    throw new DeviceError("unavailable", `no device ${JSON.stringify(wanted)} in this module`, hint);
  }
  if (others.length === 0) {
    const reason = wanted === "auto" ? "the module was compiled for no other" : "it was asked for";
    return { ...best, device: await open(best, options), reason };
  }
  // Of these, WebGPU alone may be software.
  const last = known.filter(({ kind }) => kind === "webgpu");
  return firstOf([...known.map((attempt) => ({ ...attempt, acceptsSoftware: false })), ...last], options);
}

/** The first device that there is. A processor that plays GPU is slower than WebAssembly on it, and better than nothing. */
async function firstOf(attempts: readonly Attempt[], options: CreateOptions): Promise<Chosen> {
  const refusals: DeviceError[] = [];
  for (const attempt of attempts) {
    try {
      const device = await open(attempt, options);
      const why = refusals.map(({ message }) => message).join("; ");
      return { ...attempt, device, reason: why === "" ? "it is the best that the module was compiled for" : why };
    } catch (error) {
      if (!(error instanceof DeviceError) || error.reason !== "unavailable") throw error;
      if (refusals.every(({ message }) => message !== error.message)) refusals.push(error);
    }
  }
  const all = (part: "message" | "hint"): string => refusals.map((refusal) => refusal[part]).join("; ");
  throw new DeviceError("unavailable", `there is no device for this module here: ${all("message")}`, all("hint"));
}

async function open({ kind, files, acceptsSoftware }: Attempt, options: CreateOptions): Promise<Device> {
  if (kind === "cuda" && !isNode()) throw new DeviceError("unavailable", "a page has no CUDA", "compile the spec for webgpu as well");
  if (kind === "webgpu" && options.gpu === undefined && !mayHaveWebgpu())
    throw new DeviceError("unavailable", "this page has no WebGPU", PAGE_HINT);
  return (await files.device()).open(options, acceptsSoftware);
}

const PAGE_HINT = "for a GPU: Chrome or Edge 113, Firefox 141, Safari 26 or later, on a page from https or localhost";

/** Known without loading anything: what a page lacks it will not get. */
const mayHaveWebgpu = (): boolean => isNode() || (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu !== undefined;
