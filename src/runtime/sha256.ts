// SHA-256 (FIPS 180-4) of bytes that come in parts: Node's own where there is one, and else this, since a page has it only in secure contexts
// and only for all bytes at once.

import { isNode } from "./is-node.ts";

export interface Hasher {
  update(bytes: Uint8Array): unknown;
  digest(encoding: "hex"): string;
}

export function createSha256(): Hasher {
  if (!isNode()) return new Sha256();
  return process.getBuiltinModule("node:crypto").createHash("sha256");
}

/** Of text and bytes, one behind the other. */
export function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createSha256();
  for (const part of parts) hash.update(typeof part === "string" ? new TextEncoder().encode(part) : part);
  return hash.digest("hex");
}

const BLOCK = 64;

/** The first 32 bits behind the point of roots of primes, as the standard takes them: exact, since a double holds 52. */
const [SQUARE_ROOTS, CUBE_ROOTS] = [2, 3].map((root) =>
  Uint32Array.from(primes(BLOCK), (prime) => Math.floor((prime ** (1 / root) % 1) * 2 ** 32)),
) as [Uint32Array, Uint32Array];

function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}

const rotate = (x: number, by: number): number => (x >>> by) | (x << (32 - by));

export class Sha256 implements Hasher {
  readonly #state = SQUARE_ROOTS.slice(0, 8);
  readonly #words = new Uint32Array(BLOCK);
  readonly #rest = new Uint8Array(BLOCK);
  #length = 0;

  update(bytes: Uint8Array): this {
    let at = 0;
    const held = this.#length % BLOCK;
    this.#length += bytes.length;
    if (held > 0) {
      at = Math.min(BLOCK - held, bytes.length);
      this.#rest.set(bytes.subarray(0, at), held);
      if (held + at < BLOCK) return this;
      this.#block(this.#rest, 0);
    }
    for (; at + BLOCK <= bytes.length; at += BLOCK) this.#block(bytes, at);
    this.#rest.set(bytes.subarray(at));
    return this;
  }

  digest(_: "hex"): string {
    const bits = this.#length * 8;
    const padding = new Uint8Array(BLOCK + 8 - ((this.#length + 8) % BLOCK));
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padding.length - 4, bits >>> 0);
    this.update(padding);
    return [...this.#state].map((word) => word.toString(16).padStart(8, "0")).join("");
  }

  #block(bytes: Uint8Array, at: number): void {
    const [state, words] = [this.#state, this.#words];
    const word = (i: number): number => words[i] ?? 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, BLOCK);
    for (let i = 0; i < 16; i++) words[i] = view.getUint32(4 * i);
    for (let i = 16; i < BLOCK; i++) {
      const [early, late] = [word(i - 15), word(i - 2)];
      const small = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
      words[i] = word(i - 16) + small + word(i - 7) + (rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10));
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
    for (let i = 0; i < BLOCK; i++) {
      const choice = (e & f) ^ (~e & g);
      const first = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + (CUBE_ROOTS[i] ?? 0) + word(i)) | 0;
      const majority = (a & b) ^ (a & c) ^ (b & c);
      const second = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    for (const [i, value] of [a, b, c, d, e, f, g, h].entries()) state[i] = (state[i] ?? 0) + value;
  }
}
