// nvcc, the compiler of NVIDIA's toolkit, as a process.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { KernelCompiler } from "./compiler.ts";

/** Throws where there is no such program. */
export async function openNvcc(path: string): Promise<KernelCompiler> {
  const { stdout } = await promisify(execFile)(path, ["--version"]);
  return {
    name: "nvcc",
    version: /release (\d+\.\d+)/.exec(stdout)?.[1] ?? "of its own",
    path,
    compile: async (source, arch) => {
      const folder = await mkdtemp(join(tmpdir(), "tlc-cuda-"));
      try {
        await writeFile(join(folder, "kernels.cu"), source);
        await promisify(execFile)(path, ["-ptx", `-arch=${arch}`, "-o", "kernels.ptx", "kernels.cu"], { cwd: folder, maxBuffer: 1 << 26 });
        return await readFile(join(folder, "kernels.ptx"), "utf8");
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}
