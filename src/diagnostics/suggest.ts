// Did-you-mean: the candidate nearest to a misspelt name, by edit distance with transpositions, if near enough to be what was meant.

/** Restricted Damerau-Levenshtein distance (an adjacent swap is one edit), or `limit + 1` as soon as it must be larger. */
export function editDistance(a: string, b: string, limit = Infinity): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row.push(best);
    }
    if (Math.min(...row) > limit) return limit + 1;
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** More names than any spec of a person has. */
const MOST_CANDIDATES = 2000;

/** The candidate that `name` most likely stands for; ties go to the first. */
export function nearest(name: string, all: Iterable<string>): string | undefined {
  if (name.length < 2 || name.length > 100) return undefined;
  const candidates = firstOf(all, MOST_CANDIDATES);
  const limit = Math.max(1, Math.floor(name.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  const lower = name.toLowerCase();
  for (const candidate of candidates) {
    if (candidate === name || candidate.length > 100) continue;
    const distance = editDistance(lower, candidate.toLowerCase(), limit);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  if (best !== undefined) return best;
  // `conv` for `conv2d`, `crossentropy` for `cross_entropy`, `sigmoidal` for `sigmoid`: too far apart by edits, yet plainly meant.
  const squeezed = squeeze(name);
  for (const candidate of candidates) {
    const other = squeeze(candidate);
    if (squeezed === other) return candidate;
    if (squeezed.length >= 3 && other.startsWith(squeezed)) best ??= candidate;
    if (other.length >= 4 && squeezed.startsWith(other)) best ??= candidate;
  }
  return best ?? candidates.find((candidate) => sharesWords(name, candidate));
}

/** `classes` for `num_classes`, `lr` for `learning_rate`, `batch_norm` for `bn`. */
function sharesWords(name: string, candidate: string): boolean {
  const [words, others] = [wordsOf(name), wordsOf(candidate)];
  const initials = (of: readonly string[]): string => of.map((word) => word[0] ?? "").join("");
  const isPart = (part: string, whole: readonly string[]): boolean => part.length >= 4 && whole.length > 1 && whole.includes(part);
  return (
    isPart(candidate.toLowerCase(), words) ||
    isPart(name.toLowerCase(), others) ||
    (words.length > 1 && initials(words) === candidate) ||
    (others.length > 1 && initials(others) === name)
  );
}

const wordsOf = (name: string): readonly string[] => name.toLowerCase().split(/[_\-.]+/);

function firstOf(all: Iterable<string>, most: number): readonly string[] {
  const taken: string[] = [];
  for (const it of all) {
    if (taken.length >= most) break;
    taken.push(it);
  }
  return taken;
}

const squeeze = (name: string): string => name.toLowerCase().replaceAll(/[_\-.]/g, "");

/** "did you mean `nearest`?" for a hint, or nothing. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  const found = nearest(name, candidates);
  return found === undefined ? undefined : `did you mean \`${found}\`?`;
}

/** Did-you-mean, or else all that there is. */
export const didYouMeanOneOf = (name: string, names: readonly string[]): string | undefined =>
  didYouMean(name, names) ?? (names.length === 0 ? undefined : `there is ${oneOf(names)}`);

/** "`a`, `b` or `c`", shortened when there are many. */
export function oneOf(names: readonly string[], most = 16): string {
  const quoted = names.slice(0, most).map((name) => `\`${name}\``);
  if (names.length > most) return `${quoted.join(", ")}, …`;
  const last = quoted.pop();
  return last === undefined ? "nothing" : quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`;
}
