// WebGPU in Node: Dawn from the npm package `webgpu`, an optional dependency, and the environment that Vulkan loaders want.

// Part of what pages load too, so nothing of Node's is imported before it is wanted, nor where a page's bundler would look for it.
const load = (name: string): Promise<unknown> => import(/* webpackIgnore: true */ /* @vite-ignore */ name);
const fileSystem = async (): Promise<typeof import("node:fs")> => (await load("node:fs")) as typeof import("node:fs");

const DRIVERS = "/usr/share/vulkan/icd.d";

/** Dawn's entry point, or undefined when the package is not installed. Lavapipe is Mesa's Vulkan driver for the CPU. */
export async function createNodeGpu(useLavapipe: boolean): Promise<GPU | undefined> {
  // Drivers warn on stderr when it is missing.
  process.env["XDG_RUNTIME_DIR"] ??= await temporaryFolder();
  if (useLavapipe) {
    const driver = await lavapipeDriver();
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

async function temporaryFolder(): Promise<string> {
  const { tmpdir } = (await load("node:os")) as typeof import("node:os");
  const { mkdtempSync, rmSync } = await fileSystem();
  const folder = mkdtempSync(`${tmpdir()}/tlc-`);
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

async function lavapipeDriver(): Promise<string | undefined> {
  try {
    const file = (await fileSystem()).readdirSync(DRIVERS).find((name) => name.startsWith("lvp_icd") && name.endsWith(".json"));
    return file === undefined ? undefined : `${DRIVERS}/${file}`;
  } catch {
    return undefined;
  }
}
