// What makes PTX of kernels here: NVRTC where it is found, or else nvcc.

import { join } from "node:path";
import { DeviceError } from "../device.ts";
import { findKoffi, KOFFI_HINT } from "./koffi.ts";
import { filesOf, LIBRARIES, toolkits, type Machine } from "./libraries.ts";
import type { KernelCompiler } from "./compiler.ts";
import { openNvcc } from "./nvcc.ts";
import { openNvrtc } from "./nvrtc.ts";

/** Throws a DeviceError that says how to get one where there is none. */
export async function findCompiler(machine: Machine): Promise<KernelCompiler> {
  const faults: string[] = [];
  const files = filesOf("nvrtc", machine);
  const koffi = files.length > 0 ? await findKoffi() : undefined;
  for (const file of files) {
    if (!koffi) break;
    try {
      return openNvrtc(koffi, file);
    } catch (error) {
      faults.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (const path of [...toolkits(machine).map((home) => join(home, "bin", "nvcc")), "nvcc"]) {
    const found = await openNvcc(path).catch(() => undefined);
    if (found) return found;
  }
  const said = faults.length > 0 ? ` (${faults.join("; ")})` : "";
  const hint = files.length > 0 && !koffi ? `NVRTC is here, and koffi, which calls it, is not. ${KOFFI_HINT}` : INSTALL_HINT;
  throw new DeviceError("unavailable", `there is neither NVRTC nor nvcc to compile CUDA kernels with${said}`, hint);
}

const INSTALL_HINT =
  `Install NVRTC with \`${LIBRARIES.nvrtc.install}\` and \`npm install koffi\`, or NVIDIA's CUDA toolkit 12 or 13; ` +
  "where it lies elsewhere, CUDA_HOME says so.";
