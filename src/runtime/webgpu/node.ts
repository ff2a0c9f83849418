// WebGPU in Node: Dawn from the npm package `webgpu`, an optional dependency, and the environment that Vulkan loaders want.

import { loadPackage } from "../load-package.ts";
import { waitPatiently } from "./patience.ts";

const DRIVERS = "/usr/share/vulkan/icd.d";

/**
 * An instance of Dawn brings a Vulkan instance, threads and tens of megabytes, which stay until it is collected: a process has one for the system's
 * drivers and one for lavapipe, also where several bundles of this file run in it. Held weakly, since an instance that is kept may keep Node from
 * exiting; whoever uses a device of it holds it (gpu.ts).
 */
const INSTANCES = Symbol.for("tlspec.dawn");
const registry = globalThis as Partial<Record<symbol, Map<boolean, WeakRef<GPU>>>>;
const instances = (registry[INSTANCES] ??= new Map<boolean, WeakRef<GPU>>());

/** Dawn's entry point, or undefined when the package is not installed. Lavapipe is Mesa's Vulkan driver for the CPU. */
export async function findNodeGpu(useLavapipe: boolean): Promise<GPU | undefined> {
  const dawn = (await loadPackage("webgpu")) as typeof import("webgpu") | undefined;
  // Nothing is awaited from here on, or two callers would make two.
  const known = instances.get(useLavapipe)?.deref();
  if (known || !dawn || !prepareDrivers(useLavapipe)) return known;
  Object.assign(globalThis, dawn.globals);
  if (instances.size === 0) waitPatiently(dawn.globals);
  const made = dawn.create([]);
  instances.set(useLavapipe, new WeakRef(made));
  return made;
}

/** False where there is no lavapipe, or the user has said which drivers there are. */
function prepareDrivers(useLavapipe: boolean): boolean {
  // Drivers warn on stderr when it is missing.
  process.env["XDG_RUNTIME_DIR"] ??= temporaryFolder();
  if (!useLavapipe) return true;
  const driver = lavapipeDriver();
  if (driver === undefined || process.env["VK_DRIVER_FILES"] !== undefined) return false;
  process.env["VK_DRIVER_FILES"] = driver;
  return true;
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
