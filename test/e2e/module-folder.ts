// A compiled folder of an example on disk, with some of its data beside it as bytes, for the tests that use it from outside: in another
// process, in a browser, in a type checker.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { bundleRuntime, RUNTIME_FILES } from "../../scripts/bundle-runtime.mjs";
import { EVENTS_FILE } from "../../src/codegen/module/declarations.ts";
import { emitFiles } from "../../src/codegen/module/emit.ts";
import { compileSpec } from "../../src/compile.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import { describeData, loadSplit } from "../../src/runtime/data/index.ts";

export interface CompiledFolder {
  readonly path: string;
  readonly artifact: Artifact;
  remove(): void;
}

export const BATCH = 16;
export const STEPS = 10;

type Target = "cuda" | "webgpu" | "wasm";

/** For another folder than what the compiler makes. */
export interface FolderOptions {
  readonly batch?: number;
  readonly steps?: number;
  readonly change?: (artifact: Artifact) => Promise<Artifact>;
}

/** The CNN of the examples in small batches, and enough glyphs of every class for `STEPS` steps. */
export const compileGlyphs = (...targets: readonly [Target, ...Target[]]): Promise<CompiledFolder> => compileFolder(targets, {});

export async function compileFolder(
  targets: readonly [Target, ...Target[]],
  { batch = BATCH, steps = STEPS, change }: FolderOptions,
): Promise<CompiledFolder> {
  const compiled = await Promise.all(targets.map((target) => compileFor(target, batch)));
  const artifacts = change ? await Promise.all(compiled.map(change)) : compiled;
  const [artifact] = artifacts as [Artifact];
  if (!artifact.data) throw new Error("no data");
  // Inside the checkout: from there the module finds the package `webgpu`, as in an application that has it.
  mkdirSync(".cache", { recursive: true });
  const path = mkdtempSync(".cache/module-");
  const built = new Map(await Promise.all(RUNTIME_FILES.map(async (file) => [file, await bundleRuntime(file)] as const)));
  built.set(EVENTS_FILE, readFileSync("src/runtime/events.ts", "utf8"));
  for (const [name, content] of emitFiles(artifacts, (file) => built.get(file)!)) write(join(path, name), content);

  const split = await loadSplit(artifact.data, "test", artifact.dataInfo);
  const [pixels, labels] = [split.columns.get("image")!.data, split.columns.get("label")!.data];
  const size = pixels.length / split.count;
  const chosen = Array.from({ length: batch * steps }, (_, i) => (i * 37) % split.count);
  const some = new Uint8Array(chosen.length * size);
  chosen.forEach((example, i) => some.set(pixels.subarray(example * size, (example + 1) * size), i * size));
  write(join(path, "pixels.bin"), some);
  write(
    join(path, "labels.bin"),
    Uint8Array.from(chosen, (example) => labels[example]!),
  );
  return { path, artifact, remove: () => rmSync(path, { recursive: true }) };
}

async function compileFor(target: Target, batch: number): Promise<Artifact> {
  const { artifact, diagnostics } = await compileSpec("specs/examples/cnn.tlspec", {
    target,
    // A rate at which the loss falls within so few steps.
    set: [`batch=${batch}`, "optimizer.lr=1e-3"],
    describeData: (plan, labels) => describeData(plan, labels),
  });
  if (!artifact) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return artifact;
}

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
