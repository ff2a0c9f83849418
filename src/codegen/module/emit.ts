// The files of a compiled folder. `artifact.json` is what `tlc run DIR` reads, for every target; the rest is for applications.

import type { Artifact } from "../../ir/artifact.ts";
import { writeExact } from "../../ir/exact-json.ts";
import type { CompiledKernel } from "../../ir/program.ts";
import { printDeclarations } from "./declarations.ts";
import { fileName } from "./encode.ts";
import { printModule, RUNTIME_FILE } from "./module.ts";

export type Files = ReadonlyMap<string, string | Uint8Array>;

/** @param runtime the text of the bundled runtime; only a target that applications can embed needs one */
export function emitFiles(artifact: Artifact, runtime: (target: string) => string): Files {
  const files = new Map<string, string>([["artifact.json", `${writeExact(artifact)}\n`]]);
  if (artifact.program.target !== "webgpu") return files;
  const name = fileName(artifact.name);
  files.set(`${name}.mjs`, printModule(artifact));
  // Not `.d.ts`: TypeScript looks for the types of a .mjs file under this name only.
  files.set(`${name}.d.mts`, printDeclarations(artifact));
  artifact.program.kernels.forEach((kernel, i) => kernel.source !== undefined && files.set(kernelFile(kernel, i), kernel.source));
  files.set(RUNTIME_FILE, runtime(artifact.program.target));
  return files;
}

const kernelFile = (kernel: CompiledKernel, index: number): string =>
  `kernels/${String(index).padStart(3, "0")}-${fileName(kernel.name)}.wgsl`;
