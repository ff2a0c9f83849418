// JSON that keeps every number: loop nests hold infinities (the start of a maximum), which JSON.stringify would turn into null. What
// `writeExact` wrote, `readExact` gives back.

const KEY = "$number";

export const writeExact = (value: unknown): string =>
  JSON.stringify(value, (_, field: unknown) =>
    typeof field === "number" && (!Number.isFinite(field) || Object.is(field, -0))
      ? { [KEY]: Object.is(field, -0) ? "-0" : String(field) }
      : field,
  );

/** Throws a SyntaxError for what is no JSON, or deeper than what reads it can follow. */
export function readExact(text: string): unknown {
  requireFlat(text);
  return JSON.parse(text, (_, field: unknown) => (isEncoded(field) ? Number(field[KEY]) : field));
}

/** Levels of brackets: an expression that a compiler writes takes one for each operation in a row. */
const DEEPEST = 1000;

/** Whatever walks through a value calls itself on each level. */
function requireFlat(text: string): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') i = endOfString(text, i);
    else if (c === "{" || c === "[") depth++;
    else if (c === "}" || c === "]") depth--;
    if (depth > DEEPEST) throw new SyntaxError(`it is nested more than ${DEEPEST} levels deep`);
  }
}

/** Where a string that begins at `start` ends; the end of the text where it does not. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text[before] === "\\") before--;
    if ((end - 1 - before) % 2 === 0) return end;
  }
  return text.length;
}

const isEncoded = (field: unknown): field is { readonly [KEY]: string } =>
  typeof field === "object" &&
  field !== null &&
  Object.hasOwn(field, KEY) &&
  Object.keys(field).length === 1 &&
  typeof (field as Record<string, unknown>)[KEY] === "string";
