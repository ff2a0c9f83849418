// What a generated module is made of, as the runtime sees it: for each target that it was compiled for a file that opens the device and one
// with the programs, both loaded when they are wanted.

import type { Artifact, CompiledStage } from "../../ir/artifact.ts";
import type { Device } from "../device.ts";

/** Best first. */
export const DEVICE_KINDS = ["cuda", "webgpu", "wasm"] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number];

export interface CreateOptions {
  readonly device?: "auto" | DeviceKind | undefined;
  /** Of cuda, and of webgpu in Node: false for the kernels that the compiler took, without measuring others. */
  readonly tune?: boolean | undefined;
  /** Of webgpu. */
  readonly gpu?: GPU | undefined;
  /** Of wasm: one for each processor unless given; always 1 on a page without cross-origin isolation. */
  readonly threads?: number | undefined;
}

/** `device.mjs` of a target. */
export interface DeviceFile {
  /**
   * Throws a DeviceError where there is no such device.
   * @param acceptsSoftware whether a processor that plays the device will do
   */
  open(options: CreateOptions, acceptsSoftware: boolean): Promise<Device>;
}

/** `program.mjs` of a target. */
export interface ProgramFile {
  readonly stages: readonly CompiledStage[];
}

/** Imported with the module where it is the only target, and late where there is a choice. */
export interface TargetFiles {
  readonly device: () => DeviceFile | Promise<DeviceFile>;
  readonly program: () => ProgramFile | Promise<ProgramFile>;
}

export type Targets = Readonly<Partial<Record<DeviceKind, TargetFiles>>>;

/** What all targets have in common. */
export type CommonArtifact = Omit<Artifact, "target" | "stages">;
