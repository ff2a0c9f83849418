// The libraries of products that this machine has. Without any of them, the program's own kernels do all the work.

import { openCublasLt } from "./cublaslt.ts";
import { openCudnn } from "./cudnn.ts";
import { bind, type Koffi } from "./koffi.ts";
import { filesOf, type LibraryName, type Machine } from "./libraries.ts";
import type { ProductLibrary } from "./library.ts";
import { VERSIONS } from "./signatures.ts";

const OPENERS: readonly (readonly [LibraryName, (koffi: Koffi, path: string, machine: Machine) => ProductLibrary])[] = [
  ["cublasLt", openCublasLt],
  [
    "cudnn",
    (koffi, path, machine) => {
      loadForCudnn(koffi, path, machine);
      return openCudnn(koffi, path);
    },
  ],
];

/** Of each, the first file that can be loaded and begins. */
export const openLibraries = (koffi: Koffi, machine: Machine): readonly ProductLibrary[] =>
  OPENERS.flatMap(([name, open]) => {
    for (const path of filesOf(name, machine)) {
      try {
        return [open(koffi, path, machine)];
      } catch {
        // `tlc doctor` says which files there are; what does not begin is done without.
      }
    }
    return [];
  });

/**
 * Loads the cuBLASLt that a cuDNN was made for, which that finds by its name then: where there is none it does not fail but ends the process. Throws
 * where it cannot be loaded.
 */
export function loadForCudnn(koffi: Koffi, path: string, machine: Machine): void {
  const version = bind(koffi, path, VERSIONS.cudart, "u64").get("cudnnGetCudartVersion")?.() ?? 0;
  const file = `libcublasLt.so.${String(Math.floor(version / 1000))}`;
  koffi.load(filesOf("cublasLt", machine).find((found) => found.endsWith(`/${file}`)) ?? file);
}
