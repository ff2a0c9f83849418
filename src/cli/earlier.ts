// `weights NAME` of a recipe: what another recipe of the same spec has trained. `tlc run` trains that first, unless a run of it, as it is
// written now, has ended; other verbs name the command that does.

import type { Artifact } from "../ir/artifact.ts";
import { DataError } from "../runtime/errors.ts";
import { fileHash } from "../runtime/files.ts";
import { EXIT, Exit } from "./failure.ts";
import { artifactOf, compileRequest, type CompileOptions, type Opened } from "./open.ts";
import { finishedWeights } from "./results.ts";
import type { Terminal } from "./terminal.ts";
import { weightAccess, type Published } from "./weights.ts";

/** A recipe alone: what `--set` says is of the recipe that was asked for. */
const alone = ({ root }: CompileOptions, recipe: string): CompileOptions => ({ set: [], recipe, ...(root !== undefined && { root }) });

/** In a folder of runs, which is beside no spec. */
const inRun = async ({ matches }: Published, source: string): Promise<Published> => ({
  ...{ source, isRecipe: false, matches },
  hash: await fileHash(source),
});

/**
 * What a recipe begins with, as a file.
 * @param train trains the other recipe to its end, and returns its exit code
 */
export async function trainEarlier(
  opened: Opened,
  path: string,
  options: CompileOptions,
  terminal: Terminal,
  train: (earlier: Opened, recipe: string) => Promise<number>,
): Promise<Opened> {
  const { published, device } = opened;
  if (!published?.isRecipe) return opened;
  const recipe = published.source;
  const request = compileRequest(path, alone(options, recipe), device.info.kind, terminal, device);
  const outcome = await terminal.io.toolchain.compileSpec(path, request);
  const artifact = artifactOf(outcome, terminal);
  const { published: _, teacher: __, ...rest } = opened;
  const access = weightAccess(path, options, terminal);
  const its = {
    ...rest,
    artifact,
    outcome,
    ...(outcome.weights && { published: { ...outcome.weights, ...access } }),
    ...(outcome.teacher && { teacher: { ...outcome.teacher, ...access } }),
  };
  // What that one begins with in turn comes first: a run of it that began with other weights is no run of it as it would be now.
  const earlier = await trainEarlier(its, path, options, terminal, train);
  const done = await finishedWeights(artifact, path, earlier.published?.hash);
  if (done === undefined) {
    terminal.line(`${opened.artifact.name} begins with the weights of ${recipe}, which is trained first`);
    const code = await train(earlier, recipe);
    if (code !== EXIT.ok) throw new Exit(code);
  }
  const file = done ?? (await finishedWeights(artifact, path, earlier.published?.hash));
  if (file === undefined) throw new DataError(`the weights of ${recipe} are not where its run should have left them`);
  terminal.line(`${opened.artifact.name} begins with ${file}`);
  return { ...opened, published: await inRun(published, file) };
}

/** For what does not train: the file of the run that has ended. */
export async function requireEarlier(
  path: string,
  options: CompileOptions,
  { target }: Artifact,
  published: Published,
  terminal: Terminal,
): Promise<Published> {
  if (!published.isRecipe) return published;
  const recipe = published.source;
  const file = await earlierFile(path, options, target, recipe, terminal);
  if (file !== undefined) return inRun(published, file);
  throw new DataError(
    `the recipe begins with the weights of ${recipe}, which has none yet`,
    `train it first with \`tlc run ${path} --recipe ${recipe}\``,
  );
}

/** What the last run of a recipe has left, if it began with what the recipe before it has left, and so on. */
async function earlierFile(
  path: string,
  options: CompileOptions,
  target: string,
  recipe: string,
  terminal: Terminal,
): Promise<string | undefined> {
  const outcome = await terminal.io.toolchain.compileSpec(path, compileRequest(path, alone(options, recipe), target, terminal));
  const { isRecipe = false, source = "" } = outcome.weights ?? {};
  const before = isRecipe ? await earlierFile(path, options, target, source, terminal) : undefined;
  if (isRecipe && before === undefined) return undefined;
  return finishedWeights(artifactOf(outcome, terminal), path, before && (await fileHash(before)));
}
