// What of CUDA this machine has: driver, GPUs, what compiles kernels, NVIDIA's libraries. Each is asked for by itself, so that one that is missing
// hides none.

import { DeviceError } from "../device.ts";
import { findCompiler } from "./find-compiler.ts";
import { Driver, unavailable, versionText } from "./driver.ts";
import { capabilityOf, gpusOf, OLDEST_CAPABILITY } from "./gpus.ts";
import { bind, findKoffi, KOFFI_HINT, type Koffi } from "./koffi.ts";
import { openNvrtc } from "./nvrtc.ts";
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

/** What libraries are called, and what is done without them. */
const NAMES: Readonly<Record<LibraryName, { readonly title: string; readonly done?: string }>> = {
  nvrtc: { title: "NVRTC" },
  cublasLt: { title: "cuBLASLt", done: "the program's own kernels do all products" },
  cudnn: { title: "cuDNN", done: "the program's own kernels do all convolutions" },
};

const hintOf = (name: LibraryName): string => `\`${LIBRARIES[name].install}\``;

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
  const isWanted = gpus?.some(({ isUsable }) => isUsable) === true;
  const libraries = (Object.keys(LIBRARIES) as LibraryName[]).flatMap((name) => {
    const faults: string[] = [];
    for (const path of filesOf(name, { env })) {
      try {
        return [{ name, path, ...(koffi && { version: versionOf(name, koffi, path) }) }];
      } catch (error) {
        faults.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    const { title, done } = NAMES[name];
    if (faults.length > 0) missing.push({ what: `${title} cannot be loaded: ${faults.join("; ")}`, hint: hintOf(name) });
    // Whoever has no GPU misses nothing by it.
    else if (isWanted && done !== undefined) missing.push({ what: `${title} was not found: ${done}`, hint: hintOf(name) });
    return [];
  });
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

/** What a library says of itself: 130002 for 13.0.2. Throws where it cannot be loaded. */
function versionOf(name: LibraryName, koffi: Koffi, path: string): string {
  if (name === "nvrtc") return openNvrtc(koffi, path).version;
  const table: Signatures = VERSIONS[name];
  const [call] = bind(koffi, path, table, "u64").values();
  return versionOfNumber(call?.() ?? 0);
}
