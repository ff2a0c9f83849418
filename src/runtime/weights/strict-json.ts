// JSON for headers of files from strangers. JSON.parse keeps the last of two equal keys and builds objects whose keys can collide with
// `Object.prototype`; this reader refuses duplicates, gives Maps, and bounds the depth. Browser-safe.

export type StrictJson = string | number | boolean | null | readonly StrictJson[] | ReadonlyMap<string, StrictJson>;

const MAX_DEPTH = 16;
const SPACE = " \n\r\t";
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Throws a SyntaxError with a position. */
export function parseStrictJson(text: string): StrictJson {
  const reader = new Reader(text);
  const result = reader.value(0);
  reader.end();
  return result;
}

/** Reads from left to right; every method begins where the one before it ended. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** @param depth how many objects and arrays are around the value */
  value(depth: number): StrictJson {
    if (depth >= MAX_DEPTH) this.#fail("nested too deep");
    switch (this.#next()) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#array(depth);
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  end(): void {
    if (this.#next() !== undefined) this.#fail("unexpected text after the value");
  }

  #object(depth: number): ReadonlyMap<string, StrictJson> {
    const entries = new Map<string, StrictJson>();
    this.#list("{", "}", () => {
      const key = this.#string();
      if (entries.has(key)) this.#fail(`duplicate key ${JSON.stringify(key)}`);
      this.#expect(":");
      entries.set(key, this.value(depth + 1));
    });
    return entries;
  }

  #array(depth: number): readonly StrictJson[] {
    const items: StrictJson[] = [];
    this.#list("[", "]", () => items.push(this.value(depth + 1)));
    return items;
  }

  /** What `element` reads, as often as there is an element, between brackets and with commas. */
  #list(open: string, close: string, element: () => void): void {
    this.#expect(open);
    if (this.#take(close)) return;
    do element();
    while (this.#take(","));
    if (!this.#take(close)) this.#fail(`expected ',' or '${close}'`);
  }

  /** The text between two quotes; escapes, and what may not stand there, are for JSON.parse. */
  #string(): string {
    this.#expect('"');
    const start = this.#at - 1;
    while (this.#text[this.#at] !== '"') {
      if (this.#at >= this.#text.length) this.#fail("unterminated string");
      this.#at += this.#text[this.#at] === "\\" ? 2 : 1;
    }
    this.#at++;
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      return this.#fail("malformed string");
    }
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) return this.#fail(this.#at >= this.#text.length ? "unexpected end" : "unexpected text");
    this.#at = NUMBER.lastIndex;
    return Number(match[0]);
  }

  #word<T>(word: string, meaning: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail("unexpected text");
    this.#at += word.length;
    return meaning;
  }

  #expect(character: string): void {
    if (!this.#take(character)) this.#fail(`expected '${character}'`);
  }

  /** Goes over `character` where it is what comes next. */
  #take(character: string): boolean {
    if (this.#next() !== character) return false;
    this.#at++;
    return true;
  }

  /** The next character that is not space; undefined at the end. */
  #next(): string | undefined {
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined || !SPACE.includes(character)) return character;
      this.#at++;
    }
  }

  #fail(what: string): never {
    throw new SyntaxError(`${what} at character ${this.#at}`);
  }
}
