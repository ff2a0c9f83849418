// The files of a compiled folder. `TARGET/artifact.json` is what `tlc run DIR` reads; the rest is for applications: the module with its types,
// the runtime with what it loads late, and for each target that applications can embed a folder with its device, its programs and its kernels.

import { artifactFile, type Artifact } from "../../ir/artifact.ts";
import { writeExact } from "../../ir/exact-json.ts";
import type { CompiledKernel } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";
import { EVENTS_FILE, printDeclarations } from "./declarations.ts";
import { fileName } from "./encode.ts";
import { commonOf, DEVICE_FILE, LATE_FILES, printModule, printProgram, PROGRAM_FILE, RUNTIME_FILE } from "./module.ts";

export type Files = ReadonlyMap<string, string | Uint8Array>;

interface Embedding {
  /** The language that kernels are written in, as the ending of a file. */
  readonly kernels: string;
  /** Files of the target's folder, and those of this package that they are copies of. */
  readonly runtime: Readonly<Record<string, string>>;
}

/** Targets that applications can embed, best first. */
const EMBEDDINGS: Readonly<Record<string, Embedding>> = {
  cuda: { kernels: "cu", runtime: { [DEVICE_FILE]: "cuda-device.mjs", "tuning.mjs": "cuda-tuning.mjs" } },
  webgpu: { kernels: "wgsl", runtime: { [DEVICE_FILE]: "webgpu-device.mjs", "tuning.mjs": "webgpu-tuning.mjs" } },
  wasm: {
    kernels: "wat",
    runtime: { [DEVICE_FILE]: "wasm-device.mjs", "worker.mjs": "wasm-worker.mjs", "worker-text.mjs": "wasm-worker-text.mjs" },
  },
};

/**
 * @param artifacts one for each target, of one recipe and the same data
 * @param built the text of a built file of this package
 */
export function emitFiles(artifacts: readonly Artifact[], built: (file: string) => string): Files {
  requireAlike(artifacts);
  const files = new Map<string, string | Uint8Array>();
  const targets = Object.keys(EMBEDDINGS).filter((name) => artifacts.some(({ target }) => target === name));
  const [first] = artifacts;
  if (first && targets.length > 0) {
    const name = fileName(first.name);
    files.set(`${name}.mjs`, printModule(first, targets));
    // Not `.d.ts`: TypeScript looks for the types of a .mjs file under this name only.
    files.set(`${name}.d.mts`, printDeclarations(first, targets, built(EVENTS_FILE)));
    for (const file of [RUNTIME_FILE, ...LATE_FILES]) files.set(file, built(file));
  }
  for (const artifact of artifacts) {
    files.set(artifactFile(artifact.target), `${writeExact(artifact)}\n`);
    const embedding = EMBEDDINGS[artifact.target];
    if (embedding)
      for (const [file, content] of embeddedFiles(artifact, embedding, built)) files.set(`${artifact.target}/${file}`, content);
  }
  return files;
}

function embeddedFiles(artifact: Artifact, { kernels: ending, runtime }: Embedding, built: (file: string) => string): Map<string, string> {
  const files = new Map([[PROGRAM_FILE, printProgram(artifact)]]);
  for (const [file, source] of Object.entries(runtime)) files.set(file, built(source));
  for (const { name: stage, program } of artifact.stages) {
    const kernels = artifact.stages.length > 1 ? `kernels/${fileName(stage)}` : "kernels";
    program.kernels.forEach(
      (kernel, i) => kernel.source !== undefined && files.set(`${kernels}/${kernelName(kernel, i)}.${ending}`, kernel.source),
    );
  }
  return files;
}

/** One module speaks for all of them. */
function requireAlike(artifacts: readonly Artifact[]): void {
  const targets = new Set(artifacts.map(({ target }) => target));
  const kinds = new Set(artifacts.map((artifact) => writeExact(commonOf(artifact))));
  if (targets.size !== artifacts.length || kinds.size > 1) throw new InternalError("a folder holds one recipe, once for each target");
}

const kernelName = (kernel: CompiledKernel, index: number): string => `${String(index).padStart(3, "0")}-${fileName(kernel.name)}`;
