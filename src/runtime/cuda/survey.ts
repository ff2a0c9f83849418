// What of CUDA this machine has: driver, GPUs, what compiles kernels, NVIDIA's libraries. Each is asked for by itself, so that one that is missing
// hides none.

import { DeviceError } from "../device.ts";
import { findCompiler } from "./find-compiler.ts";
import { Driver, unavailable, versionText } from "./driver.ts";
import { capabilityOf, gpusOf, OLDEST_CAPABILITY } from "./gpus.ts";
import { bind, findKoffi, KOFFI_HINT, type Koffi } from "./koffi.ts";
import { filesOf, LIBRARIES, type LibraryName, type Machine } from "./libraries.ts";
import { VERSIONS, type Signatures } from "./signatures.ts";
import { versionOfNumber } from "./version.ts";

/** Something that is not there or does not work, and what would change that. */
export interface Missing {
  readonly what: string;
  readonly hint: string;
}

export interface CudaSurvey {
  /** Whether the npm package koffi is installed. */
  readonly koffi: boolean;
  /** The newest CUDA that the driver runs, as in 13.0; absent without a driver, or without koffi to ask it. */
  readonly driver?: string;
  /** In the driver's order: the first is used. */
  readonly gpus: readonly { readonly name: string; readonly capability: string; readonly bytes: number; readonly isUsable: boolean }[];
  /** What would compile kernels; what `tlc compile --target cuda` wrote needs none. */
  readonly compiler?: { readonly name: string; readonly version: string; readonly path: string };
  /** NVIDIA's libraries that were found. */
  readonly libraries: readonly { readonly name: string; readonly path: string; readonly version?: string }[];
  readonly missing: readonly Missing[];
}

/** Libraries that are done without. */
const OF_PRODUCTS = [
  { name: "cublasLt", what: "cuBLASLt was not found: the program's own kernels do all products" },
  { name: "cudnn", what: "cuDNN was not found: the program's own kernels do all convolutions" },
] as const satisfies readonly { readonly name: LibraryName; readonly what: string }[];

export async function surveyCuda(env: Machine["env"]): Promise<CudaSurvey> {
  const missing: Missing[] = [];
  /** What is there, or else a line of what is missing. */
  const attempt = async <T>(ask: () => Promise<T> | T): Promise<T | undefined> => {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      missing.push({ what: error.message, hint: error.hint });
      return undefined;
    }
  };
  const koffi = await findKoffi();
  if (!koffi) missing.push({ what: "the npm package koffi is not installed", hint: KOFFI_HINT });
  const driver = koffi && (await attempt(() => Driver.open()));
  const gpus = driver && (await attempt(() => listed(driver)));
  const compiler = await attempt(() => findCompiler({ env }));
  const libraries = (Object.keys(LIBRARIES) as LibraryName[]).flatMap((name) => {
    const [path] = filesOf(name, { env });
    if (path === undefined) return [];
    const version = path === compiler?.path ? compiler.version : koffi && versionOf(name, koffi, path);
    return [{ name, path, ...(version !== undefined && { version }) }];
  });
  // Whoever has no GPU misses nothing by it.
  if (gpus?.some(({ isUsable }) => isUsable) === true)
    for (const { name, what } of OF_PRODUCTS)
      if (!libraries.some((library) => library.name === name)) missing.push({ what, hint: `\`${LIBRARIES[name].install}\`` });
  return {
    koffi: koffi !== undefined,
    ...(driver && { driver: versionText(driver.version) }),
    gpus: gpus ?? [],
    ...(compiler && { compiler: { name: compiler.name, version: compiler.version, path: compiler.path } }),
    libraries,
    missing,
  };
}

function listed(driver: Driver): CudaSurvey["gpus"] {
  try {
    return gpusOf(driver).map((gpu) => {
      const { name, bytes, major } = gpu;
      return { name, bytes, capability: capabilityOf(gpu), isUsable: major >= OLDEST_CAPABILITY };
    });
  } catch (error) {
    unavailable(error);
  }
}

/** What a library says of itself: 130002 for 13.0.2. */
function versionOf(name: LibraryName, koffi: Koffi, path: string): string | undefined {
  const table: Signatures | undefined = name === "nvrtc" ? undefined : VERSIONS[name];
  if (table === undefined) return undefined;
  try {
    const [call] = bind(koffi, path, table, "u64").values();
    return versionOfNumber(call?.() ?? 0);
  } catch {
    return undefined;
  }
}
