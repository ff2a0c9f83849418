// One careless or hostile change to bytes or text: a byte that is another, a part left out, doubled, moved or taken from elsewhere.

import { below, pick, type Random } from "./fuzzer.ts";

const BYTES = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x2c, 0x0a, 0x0d, 0x7b];

/** Changes a copy in one to four places. */
export function mutateBytes(original: Uint8Array, random: Random): Uint8Array {
  let bytes = Uint8Array.from(original);
  for (let changes = 1 + below(random, 4); changes > 0 && bytes.length > 0; changes--) {
    const at = below(random, bytes.length);
    const length = 1 + below(random, Math.min(32, bytes.length - at));
    switch (below(random, 7)) {
      case 0:
        bytes = bytes.slice(0, at);
        break;
      case 1:
        bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
        break;
      case 2:
        bytes = Uint8Array.from([...bytes.subarray(0, at + length), ...bytes.subarray(at)]);
        break;
      case 3:
        bytes.copyWithin(at, below(random, bytes.length), below(random, bytes.length));
        break;
      case 4:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
        break;
      default:
        bytes[at] = pick(random, [...BYTES, below(random, 256)]);
    }
  }
  return bytes;
}

/** Words instead of bytes: pieces of one text in another. */
export function mutateText(text: string, words: readonly string[], random: Random): string {
  const parts = text.split(/(\s+|[^\w\s])/);
  for (let changes = 1 + below(random, 4); changes > 0; changes--) {
    const at = below(random, parts.length);
    switch (below(random, 5)) {
      case 0:
        parts.splice(at, 1 + below(random, 4));
        break;
      case 1:
        parts.splice(at, 0, ...parts.slice(at, at + 1 + below(random, 8)));
        break;
      case 2:
        parts[at] = pick(random, parts);
        break;
      case 3:
        parts.splice(at, 0, ...parts.splice(below(random, parts.length), 1 + below(random, 4)));
        break;
      default:
        parts[at] = pick(random, words);
    }
  }
  return parts.join("");
}
