// Whether this machine can have a GPU at all, without a driver: loading Vulkan to find out takes time, and drivers that find nothing
// complain about it on stderr.

/** Of Linux: NVIDIA's and Mesa's drivers, Windows' GPU inside of it, and those of small boards. */
const GPU_FILE = /^(nvidia(ctl|\d+)|dxg|kgsl-.*|mali\d*|pvr.*|nvhost-.*|nvmap)$/;

/** False only where the answer is certain. */
export function mayHaveGpu(platform: string = process.platform, devices = "/dev"): boolean {
  if (platform !== "linux") return true;
  // Part of what pages load too, which has no such module to import.
  const { readdirSync } = process.getBuiltinModule("node:fs");
  try {
    const names = readdirSync(devices);
    if (names.some((name) => GPU_FILE.test(name))) return true;
    return names.includes("dri") && readdirSync(`${devices}/dri`).some((name) => name.startsWith("renderD"));
  } catch {
    return true;
  }
}
