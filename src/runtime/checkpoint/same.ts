// Whether a training may go on from a checkpoint: all that it is made of must be what it was, and what is not is named. Its length may be another,
// where the epochs that are behind it would have been the same.

import type { Artifact } from "../../ir/artifact.ts";
import { DataError } from "../errors.ts";
import { entryFor } from "../network.ts";
import type { Checkpoint, Position } from "./checkpoint.ts";
import { STREAMED, type Identity, type Scalar, type SplitPrint } from "./identity.ts";

const MOST_NAMED = 3;

/**
 * Throws a DataError that says what is not the same. A stage may have another number of epochs than it had, where none that is behind the checkpoint
 * would have been another: so a training that has ended goes on, and ends as a longer one would have.
 * @param weights the file of what was trained, where it is one
 */
export function requireSame(artifact: Artifact, now: Identity, { identity: then, position }: Checkpoint, weights?: string): void {
  const others = differences(withoutEpochs(now, artifact), withoutEpochs(then, artifact));
  const different = [...epochDifferences(artifact, now, then, position), ...others];
  if (different.length === 0) return;
  throw new DataError(
    `the checkpoint is of another training:\n${shortened(different)
      .map((line) => `  ${line}`)
      .join("\n")}`,
    `go on with what it was trained with, or begin anew from its weights${weights === undefined ? "" : `: --weights ${weights}, without --resume`}`,
  );
}

const shortened = (all: readonly string[]): readonly string[] =>
  all.length <= MOST_NAMED ? all : [...all.slice(0, MOST_NAMED), `and ${all.length - MOST_NAMED} more`];

/** Of stages whose length cannot be another any more, and why. */
function epochDifferences(
  { recipe, stages }: Artifact,
  now: Identity,
  then: Identity,
  { stage: at, epoch, steps }: Position,
): readonly string[] {
  const begun = epoch + Number(steps > 0);
  return recipe.stages.slice(0, at + 1).flatMap(({ name, schedule }, i) => {
    const [is, was] = [now, then].map(({ settings }) => settings["epochs"] ?? settings[epochsOf(name)]);
    const total = stages[i] && entryFor(stages[i], "train").epochs;
    const why =
      i < at
        ? "and that stage is behind it"
        : total !== undefined
          ? `and its schedule, ${schedule.word}, goes by all epochs of the stage: those that are behind it would have had other rates`
          : Number(is) < begun
            ? `of which ${begun} ${begun === 1 ? "has" : "have"} begun`
            : undefined;
    return is === was || why === undefined ? [] : [`\`${epochsOf(name)}\` ${shown(is)}, in the checkpoint it ${shown(was)}, ${why}`];
  });
}

const epochsOf = (stage: string): string => `stages.${stage}.epochs`;

/** What is compared by itself: the epochs of stages, and those of an application's training, which stand for all of them. */
function withoutEpochs({ settings, ...rest }: Identity, { recipe }: Artifact): Identity {
  const paths = new Set(["epochs", ...recipe.stages.map(({ name }) => epochsOf(name))]);
  return { ...rest, settings: Object.fromEntries(Object.entries(settings).filter(([path]) => !paths.has(path))) };
}

/** Each in a few words. */
function differences(now: Identity, then: Identity): readonly string[] {
  const paths = [...new Set([...Object.keys(now.settings), ...Object.keys(then.settings)])];
  const settings = paths.flatMap((path) => {
    const [is, was] = [now.settings[path], then.settings[path]];
    return is === was ? [] : [`\`${path}\` ${shown(is)}, in the checkpoint it ${shown(was)}`];
  });
  const splits = [...new Set([...Object.keys(now.data), ...Object.keys(then.data)])];
  const data = splits.flatMap((split) => splitDifference(split, now.data[split], then.data[split]));
  // Settings make networks: one that differs says more than a hash.
  const network = settings.length === 0 && now.network !== then.network ? ["the network computes something else"] : [];
  return [...settings, ...network, ...data];
}

const shown = (value: Scalar | undefined): string => (value === undefined ? "is not there" : `is ${JSON.stringify(value)}`);

function splitDifference(split: string, now: SplitPrint | undefined, then: SplitPrint | undefined): string[] {
  if (!now || !then) return [`\`${split}\` ${now ? "has examples, in the checkpoint none" : "has no examples, in the checkpoint it has"}`];
  if (now.examples !== then.examples) return [`\`${split}\` has ${now.examples} examples, in the checkpoint ${then.examples}`];
  // Pictures may be in memory now and have been streamed then, which is the same training: their files are what can be compared.
  const isStreamed = (column: string): boolean => [now, then].some(({ columns }) => columns[column] === STREAMED);
  const isOther = (column: string): boolean =>
    isStreamed(column) ? now.files !== then.files : now.columns[column] !== then.columns[column];
  const changed = Object.keys(now.columns).find(isOther);
  return changed === undefined ? [] : [`\`${changed}\` of \`${split}\` holds other values than the checkpoint was trained on`];
}
