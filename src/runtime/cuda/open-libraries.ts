// The libraries of products that this machine has. Without any of them, the program's own kernels do all the work.

import { openCublasLt } from "./cublaslt.ts";
import { openCudnn } from "./cudnn.ts";
import type { Koffi } from "./koffi.ts";
import { filesOf, type LibraryName, type Machine } from "./libraries.ts";
import type { ProductLibrary } from "./library.ts";

const OPENERS: readonly (readonly [LibraryName, (koffi: Koffi, path: string) => ProductLibrary])[] = [
  ["cublasLt", openCublasLt],
  ["cudnn", openCudnn],
];

/** Of each, the first file that can be loaded and begins. */
export const openLibraries = (koffi: Koffi, machine: Machine): readonly ProductLibrary[] =>
  OPENERS.flatMap(([name, open]) => {
    for (const path of filesOf(name, machine)) {
      try {
        return [open(koffi, path)];
      } catch {
        // `tlc doctor` says which files there are; what does not begin is done without.
      }
    }
    return [];
  });
