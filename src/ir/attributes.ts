// The attributes of nodes as text: equal texts are equal attributes, so that equality of nodes is that of short texts and numbers.

/** Attributes are frozen with their node, and rewriting asks for the same ones again and again. */
const texts = new WeakMap<object, string>();

export function attributesText(attrs: object): string {
  const known = texts.get(attrs);
  if (known !== undefined) return known;
  const text = encode(attrs);
  if (Object.isFrozen(attrs)) texts.set(attrs, text);
  return text;
}

// Total over numbers (JSON maps NaN and Infinity to null and -0 to 0) and insensitive to key order. Nodes inside attributes (the
// body of a scan) count by identity.
function encode(value: unknown): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (Array.isArray(value)) {
    let text = "";
    // Shapes, mostly.
    for (const element of value as readonly unknown[])
      text += typeof element === "number" && element !== 0 ? `${element},` : `${encode(element)},`;
    return `[${text}]`;
  }
  if (value !== null && typeof value === "object") {
    if ("id" in value && "op" in value) return `#${String(value.id)}`;
    let text = "{";
    const keys = Object.keys(value);
    for (const key of keys.length > 1 ? keys.sort() : keys) text += `${key}:${encode((value as Readonly<Record<string, unknown>>)[key])},`;
    return `${text}}`;
  }
  return value === undefined ? "undefined" : JSON.stringify(value);
}
