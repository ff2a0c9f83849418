// WebGPU in Node: Dawn from the npm package `webgpu`, an optional dependency, and the environment that Vulkan loaders want.

// Part of what pages load too, whose bundlers must neither look for the package nor for Node's own modules.
const load = (name: string): Promise<unknown> => import(/* webpackIgnore: true */ /* @vite-ignore */ name);

const DRIVERS = "/usr/share/vulkan/icd.d";

/** Dawn's entry point, or undefined when the package is not installed. Lavapipe is Mesa's Vulkan driver for the CPU. */
export async function createNodeGpu(useLavapipe: boolean): Promise<GPU | undefined> {
  // Drivers warn on stderr when it is missing.
  process.env["XDG_RUNTIME_DIR"] ??= temporaryFolder();
  if (useLavapipe) {
    const driver = lavapipeDriver();
    if (driver === undefined || process.env["VK_DRIVER_FILES"] !== undefined) return undefined;
    process.env["VK_DRIVER_FILES"] = driver;
  }
  try {
    const { create, globals } = (await load("webgpu")) as typeof import("webgpu");
    Object.assign(globalThis, globals);
    return create([]);
  } catch {
    return undefined;
  }
}

function temporaryFolder(): string {
  const { tmpdir } = process.getBuiltinModule("node:os");
  const { mkdtempSync, rmSync } = process.getBuiltinModule("node:fs");
  const folder = mkdtempSync(`${tmpdir()}/tlc-`);
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

function lavapipeDriver(): string | undefined {
  try {
    const file = process
      .getBuiltinModule("node:fs")
      .readdirSync(DRIVERS)
      .find((name) => name.startsWith("lvp_icd") && name.endsWith(".json"));
    return file === undefined ? undefined : `${DRIVERS}/${file}`;
  } catch {
    return undefined;
  }
}
