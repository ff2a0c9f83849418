// The settings that there are, and lists of them with a comma too many or too few: what follows is then taken for something that it is not.

import { METRICS } from "../ir/recipe/metrics/index.ts";
import { meantSetting } from "./hints.ts";
import { S, type Token } from "./tokens.ts";

export const DATASET_KEYS = ["train", "val", "test", "split", "preprocess", "augment", "tokenize"];
/** Differ from stage to stage; all others are set once. */
export const STAGE_KEYS: readonly string[] = [
  ...["freeze", "recompute", "features", "optimizer", "rate", "decay", "schedule"],
  ...["accumulate", "regularize", "epochs", "stop", "keep"],
];
export const RECIPE_KEYS = [
  ...["network", "weights", "replace", "adapt", "data", "loss", "metrics", "batch", "precision", "seed", "average", "distill"],
  ...STAGE_KEYS,
];

const KEYS: ReadonlySet<string> = new Set([...DATASET_KEYS, ...RECIPE_KEYS, "stage"]);
/** What a list of names stands behind. */
const LISTS: ReadonlySet<string> = new Set(["metrics", "freeze", "rate", "except", "drop", "new", "on"]);
/** What goes on with a setting behind a list. */
const CLAUSES: ReadonlySet<string> = new Set(["except", "drop", "new", "rename", "adapt", "with", "on"]);
/** A list is not looked for farther back than this. */
const MOST_BACK = 64;

/**
 * The comma that a list ends with, so that the setting behind it was taken for one more of its names.
 * @param found what could not follow
 */
export function trailingComma(found: Token, tokens: readonly Token[]): { readonly comma: Token; readonly next: Token } | undefined {
  const at = tokens.indexOf(found);
  const [comma, next] = [tokens[at - 2], tokens[at - 1]];
  if (comma?.tokenType !== S.comma || next === undefined || next.endLine !== found.startLine) return undefined;
  // On a line of its own it may be misspelt; behind a comma that would be a guess.
  const isMeant = next.startLine === comma.endLine ? KEYS.has(next.image) && !CLAUSES.has(next.image) : beginsSetting(next.image);
  return isMeant ? { comma, next } : undefined;
}

/** What a report says of it. */
export const trailingCommaFault = ({
  comma,
  next,
}: {
  readonly comma: Token;
  readonly next: Token;
}): { readonly expected: string; readonly found: string } => ({
  expected: "a name behind the `,`",
  found: next.startLine === comma.endLine ? `\`${next.image}\`` : "the end of the line",
});

export const trailingCommaHint = (next: Token): string => `leave this \`,\` out: \`${next.image}\` begins a setting of its own`;

const beginsSetting = (word: string): boolean => KEYS.has(word) || meantSetting(word, RECIPE_KEYS) !== undefined;

/** What to write where a name follows a list on its line, and no comma parts it from that, or one parts what it belongs to. */
export function commaHint(found: Token, tokens: readonly Token[]): string | undefined {
  const at = tokens.indexOf(found);
  const before = tokens[at - 1];
  if (before === undefined || before.endLine !== found.startLine) return undefined;
  if (CLAUSES.has(before.image) && tokens[at - 2]?.tokenType === S.comma) return `no \`,\` stands before \`${before.image}\``;
  for (let i = at - 1; i >= Math.max(0, at - MOST_BACK); i--) {
    const { image } = tokens[i] ?? before;
    if (LISTS.has(image)) {
      const isMetric = image === "metrics" && METRICS.some(({ name }) => name === found.image);
      if (!isMetric && meantSetting(found.image, RECIPE_KEYS) !== undefined) return undefined;
      const shown = /^\w+$/.test(before.image) ? before.image : "…";
      return `what a list names is parted by commas: \`${shown}, ${found.image}\``;
    }
    if (KEYS.has(image)) return undefined;
  }
  return undefined;
}
