// The files of a compiled folder. `artifact.json` is what `tlc run DIR` reads, for every target; the rest is for applications.

import type { Artifact } from "../../ir/artifact.ts";
import { writeExact } from "../../ir/exact-json.ts";
import type { CompiledKernel } from "../../ir/program.ts";
import { EVENTS_FILE, printDeclarations } from "./declarations.ts";
import { fileName } from "./encode.ts";
import { printModule, RUNTIME_FILE } from "./module.ts";

export type Files = ReadonlyMap<string, string | Uint8Array>;

interface Embedding {
  /** The language that kernels are written in, as the ending of a file. */
  readonly kernels: string;
  /** Files beside the module, and those of this package that they are copies of. */
  readonly runtime: Readonly<Record<string, string>>;
}

/** Targets that applications can embed. */
const EMBEDDINGS: Readonly<Record<string, Embedding>> = {
  webgpu: { kernels: "wgsl", runtime: { [RUNTIME_FILE]: "runtime-webgpu.mjs" } },
  wasm: { kernels: "wat", runtime: { [RUNTIME_FILE]: "runtime-wasm.mjs", "wasm-worker.mjs": "wasm-worker.mjs" } },
};

/** @param built the text of a built file of this package */
export function emitFiles(artifact: Artifact, built: (file: string) => string): Files {
  const files = new Map<string, string | Uint8Array>([["artifact.json", `${writeExact(artifact)}\n`]]);
  const embedding = EMBEDDINGS[artifact.target];
  if (!embedding) return files;
  const name = fileName(artifact.name);
  files.set(`${name}.mjs`, printModule(artifact));
  // Not `.d.ts`: TypeScript looks for the types of a .mjs file under this name only.
  files.set(`${name}.d.mts`, printDeclarations(artifact, built(EVENTS_FILE)));
  for (const { name: stage, program } of artifact.stages) {
    const kernels = artifact.stages.length > 1 ? `kernels/${fileName(stage)}` : "kernels";
    program.kernels.forEach(
      (kernel, i) => kernel.source !== undefined && files.set(`${kernels}/${kernelName(kernel, i)}.${embedding.kernels}`, kernel.source),
    );
  }
  for (const [file, source] of Object.entries(embedding.runtime)) files.set(file, built(source));
  return files;
}

const kernelName = (kernel: CompiledKernel, index: number): string => `${String(index).padStart(3, "0")}-${fileName(kernel.name)}`;
