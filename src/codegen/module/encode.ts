// How values and names get into generated source: strings through one encoder, names of files and comments through filters. The names
// in a spec are a stranger's text; whatever they hold, the source around them keeps its shape.

/** A string literal of JavaScript and TypeScript, safe in a script element too. */
export const jsString = (text: string): string =>
  JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029").replaceAll("</", "<\\/").replaceAll("<!--", "\\u003c!--");

/** How deep a literal is broken into lines: one line a kernel, one line a buffer. */
const BROKEN_LEVELS = 3;

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
        .map(([key, field]) => `${propertyKey(key)}:${jsLiteral(field, depth + 1)}`);
  const isBroken = depth < BROKEN_LEVELS && parts.length > 1;
  const text = isBroken ? `\n${parts.join(",\n")}\n` : parts.join(",");
  return isArray ? `[${text}]` : `{${text}}`;
}

/** Computed where a literal key would set the prototype instead. */
const propertyKey = (key: string): string => (key === "__proto__" ? '["__proto__"]' : /^[a-z]\w*$/i.test(key) ? key : jsString(key));

/** Text that cannot end a comment. */
export const commentText = (text: string): string => text.replaceAll(/[^\w. -]/g, "_").slice(0, 80);

/** What Windows keeps for its devices, whatever the extension; and the other files of a compiled folder. */
const TAKEN = /^(?:con|prn|aux|nul|com\d|lpt\d|runtime|artifact)$/i;

/** A file name on every system, without an extension. */
export function fileName(name: string): string {
  const safe = name.replaceAll(/[^\w-]/g, "_").replace(/^-/, "_").slice(0, 80);
  return safe === "" || TAKEN.test(safe) ? `${safe}_model` : safe;
}
