// What schedules know of the machine that runs a block. A target makes one of what its devices have in common and what it is told of the
// device at hand; no schedule asks which target it is.

export interface DeviceProfile {
  /** On a processor that plays GPU, threads, barriers and accesses to memory cost what they do not on a GPU. */
  readonly kind: "gpu" | "cpu";
  /** Lanes of every subgroup, where they are always that many and can be used. */
  readonly lanes?: number;
  /** Threads that a workgroup may have. */
  readonly maxThreads: number;
  /** Memory that the threads of a workgroup may share. */
  readonly sharedBytes: number;
  /** Whether an access beside a buffer is harmless, and a load there gives some value. */
  readonly boundsAccesses: boolean;
}

/** Lanes of a subgroup where one of them is a workgroup: on a CPU, where a barrier between subgroups costs as much as a hundred elements. */
export const cpuLanes = ({ kind, lanes }: DeviceProfile): number | undefined => (kind === "cpu" ? lanes : undefined);
