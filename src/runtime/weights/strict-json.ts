// JSON for headers of files from strangers. JSON.parse keeps the last of two equal keys and builds objects whose keys can collide with
// `Object.prototype`; this reader refuses duplicates, gives Maps, and bounds the depth. Browser-safe.

export type StrictJson = string | number | boolean | null | readonly StrictJson[] | ReadonlyMap<string, StrictJson>;

const MAX_DEPTH = 16;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Throws a SyntaxError with a position. Space after the value is allowed, before it is not: safetensors' rule. */
export function parseStrictJson(text: string): StrictJson {
  let at = 0;

  const fail = (what: string): never => {
    throw new SyntaxError(`${what} at character ${at}`);
  };

  const skipSpace = (): void => {
    for (;;) {
      const code = text.charCodeAt(at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      at++;
    }
  };

  const expect = (character: string): void => {
    skipSpace();
    if (text[at] !== character) fail(`expected '${character}'`);
    at++;
  };

  /** True when another element follows. */
  const more = (close: string): boolean => {
    skipSpace();
    if (text[at] === close) {
      at++;
      return false;
    }
    if (text[at] !== ",") fail(`expected ',' or '${close}'`);
    at++;
    return true;
  };

  const string = (): string => {
    expect('"');
    const start = at - 1;
    while (text[at] !== '"') {
      if (at >= text.length) fail("unterminated string");
      at += text[at] === "\\" ? 2 : 1;
    }
    at++;
    try {
      return JSON.parse(text.slice(start, at)) as string;
    } catch {
      return fail("malformed string");
    }
  };

  const isEmpty = (close: string): boolean => {
    skipSpace();
    if (text[at] !== close) return false;
    at++;
    return true;
  };

  const object = (depth: number): ReadonlyMap<string, StrictJson> => {
    const entries = new Map<string, StrictJson>();
    if (isEmpty("}")) return entries;
    do {
      const key = string();
      if (entries.has(key)) fail(`duplicate key ${JSON.stringify(key)}`);
      expect(":");
      entries.set(key, value(depth));
    } while (more("}"));
    return entries;
  };

  const array = (depth: number): readonly StrictJson[] => {
    const items: StrictJson[] = [];
    if (isEmpty("]")) return items;
    do items.push(value(depth));
    while (more("]"));
    return items;
  };

  const literal = <T>(word: string, result: T): T => {
    if (!text.startsWith(word, at)) fail("unexpected text");
    at += word.length;
    return result;
  };

  const value = (depth: number): StrictJson => {
    if (depth >= MAX_DEPTH) fail("nested too deep");
    skipSpace();
    switch (text[at]) {
      case "{":
        at++;
        return object(depth + 1);
      case "[":
        at++;
        return array(depth + 1);
      case '"':
        return string();
      case "t":
        return literal("true", true);
      case "f":
        return literal("false", false);
      case "n":
        return literal("null", null);
      default: {
        NUMBER.lastIndex = at;
        const match = NUMBER.exec(text);
        if (match === null) return fail(at >= text.length ? "unexpected end" : "unexpected text");
        at = NUMBER.lastIndex;
        return Number(match[0]);
      }
    }
  };

  const result = value(0);
  skipSpace();
  if (at < text.length) fail("unexpected text after the value");
  return result;
}
