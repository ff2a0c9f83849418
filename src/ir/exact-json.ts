// JSON that keeps every number: loop nests hold infinities (the start of a maximum), which JSON.stringify would turn into null. What
// `writeExact` wrote, `readExact` gives back.

const KEY = "$number";

export const writeExact = (value: unknown): string =>
  JSON.stringify(value, (_, field: unknown) =>
    typeof field === "number" && (!Number.isFinite(field) || Object.is(field, -0))
      ? { [KEY]: Object.is(field, -0) ? "-0" : String(field) }
      : field,
  );

export const readExact = (text: string): unknown =>
  JSON.parse(text, (_, field: unknown) => (isEncoded(field) ? Number(field[KEY]) : field));

const isEncoded = (field: unknown): field is { readonly [KEY]: string } =>
  typeof field === "object" && field !== null && Object.hasOwn(field, KEY) && Object.keys(field).length === 1;
