// The weights that verbs begin with: a file that the user names, those of the newest run, or the published ones of the recipe.

import { join } from "node:path";
import type { Artifact } from "../ir/artifact.ts";
import { DataError } from "../runtime/errors.ts";
import { weightFolders } from "../runtime/inside.ts";
import { formatBytes } from "../runtime/memory.ts";
import type { OpenWeights, PublishedAccess, PublishedWeights } from "../runtime/weights/published.ts";
import type { Terminal } from "./terminal.ts";

/** Those of the recipe, and where they may lie. */
export type Published = PublishedWeights & PublishedAccess;

/** Where the weights of a spec may be, and what is said while they are fetched. */
export const weightAccess = (
  file: string,
  options: { readonly root?: string; readonly set?: readonly string[] },
  terminal: Terminal,
): PublishedAccess => ({ within: weightFolders(file, options), ...fetching(terminal) });

export function fetching(terminal: Terminal): PublishedAccess {
  let last = 0;
  const progress = (what: string, bytes: number, of: number): void => {
    terminal.live(`fetching ${what}: ${formatBytes(bytes)} of ${formatBytes(of)}`);
    const now = performance.now();
    if (now - last < PROGRESS_MS && bytes < of) return;
    last = now;
    terminal.object({ event: "fetch", file: what, bytes, of });
  };
  return { hub: { progress } };
}

/** Between events of a file that is fetched. */
const PROGRESS_MS = 1000;

/** What `tlc compile` writes of published weights: the network's names, its shapes, f32. */
export const PACKED = "weights.safetensors";

/** The same of the network that a distilled one learns from. */
export const PACKED_TEACHER = "teacher.safetensors";

/** A compiled folder has the teacher of its network in it. */
export function teacherInFolder(folder: string, { teacher }: Artifact): Published | undefined {
  const matches = new Map(teacher?.parameters.map(({ name }) => [name, { tensor: name }]));
  return teacher && { source: join(folder, PACKED_TEACHER), isRecipe: false, matches };
}

/** A compiled folder has what it begins with in it. Its program is checked already; this is, too. */
export async function publishedInFolder(folder: string, artifact: Artifact): Promise<Published | undefined> {
  if (artifact.weights === undefined) return undefined;
  const source = join(folder, PACKED);
  return { source, isRecipe: false, matches: await matchesOf(artifact, source) };
}

/** The file of a folder that holds what it, or its teacher, begins with. */
export async function packPublished(artifact: Artifact, published: Published): Promise<Uint8Array> {
  const { packWeights } = await import("../runtime/weights/model-weights.ts");
  const weights = await open(published);
  try {
    return await packWeights(artifact, weights);
  } finally {
    await weights.close();
  }
}

/** Of a file that was trained: all of the network must be in it. */
async function matchesOf(artifact: Artifact, file: string): Promise<PublishedWeights["matches"]> {
  const [{ openWeights }, { checkWeights }] = [
    await import("../runtime/weights/open.ts"),
    await import("../runtime/weights/model-weights.ts"),
  ];
  const { close, ...header } = await openWeights(file);
  try {
    return checkWeights(artifact, header);
  } finally {
    await close();
  }
}

const open = async (published: Published): Promise<OpenWeights> =>
  (await import("../runtime/weights/published.ts")).openPublished(published, published);

const openTrained = async (artifact: Artifact, source: string): Promise<OpenWeights> =>
  open({ source, isRecipe: false, matches: await matchesOf(artifact, source) });

interface Opened {
  readonly artifact: Artifact;
  readonly published?: Published;
  readonly teacher?: Published;
}

/** Of the network that a distilled one learns from, for training. */
export const openTeacher = async ({ teacher }: Opened): Promise<OpenWeights | undefined> => teacher && open(teacher);

/** For training: those named, or those of the recipe, or none. */
export async function openFirstWeights(
  { artifact, published }: Opened,
  named: string | undefined,
  terminal: Terminal,
): Promise<OpenWeights | undefined> {
  if (named !== undefined) return openTrained(artifact, named);
  return published && openNoted(artifact, published, terminal);
}

/** For answers: those named, or those of the newest run, or those of the recipe, if they are the whole network. */
export async function openTrainedWeights(
  { artifact, published }: Opened,
  path: string,
  named: string | undefined,
  terminal: Terminal,
): Promise<OpenWeights> {
  if (named !== undefined) {
    const trained = await openTrained(artifact, named);
    const random = artifact.parameters.length - trained.matches.size;
    if (random === 0) return trained;
    await trained.close();
    throw new DataError(
      `${named} has the weights that ${artifact.name} begins with: ${random} of its tensors are not among them`,
      `train first with \`tlc run ${path}\`, or name a file of trained weights`,
    );
  }
  const { newestWeights } = await import("./results.ts");
  const newest = await newestWeights(artifact, path);
  if (newest !== undefined) {
    if (!newest.isOwn) terminal.remark(`weights of ${newest.file}, which another spec or folder of this recipe's name has trained`);
    return openTrained(artifact, newest.file);
  }
  const fresh = artifact.weights?.new.length ?? 0;
  if (published !== undefined && !published.isRecipe && fresh === 0) return openNoted(artifact, published, terminal);
  const isFile = published !== undefined && !published.isRecipe;
  const reason = !isFile ? "" : `: ${fresh} of its tensors are not in the published ones`;
  throw new DataError(
    `${artifact.name} has no ${isFile ? "trained " : ""}weights yet${reason}`,
    `train first with \`tlc run ${path}\`, or name a file with --weights`,
  );
}

/** Says which they are: nobody named them on the command line. */
async function openNoted({ weights }: Artifact, published: Published, terminal: Terminal): Promise<OpenWeights> {
  const count = (number: number, what: string): string => (number === 0 ? "" : `, ${number} ${what}`);
  const more = `${count(weights?.new.length ?? 0, "begin at random")}${count(weights?.dropped ?? 0, "of the file left out")}`;
  terminal.note(`weights of ${weights?.source ?? published.source}: ${published.matches.size} tensors${more}`);
  return open(published);
}
