// What schedules know of the machine that runs a block: its profile, which a target makes of what its devices have in common and what it is told of the
// device at hand.

import type { DeviceProfile } from "../../ir/program.ts";

export type { DeviceProfile };

/** Lanes of a subgroup where one of them is a workgroup: on a CPU, where a barrier between subgroups costs as much as a hundred elements. */
export const cpuLanes = ({ kind, lanes }: DeviceProfile): number | undefined => (kind === "cpu" ? lanes : undefined);
