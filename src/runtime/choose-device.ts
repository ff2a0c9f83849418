// What `auto` takes, and why nothing better: CUDA, then WebGPU on a GPU, then the processor. What a machine certainly lacks is not loaded.

import { DeviceError, type Device } from "./device.ts";
import type { OpenDeviceOptions, RealDevice } from "./opening.ts";

/** Why a device is not taken. */
export interface Refusal {
  readonly device: RealDevice;
  readonly reason: string;
  /** What would change that. */
  readonly hint?: string;
  /** Of what a machine does not have at all, which nobody is surprised by. */
  readonly isPlain?: boolean;
}

export interface Choice {
  readonly device: Device;
  /** Of all that would have been better. */
  readonly refusals: readonly Refusal[];
}

/** A device of WebGPU that can be opened. */
export interface Adapter {
  readonly description: string;
  readonly isHardware: boolean;
  open(): Promise<Device>;
}

/** What there may be, and how each is opened. */
interface Machine {
  /** False only where the answer is certain. */
  mayHaveGpu(): boolean;
  mayHaveNvidia(): boolean;
  cuda(options: OpenDeviceOptions): Promise<Device>;
  /** Undefined where there is no adapter; without software, if not wanted. */
  webgpu(options: OpenDeviceOptions, wantsSoftware: boolean): Promise<Adapter | undefined>;
  wasm(options: OpenDeviceOptions): Promise<Device>;
}

export async function chooseDevice(options: OpenDeviceOptions, machine: Machine): Promise<Choice> {
  const refusals: Refusal[] = [];
  const isThere = (name: RealDevice): boolean => options.compiledFor?.includes(name) ?? true;
  if (isThere("cuda")) {
    const device = machine.mayHaveNvidia() ? await machine.cuda(options).catch(refusalOf) : NO_NVIDIA;
    if ("load" in device) return { device, refusals };
    refusals.push(device);
  }
  if (isThere("webgpu")) {
    const mayFind = options.gpu !== undefined || machine.mayHaveGpu();
    const adapter = mayFind ? await machine.webgpu(options, false) : undefined;
    if (adapter?.isHardware) return { device: await adapter.open(), refusals };
    const software = adapter && `${adapter.description} is software and slower; to use it, say --device webgpu`;
    refusals.push(mayFind ? { device: "webgpu", reason: software ?? NO_ADAPTER } : { ...NO_GPU, reason: NO_ADAPTER });
  }
  if (isThere("wasm")) return { device: await machine.wasm(options), refusals };
  // A folder that is for GPUs alone: a processor that plays one is better than nothing.
  const adapter = isThere("webgpu") ? await machine.webgpu(options, true) : undefined;
  if (adapter) return { device: await adapter.open(), refusals };
  const hints = refusals.flatMap(({ hint }) => hint ?? []);
  throw new DeviceError(
    "unavailable",
    refusals.map(({ reason }) => reason).join("; "),
    hints.join(" ") || "Compile the spec for wasm as well.",
  );
}

const NO_ADAPTER = "no WebGPU adapter was found";
const NO_GPU = { device: "webgpu", isPlain: true } as const;
const NO_NVIDIA: Refusal = { device: "cuda", reason: "there is no NVIDIA GPU", isPlain: true };

function refusalOf(error: unknown): Refusal {
  if (!(error instanceof DeviceError) || error.reason !== "unavailable") throw error;
  return { device: "cuda", reason: error.message, hint: error.hint };
}

/** What people are told of a choice that is not the best there could be; undefined where it is, or nobody is surprised. */
export function noteOf({ device, refusals }: Choice): string | undefined {
  const isProcessor = device.info.kind === "wasm";
  const reasons = refusals
    .filter(({ isPlain }) => isPlain !== true)
    .map(({ reason, hint }) => (hint === undefined ? reason : `${reason}: ${hint}`));
  if (!isProcessor) return reasons.length === 0 ? undefined : `${device.info.description} is taken: ${reasons.join("; ")}`;
  if (refusals.length === 0) return undefined;
  return `no GPU: computing on the processor${reasons.length === 0 ? "" : ` (${reasons.join("; ")})`}`;
}
