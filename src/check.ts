// The compiler's front half by itself: reads a spec and says everything that can be said without its data. Apart from compile.ts, so
// that `tlc check` loads neither passes nor targets.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Diagnostic, Sources } from "./diagnostics.ts";
import { checkSpec as checkLoaded, loadSpec, type LoadedSpec } from "./dsl/index.ts";
import { createBuilder } from "./ir/builder.ts";
import { packageRoot } from "./package-root.ts";

export interface CheckRequest {
  /** `path=value`: changes to the recipe and its data. */
  readonly set?: readonly string[];
}

export interface CheckOutcome {
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: Sources;
}

/** Plans every recipe of a spec and builds its network. */
export async function checkSpec(file: string, request: CheckRequest = {}): Promise<CheckOutcome> {
  const spec = await openSpec(file);
  checkLoaded(spec, { builder: createBuilder, ...(request.set && { overrides: request.set }) });
  return outcomeOf(spec);
}

/** A spec from its file, with what it imports. */
export async function openSpec(file: string): Promise<LoadedSpec> {
  const root = packageRoot();
  const host = { zoo: join(root, "specs", "zoo"), readFile };
  const text = readFileSync(file, "utf8");
  let hasJson = false;
  const noteJson = (): undefined => {
    hasJson = true;
  };
  const spec = loadSpec(file, text, { ...host, parseJson: noteJson });
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- set by the host
  if (!hasJson) return spec;
  // Once more with the validator of the JSON form, which is slow to load and rarely needed.
  const { createSpecValidator } = await import("./dsl/schema.ts");
  const schema = JSON.parse(readFileSync(join(root, "specs", "schema", "tlspec.schema.json"), "utf8")) as object;
  return loadSpec(file, text, { ...host, parseJson: createSpecValidator(schema) });
}

export const outcomeOf = (spec: LoadedSpec): CheckOutcome => ({ diagnostics: spec.sink.list(), sources: spec.sources });

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
