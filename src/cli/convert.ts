// `tlc convert`: weights of any format that is read here as one safetensors file, with the names, dtypes and values that they have.

import { writeFileAtomic } from "../runtime/atomic-file.ts";
import { DataError } from "../runtime/errors.ts";
import { formatBytes } from "../runtime/memory.ts";
import { openSource } from "../runtime/weights/published.ts";
import { layoutSafetensors } from "../runtime/weights/safetensors.ts";
import type { WeightSource } from "../runtime/weights/source.ts";
import { EXIT } from "./failure.ts";
import { requireWritable } from "./results.ts";
import type { Terminal } from "./terminal.ts";
import { fetching } from "./weights.ts";

export interface ConvertOptions {
  readonly out: string;
}

export async function convert(file: string, { out }: ConvertOptions, terminal: Terminal): Promise<number> {
  await requireWritable(out);
  const source = await openSource(file, fetching(terminal));
  try {
    if (source.tensors.has("__metadata__")) throw new DataError(`${file} has a tensor "__metadata__", which safetensors has no name for`);
    const metadata = new Map([["format", "pt"], ...source.metadata]);
    const { start, names, bytes } = layoutSafetensors(source.tensors, metadata);
    await writeFileAtomic(out, contents(source, start, names));
    terminal.object({ event: "converted", file, format: source.format, out, tensors: names.length, bytes });
    terminal.line(`${file} (${source.format}): ${names.length} tensors, ${formatBytes(bytes)}, in ${out}`);
    return EXIT.ok;
  } finally {
    await source.close();
  }
}

/** One tensor after the other: no more than one is in memory. */
async function* contents(source: WeightSource, start: Uint8Array, names: readonly string[]): AsyncGenerator<Uint8Array> {
  yield start;
  for (const name of names) yield (await source.read(name)).data;
}
