// `tlc merge`: the weights that a training began with and what it changed, as one file.

import { writeFileAtomic } from "../runtime/atomic-file.ts";
import { mergeDelta } from "../runtime/weights/delta.ts";
import { readSafetensorsFile } from "../runtime/weights/files.ts";
import { openSource } from "../runtime/weights/published.ts";
import { DataError } from "../runtime/errors.ts";
import { EXIT } from "./failure.ts";
import { requireWritable } from "./results.ts";
import type { Terminal } from "./terminal.ts";
import { fetching } from "./weights.ts";

export interface MergeOptions {
  readonly out: string;
}

/** @param from a file of weights in any format, or `hf:OWNER/NAME` */
export async function merge(from: string, changes: string, { out }: MergeOptions, terminal: Terminal): Promise<number> {
  await requireWritable(out);
  const delta = await readSafetensorsFile(changes);
  const base = await openSource(from, fetching(terminal));
  try {
    const bytes = await mergeDelta({ has: (tensor) => base.tensors.has(tensor), read: base.read }, delta).catch((error: unknown) => {
      throw error instanceof DataError ? new DataError(`${changes} does not go with ${from}: ${error.message}`, error.hint) : error;
    });
    await writeFileAtomic(out, bytes);
    terminal.object({ event: "merged", base: from, delta: changes, out, bytes: bytes.length });
    terminal.line(`${out}: ${delta.tensors.size} tensors of ${changes}, the others of ${from}`);
    return EXIT.ok;
  } finally {
    await base.close();
    terminal.clearLive();
  }
}
