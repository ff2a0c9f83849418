// The libraries of products that this machine has. Without any of them, the program's own kernels do all the work.

import type { Koffi } from "./koffi.ts";
import { openCublasLt } from "./cublaslt.ts";
import { filesOf, type Machine } from "./libraries.ts";
import type { ProductLibrary } from "./library.ts";

/** Of each, the first file that can be loaded and begins. */
export function openLibraries(koffi: Koffi, machine: Machine): readonly ProductLibrary[] {
  for (const path of filesOf("cublasLt", machine)) {
    try {
      return [openCublasLt(koffi, path)];
    } catch {
      // `tlc doctor` says which files there are; what does not begin is done without.
    }
  }
  return [];
}
