// `tlc compile`: a spec becomes a folder that trains and predicts without the compiler.

import { EXIT } from "./failure.ts";
import { writeFolder } from "./folder.ts";
import { artifactOf, compileRequest, type CompileOptions } from "./open.ts";
import { requireSpec } from "./spec-file.ts";
import { PACKED, packPublished, weightAccess } from "./weights.ts";
import type { Terminal } from "./terminal.ts";

export interface CompileVerbOptions extends CompileOptions {
  readonly out: string;
  readonly target: string;
}

export async function compile(file: string, options: CompileVerbOptions, terminal: Terminal): Promise<number> {
  const { toolchain } = terminal.io;
  await requireSpec(file);
  const outcome = await toolchain.compileSpec(file, compileRequest(file, options, options.target, terminal));
  const artifact = artifactOf(outcome, terminal);
  const files = new Map(await toolchain.emit(artifact));
  if (outcome.weights !== undefined)
    files.set(PACKED, await packPublished(artifact, { ...outcome.weights, ...weightAccess(file, options, terminal) }));
  let bytes = 0;
  for (const content of files.values()) bytes += typeof content === "string" ? Buffer.byteLength(content) : content.length;
  await writeFolder(options.out, files);
  terminal.object({
    event: "compiled",
    recipe: artifact.name,
    target: artifact.target,
    out: options.out,
    files: [...files.keys()],
    bytes,
  });
  terminal.line(`${artifact.name} for ${artifact.target}: ${files.size} files, ${(bytes / 1000).toFixed(1)} kB, in ${options.out}`);
  return EXIT.ok;
}
