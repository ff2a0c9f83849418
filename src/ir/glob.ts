// Patterns of parameter names: `*` stands for anything within a segment, `**` for any number of segments, and a name covers
// everything below it. Matched without regular expressions, in time bounded by pattern times name.

/** Whether `pattern` covers `name` or something that `name` is below. */
export const globCovers = (pattern: string, name: string): boolean => covers(pattern.split("."), name.split("."));

/** Whether any pattern of a list covers a name. Patterns are cut to segments once, since every parameter is compared with all of them. */
export function globsCover(patterns: readonly string[]): (name: string) => boolean {
  const wanted = patterns.map((pattern) => pattern.split("."));
  return (name) => {
    const have = name.split(".");
    return wanted.some((want) => covers(want, have));
  };
}

function covers(want: readonly string[], have: readonly string[]): boolean {
  if (!want.includes("**")) return want.length <= have.length && want.every((segment, i) => segmentMatches(segment, have[i] ?? ""));
  // covered[j]: the segments of the pattern so far cover the first j of the name.
  let covered = Array.from({ length: have.length + 1 }, (_, j) => j === 0);
  for (const segment of want) {
    const next = covered.map(() => false);
    for (let j = 0; j <= have.length; j++) {
      if (segment === "**") next[j] = covered[j] === true || (j > 0 && next[j - 1] === true);
      else if (j > 0) next[j] = covered[j - 1] === true && segmentMatches(segment, have[j - 1] ?? "");
    }
    covered = next;
  }
  // What is covered up to some segment is covered below it too; no segment at all covers nothing but for `**`.
  return covered.some((is, j) => is && (j > 0 || want.every((segment) => segment === "**")));
}

/** The star of a segment matches greedily and is moved on after a mismatch: linear but for one star at a time. */
function segmentMatches(pattern: string, text: string): boolean {
  if (!pattern.includes("*")) return pattern === text;
  let [p, t, star, mark] = [0, 0, -1, 0];
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === "*") [star, mark, p] = [p, t, p + 1];
    else if (p < pattern.length && pattern[p] === text[t]) [p, t] = [p + 1, t + 1];
    else if (star !== -1) [p, mark, t] = [star + 1, mark + 1, mark + 1];
    else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}

/** Every scope and name that a pattern could have meant: for did-you-mean. */
export function namesAndScopes(names: Iterable<string>): Set<string> {
  const all = new Set<string>();
  for (const name of names) {
    const segments = name.split(".");
    for (let n = 1; n <= segments.length; n++) all.add(segments.slice(0, n).join("."));
  }
  return all;
}

/**
 * What the wildcards of a pattern stand for in a name that it covers, in their order, and what of the name lies below it; undefined where it
 * does not cover it. Several `**` take as little as they can, from the left.
 */
export function captures(pattern: string, name: string): { readonly wildcards: readonly string[]; readonly rest: string } | undefined {
  const want = pattern.split(".");
  const have = name.split(".");
  const known = new Map<string, boolean>();
  // Whether the pattern from segment i on covers the name from segment j on: each asked once, so work is bounded by their product.
  const can = (i: number, j: number): boolean => {
    const key = `${i} ${j}`;
    let is = known.get(key);
    if (is === undefined) known.set(key, (is = step(i, j)));
    return is;
  };
  const step = (i: number, j: number): boolean => {
    const segment = want[i];
    if (segment === undefined) return true;
    if (segment === "**") return i === want.length - 1 || can(i + 1, j) || (j < have.length && can(i, j + 1));
    return j < have.length && segmentMatches(segment, have[j] ?? "") && can(i + 1, j + 1);
  };
  if (!can(0, 0)) return undefined;
  const wildcards: string[] = [];
  let j = 0;
  for (const [i, segment] of want.entries()) {
    if (segment === "**") {
      const from = j;
      if (i === want.length - 1) j = have.length;
      else while (!can(i + 1, j)) j++;
      wildcards.push(have.slice(from, j).join("."));
    } else {
      const text = have[j++] ?? "";
      wildcards.push(...segmentCaptures(segment, text));
    }
  }
  return { wildcards, rest: have.slice(j).join(".") };
}

/** What each star of a segment stands for: as little as it can, from the left; the last takes the rest. */
function segmentCaptures(pattern: string, text: string): readonly string[] {
  const parts = pattern.split("*");
  const found: string[] = [];
  let at = parts[0]?.length ?? 0;
  for (const [i, part] of parts.entries()) {
    if (i === 0) continue;
    const next = i === parts.length - 1 ? text.length - part.length : text.indexOf(part, at);
    found.push(text.slice(at, next));
    at = next + part.length;
  }
  return found;
}
