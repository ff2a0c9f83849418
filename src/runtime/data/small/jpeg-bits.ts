// The bits of a JPEG's scan, and Huffman's codes in them (T.81, annexes C and F).

export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Bits that were taken from the bytes and not used yet, in its lower end. */
  #held = 0;
  #count = 0;
  /** Zeros that stand for bytes which are not there. */
  #missing = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next sixteen bits, zeros behind the end. */
  peek(): number {
    while (this.#count < 16) {
      const byte = this.#bytes[this.#at] ?? 0xff;
      // 0xff is followed by 0 where it is data, and by a marker where the data ends.
      const isEnd = byte === 0xff && this.#bytes[this.#at + 1] !== 0;
      if (isEnd) this.#missing += 8;
      else this.#at += byte === 0xff ? 2 : 1;
      this.#held = ((this.#held << 8) | (isEnd ? 0 : byte)) & 0xffffff;
      this.#count += 8;
    }
    return (this.#held >> (this.#count - 16)) & 0xffff;
  }

  skip(count: number): void {
    this.#count -= count;
  }

  /** A number of so many bits, whose first says the sign. */
  signed(count: number): number {
    if (count === 0) return 0;
    const value = this.peek() >> (16 - count);
    this.#count -= count;
    return value < 1 << (count - 1) ? value - (1 << count) + 1 : value;
  }

  /** Whether bits were used that are not there. */
  isBeyond(): boolean {
    return this.#missing > this.#count;
  }

  /** Goes on behind a marker that is due; false where it is another. */
  restart(number: number): boolean {
    if (!this.#isAtMarker(0xd0 + number)) return false;
    this.#at += 2;
    this.#held = this.#count = this.#missing = 0;
    return true;
  }

  isAtEnd(): boolean {
    return this.#isAtMarker(0xd9);
  }

  #isAtMarker(marker: number): boolean {
    // What is held may be the rest of a byte, never a whole one.
    return this.#count - this.#missing < 8 && this.#bytes[this.#at] === 0xff && this.#bytes[this.#at + 1] === marker;
  }
}

const SHORT = 9;

export class HuffmanTable {
  /** By the next nine bits: symbol and length of its code, `symbol << 4 | length`; 0 for longer ones. */
  readonly #short: Uint16Array;
  /** Of each length: one more than its last code, moved to the upper end of 16 bits, and what to add to a code for the place of its symbol. */
  readonly #limits: Int32Array;
  readonly #offsets: Int32Array;
  readonly #symbols: Uint8Array;

  private constructor(short: Uint16Array, limits: Int32Array, offsets: Int32Array, symbols: Uint8Array) {
    this.#short = short;
    this.#limits = limits;
    this.#offsets = offsets;
    this.#symbols = symbols;
  }

  /** @param counts of codes of 1 to 16 bits, and their symbols; undefined where there are more codes than bits allow */
  static of(counts: Uint8Array, symbols: Uint8Array): HuffmanTable | undefined {
    const short = new Uint16Array(1 << SHORT);
    const [limits, offsets] = [new Int32Array(17), new Int32Array(17)];
    let [code, place] = [0, 0];
    for (let length = 1; length <= 16; length++) {
      offsets[length] = place - code;
      for (let i = 0; i < (counts[length - 1] ?? 0); i++, code++, place++) {
        if (code >= 1 << length) return undefined;
        if (length <= SHORT) short.fill(((symbols[place] ?? 0) << 4) | length, code << (SHORT - length), (code + 1) << (SHORT - length));
      }
      limits[length] = code << (16 - length);
      code <<= 1;
    }
    return new HuffmanTable(short, limits, offsets, symbols);
  }

  /** The next symbol; -1 for bits that are no code. */
  read(bits: BitReader): number {
    const next = bits.peek();
    const found = this.#short[next >> (16 - SHORT)] ?? 0;
    if (found !== 0) {
      bits.skip(found & 15);
      return found >> 4;
    }
    for (let length = SHORT + 1; length <= 16; length++) {
      if (next >= (this.#limits[length] ?? 0)) continue;
      bits.skip(length);
      return this.#symbols[(next >> (16 - length)) + (this.#offsets[length] ?? 0)] ?? -1;
    }
    return -1;
  }
}
