// The classes of a folder that a data set takes, by their names or by patterns of a shell: `*`, `?` and `[0-9]`.

import { didYouMean, oneOf } from "../../diagnostics.ts";
import { DataError } from "../errors.ts";

/** @param wanted names and patterns; none: all are taken */
export function chosenClasses(classes: readonly string[], wanted: readonly string[], folder: string): readonly string[] {
  if (wanted.length === 0) return classes;
  const tests = wanted.map((it) => {
    const test = testOf(it);
    if (!classes.some(test))
      throw new DataError(`${folder} has no class "${it}"`, didYouMean(it, classes) ?? `it has ${oneOf(classes, MOST_NAMED)}`);
    return test;
  });
  return classes.filter((name) => tests.some((test) => test(name)));
}

const MOST_NAMED = 12;

/** A folder may be called by what would be a pattern. Each character of a name is looked at once for each place of the pattern. */
const testOf =
  (pattern: string) =>
  (name: string): boolean =>
    name === pattern || matches(Array.from(name), piecesOf(pattern));

/** What one character may be; `*` stands for any number of any. */
type Piece = "*" | ((character: string) => boolean);

function piecesOf(pattern: string): readonly Piece[] {
  return (pattern.match(/\[!?.[^\]]*\]|[^]/gu) ?? []).map((it): Piece => {
    if (it === "*") return "*";
    if (it === "?") return () => true;
    if (it.length < 3 || !it.startsWith("[")) return (character) => character === it;
    const isNot = it[1] === "!";
    const ranges = [...it.slice(isNot ? 2 : 1, -1).matchAll(/(.)-(.)|(.)/gu)].map(([, from, to, only]) => [from ?? only, to ?? only]);
    return (character) => ranges.some(([from = "", to = ""]) => from <= character && character <= to) !== isNot;
  });
}

function matches(name: readonly string[], pieces: readonly Piece[]): boolean {
  // Places of the pattern that the name so far may end before.
  let places = new Set([0]);
  const skipStars = (set: Set<number>): Set<number> => {
    for (const at of set) if (pieces[at] === "*") set.add(at + 1);
    return set;
  };
  skipStars(places);
  for (const character of name) {
    const next = new Set<number>();
    for (const at of places) {
      const piece = pieces[at];
      if (piece === "*") next.add(at);
      else if (piece?.(character) === true) next.add(at + 1);
    }
    places = skipStars(next);
  }
  return places.has(pieces.length);
}
