// `tlc compile`: a spec becomes a folder that trains and predicts without the compiler, on one target or on each of several.

import type { Artifact } from "../ir/artifact.ts";
import { requireEarlier } from "./earlier.ts";
import { EXIT } from "./failure.ts";
import { writeFolder } from "./folder.ts";
import { artifactOf, compileRequest, type CompileOptions } from "./open.ts";
import { cacheFolder } from "../runtime/cache-folder.ts";
import { requireSpec } from "./spec-file.ts";
import { PACKED, PACKED_TEACHER, packPublished, weightAccess } from "./weights.ts";
import type { Terminal } from "./terminal.ts";
import type { CompileOutcome, CompileRequest } from "./toolchain.ts";

export interface CompileVerbOptions extends CompileOptions {
  readonly out: string;
  readonly target: readonly [string, ...string[]];
}

export async function compile(file: string, options: CompileVerbOptions, terminal: Terminal): Promise<number> {
  const { toolchain } = terminal.io;
  await requireSpec(file);
  const [first, ...others] = await compileAll(file, options, terminal);
  const artifacts = [first.artifact, ...others.map(({ artifact }) => artifact)];
  const files = new Map(await toolchain.emit(artifacts, { kernelCache: cacheFolder(terminal.io.env, "kernels") }));
  if (first.weights !== undefined) {
    const published = { ...first.weights, ...weightAccess(file, options, terminal) };
    files.set(PACKED, await packPublished(first.artifact, await requireEarlier(file, options, first.artifact, published, terminal)));
  }
  const { teacher } = first.artifact;
  if (teacher !== undefined && first.teacher !== undefined)
    files.set(
      PACKED_TEACHER,
      await packPublished({ ...first.artifact, ...teacher }, { ...first.teacher, ...weightAccess(file, options, terminal) }),
    );
  let bytes = 0;
  for (const content of files.values()) bytes += typeof content === "string" ? Buffer.byteLength(content) : content.length;
  await writeFolder(options.out, files);
  const recipe = first.artifact.name;
  const targets = artifacts.map(({ target }) => target);
  terminal.object({ event: "compiled", recipe, targets, out: options.out, files: [...files.keys()], bytes });
  terminal.line(`${recipe} for ${targets.join(" and ")}: ${files.size} files, ${(bytes / 1000).toFixed(1)} kB, in ${options.out}`);
  return EXIT.ok;
}

type Compiled = Pick<CompileOutcome, "weights" | "teacher"> & { readonly artifact: Artifact };

/** The same for every target: data that is looked at once, and diagnostics that are shown once. */
async function compileAll(file: string, options: CompileVerbOptions, terminal: Terminal): Promise<readonly [Compiled, ...Compiled[]]> {
  const shown = new Set<string>();
  let described: ReturnType<CompileRequest["describeData"]> | undefined;
  const compileFor = async (target: string): Promise<Compiled> => {
    const request = compileRequest(file, options, target, terminal);
    const describeData: CompileRequest["describeData"] = (...asked) => (described ??= request.describeData(...asked));
    const outcome = await terminal.io.toolchain.compileSpec(file, { ...request, describeData });
    return { ...outcome, artifact: artifactOf(unshown(outcome, shown), terminal) };
  };
  const [first, ...others] = options.target;
  const compiled: [Compiled, ...Compiled[]] = [await compileFor(first)];
  for (const target of others) compiled.push(await compileFor(target));
  return compiled;
}

function unshown(outcome: CompileOutcome, shown: Set<string>): CompileOutcome {
  const diagnostics = outcome.diagnostics.filter((diagnostic) => !shown.has(JSON.stringify(diagnostic)));
  for (const diagnostic of diagnostics) shown.add(JSON.stringify(diagnostic));
  return { ...outcome, diagnostics };
}
