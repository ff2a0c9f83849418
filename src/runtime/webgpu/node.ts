// WebGPU in Node: Dawn from the npm package `webgpu`, an optional dependency, and the environment that Vulkan loaders want.

import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const DRIVERS = "/usr/share/vulkan/icd.d";

/** Dawn's entry point, or undefined when the package is not installed. Lavapipe is Mesa's Vulkan driver for the CPU. */
export async function createNodeGpu(useLavapipe: boolean): Promise<GPU | undefined> {
  // Drivers warn on stderr when it is missing.
  process.env["XDG_RUNTIME_DIR"] ??= mkdtempSync(join(tmpdir(), "tlc-"));
  if (useLavapipe) {
    const driver = lavapipeDriver();
    if (driver === undefined || process.env["VK_DRIVER_FILES"] !== undefined) return undefined;
    process.env["VK_DRIVER_FILES"] = driver;
  }
  try {
    const { create, globals } = await import("webgpu");
    Object.assign(globalThis, globals);
    return create([]);
  } catch {
    return undefined;
  }
}

function lavapipeDriver(): string | undefined {
  try {
    const file = readdirSync(DRIVERS).find((name) => name.startsWith("lvp_icd") && name.endsWith(".json"));
    return file === undefined ? undefined : join(DRIVERS, file);
  } catch {
    return undefined;
  }
}
