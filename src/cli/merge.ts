// `tlc merge`: the weights that a training began with and what it changed, or an adapter beside them, as one file.

import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../runtime/atomic-file.ts";
import { readRegularFile } from "../runtime/files.ts";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, isAdapter, mergeAdapter } from "../runtime/weights/adapter.ts";
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

/** More than any adapter says of itself. */
const MOST_CONFIG_BYTES = 2 ** 20;

/**
 * @param from a file of weights in any format, or `hf:OWNER/NAME`
 * @param changes what `--delta` wrote, or the folder of an adapter, or the file of weights in it
 */
export async function merge(from: string, changes: string, { out }: MergeOptions, terminal: Terminal): Promise<number> {
  await requireWritable(out);
  const file = (await stat(changes).catch(() => undefined))?.isDirectory() === true ? join(changes, ADAPTER_WEIGHTS) : changes;
  const delta = await readSafetensorsFile(file);
  const config = isAdapter(delta) ? await readConfig(dirname(file)) : undefined;
  const base = await openSource(from, fetching(terminal));
  const own = { has: (tensor: string) => base.tensors.has(tensor), read: base.read, names: base.tensors.keys() };
  try {
    const merging = config === undefined ? mergeDelta(own, delta) : mergeAdapter(own, delta, config);
    const bytes = await merging.catch((error: unknown) => {
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

async function readConfig(folder: string): Promise<string> {
  return Buffer.from(await readRegularFile(join(folder, ADAPTER_CONFIG), { most: MOST_CONFIG_BYTES })).toString("utf8");
}
