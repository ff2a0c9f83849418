// Whether this machine can have a GPU at all, without a driver: loading Vulkan to find out takes time, and drivers that find nothing
// complain about it on stderr.

/** Of Linux: NVIDIA's and Mesa's drivers, Windows' GPU inside of it, and those of small boards. */
const GPU_FILE = /^(nvidia(ctl|\d+)|dxg|kgsl-.*|mali\d*|pvr.*|nvhost-.*|nvmap)$/;

/** NVIDIA's own, and Windows' in WSL, which may be any. */
const NVIDIA_FILE = /^(nvidia(ctl|\d+)|dxg)$/;

/** False only where the answer is certain. */
export function mayHaveGpu(platform: string = process.platform, devices = "/dev"): boolean {
  if (platform !== "linux") return true;
  const names = filesIn(devices);
  if (names === undefined || names.some((name) => GPU_FILE.test(name))) return true;
  return names.includes("dri") && (filesIn(`${devices}/dri`)?.some((name) => name.startsWith("renderD")) ?? true);
}

/** Whether there can be a GPU that CUDA runs on, which the CUDA device is for on Linux alone. */
export const mayHaveNvidia = (platform: string = process.platform, devices = "/dev"): boolean =>
  platform === "linux" && (filesIn(devices)?.some((name) => NVIDIA_FILE.test(name)) ?? true);

/** Undefined where nobody can tell. */
function filesIn(folder: string): readonly string[] | undefined {
  try {
    // Part of what pages load too, which has no such module to import.
    return process.getBuiltinModule("node:fs").readdirSync(folder);
  } catch {
    return undefined;
  }
}
