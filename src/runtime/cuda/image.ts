// A program's kernels as one module that the driver loads: PTX, made by nvcc where there is one.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Program } from "../../ir/program.ts";
import { DeviceError } from "../device.ts";

/** The text of all kernels, in the order of the program. */
export function moduleText({ prelude = "", kernels }: Program): string {
  // Names tell kernels apart by their text: those of one name are one.
  const texts = new Map(kernels.map(({ cuda, source = "" }) => [cuda?.entry, source]));
  return [prelude, ...texts.values()].join("\n");
}

/** PTX for a compute capability, `sm_XY`, with a zero at its end. */
export async function compileImage(program: Program, arch: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "tlc-cuda-"));
  try {
    await writeFile(join(folder, "module.cu"), moduleText(program));
    const home = process.env["CUDA_HOME"];
    const compiler = home === undefined ? "nvcc" : join(home, "bin", "nvcc");
    await promisify(execFile)(compiler, ["-ptx", `-arch=${arch.replace("sm_", "compute_")}`, "-o", "module.ptx", "module.cu"], {
      cwd: folder,
    });
    return Buffer.concat([await readFile(join(folder, "module.ptx")), Buffer.alloc(1)]);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const message = isMissing
      ? "there is no nvcc to compile kernels with"
      : `nvcc: ${error instanceof Error ? error.message : String(error)}`;
    throw new DeviceError(
      "unavailable",
      message,
      "Install NVIDIA's CUDA toolkit, or say in CUDA_HOME where it is. Or use --device webgpu.",
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
