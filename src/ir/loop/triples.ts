// Numbers for threes of numbers, in the order in which they come: a hash table of numbers alone, which makes no object for what it is asked.

import { InternalError } from "../types.ts";

/** Triples that there may be: with more, a compilation has gone wrong. */
const MOST = 2 ** 26;

/** A power of two, as every table's size. */
const SLOTS_AT_FIRST = 32;

export class Triples {
  /** In each slot one more than the number of a triple, or 0; half of them stay empty. */
  #slots = new Int32Array(SLOTS_AT_FIRST);
  #triples = new Int32Array((3 * SLOTS_AT_FIRST) / 2);
  #count = 0;

  /** The number of three whole numbers, each less than 2^31. */
  number(x: number, y: number, z: number): number {
    const triples = this.#triples;
    const slot = this.#slotOf(x, y, z);
    const known = this.#slots[slot] ?? 0;
    if (known > 0) return known - 1;
    const id = this.#count++;
    if (id >= MOST) throw new InternalError("too many expressions to number");
    triples[3 * id] = x;
    triples[3 * id + 1] = y;
    triples[3 * id + 2] = z;
    this.#slots[slot] = id + 1;
    if (2 * this.#count === this.#slots.length) this.#grow();
    return id;
  }

  /** Where a triple is, or belongs. */
  #slotOf(x: number, y: number, z: number): number {
    const slots = this.#slots;
    const triples = this.#triples;
    const mask = slots.length - 1;
    let hash = Math.imul(Math.imul(Math.imul(x, 0x9e3779b1) ^ y, 0x85ebca6b) ^ z, 0xc2b2ae35);
    hash ^= hash >>> 15;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const at = 3 * ((slots[slot] ?? 0) - 1);
      if (at < 0 || (triples[at] === x && triples[at + 1] === y && triples[at + 2] === z)) return slot;
    }
  }

  #grow(): void {
    const triples = this.#triples;
    this.#triples = new Int32Array(2 * triples.length);
    this.#triples.set(triples);
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let id = 0; id < this.#count; id++)
      this.#slots[this.#slotOf(triples[3 * id] ?? 0, triples[3 * id + 1] ?? 0, triples[3 * id + 2] ?? 0)] = id + 1;
  }
}
