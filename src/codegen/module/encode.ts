// How values and names get into generated source: strings through one encoder, names of files and comments through filters. The names
// in a spec are a stranger's text; whatever they hold, the source around them keeps its shape.

/** A string literal of JavaScript and TypeScript, safe in a script element too, and without marks that turn the text around it. */
export const jsString = (text: string): string =>
  JSON.stringify(text)
    .replaceAll(/[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .replaceAll(/<(?=\/|!--)/g, "\\u003c");

/** Longer literals are broken into lines, so that a person can find a kernel and a diff shows one. */
const LINE = 130;

/** A literal of plain data. Unlike JSON it keeps infinities and -0, and unlike a bare object literal the key `__proto__`. */
export function jsLiteral(value: unknown, depth = 0): string {
  if (typeof value === "string") return jsString(value);
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value !== "object" || value === null) return String(value);
  const isArray = Array.isArray(value);
  const parts = isArray
    ? value.map((item) => jsLiteral(item, depth + 1))
    : Object.entries(value)
        .filter(([, field]) => field !== undefined)
        .map(([key, field]) => `${propertyKey(key)}: ${jsLiteral(field, depth + 1)}`);
  const indent = "  ".repeat(depth);
  const isFlat = isArray && value.every((item) => typeof item !== "object");
  const isShort = isFlat || parts.reduce((sum, part) => sum + part.length + 2, 2 * depth) < LINE;
  const text = isShort ? parts.join(", ") : `\n  ${indent}${parts.join(`,\n  ${indent}`)},\n${indent}`;
  return isArray ? `[${text}]` : `{${text}}`;
}

/** Computed where a literal key would set the prototype instead. */
const propertyKey = (key: string): string => (key === "__proto__" ? '["__proto__"]' : /^[a-z]\w*$/i.test(key) ? key : jsString(key));

/** Text that cannot end a comment. */
export const commentText = (text: string): string => text.replaceAll(/[^\w. -]/g, "_").slice(0, 80);

/** What Windows keeps for its devices, whatever the extension; and the other files of a compiled folder. */
const TAKEN = /^(?:con|prn|aux|nul|com\d|lpt\d|runtime|training|checkpoints|artifact)$/i;

/** A file name on every system, without an extension. */
export function fileName(name: string): string {
  const safe = name
    .replaceAll(/[^\w-]/g, "_")
    .replace(/^-/, "_")
    .slice(0, 80);
  return safe === "" || TAKEN.test(safe) ? `${safe}_model` : safe;
}
