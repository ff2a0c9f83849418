// The seam between the target-blind trainer and a device. A device loads a Program once; after that nothing is compiled and
// nothing is allocated but resident data.

import type { HostArray } from "../ir/arrays.ts";
import type { KnownProfile, EntryName, Program } from "../ir/program.ts";

export type { HostArray };

export interface DeviceInfo {
  /** `webgpu`, `reference`, … */
  readonly kind: string;
  /** For people: adapter or engine, e.g. `WebGPU (llvmpipe, LLVM 19.1.7)`. */
  readonly description: string;
  /** False for a software rasterizer or an interpreter. */
  readonly isHardware: boolean;
}

export interface Device {
  readonly info: DeviceInfo;
  /** What kernels for this device may use; compile with them. */
  readonly limits?: KnownProfile;
  /** Bytes that all of a program may take, beside the data; nobody knows, unless given. */
  readonly mostMemory?: number;
  /** Bytes that one column of a data set may take; as many as can be counted, unless given. */
  readonly mostData?: number;
  load(program: Program): Promise<Session>;
  dispose(): void;
}

export interface Session {
  /** Copies host data into a buffer, from its start. Writing a `data` buffer allocates it. Ordered after earlier runs. */
  write(buffer: string, data: HostArray): void;
  /**
   * Copies buffers of these names from another session of the same device, without the host: as they are there after everything enqueued so
   * far, ordered after earlier runs here. The other session may be disposed of right after.
   */
  adopt(previous: Session, buffers: readonly string[]): void;
  /** Enqueues an entry `times` times (each once its predecessor is done) and returns at once. */
  run(entry: EntryName, times?: number): void;
  /** Copies buffers back, all in one round trip, as they are after everything enqueued so far. */
  read(buffers: readonly string[]): Promise<Map<string, HostArray>>;
  /** Where a device computes in more than the host's arrays hold: states as they are, of which a training goes on to the bit. */
  readonly exact?: {
    read(buffers: readonly string[]): Promise<Map<string, HostArray | Float64Array>>;
    write(buffer: string, data: Float64Array): void;
  };
  /** Resolves when everything enqueued is done; rejects with a DeviceError when the device was lost or ran out of memory. */
  sync(): Promise<void>;
  dispose(): void;
}

/** What a training had learned by the end of its last whole epoch: a safetensors file. */
export interface LastWeights {
  readonly stage: string;
  readonly epoch: number;
  readonly weights: Uint8Array;
}

/** A device that cannot be had, was lost, or ran out of memory. `hint` says what to do about it. */
export class DeviceError extends Error {
  readonly reason: "unavailable" | "lost" | "out-of-memory";
  readonly hint: string;
  /** Of a training that ended with its device, after its first epoch. */
  readonly last: LastWeights | undefined;
  constructor(reason: DeviceError["reason"], message: string, hint: string, last?: LastWeights) {
    super(message);
    this.name = "DeviceError";
    this.reason = reason;
    this.hint = hint;
    this.last = last;
  }
}
