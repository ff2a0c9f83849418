// The bytes of a pickle from left to right. Every length is compared with what is left before anything is made of it.

import { DataError } from "../../errors.ts";

export const refusePickle = (what: string, hint = "write the file again, or save a `state_dict`"): never => {
  throw new DataError(`not a PyTorch file of weights: ${what}`, hint);
};

/** The bytes at hand end within the pickle: of a whole file it is damaged, of a part of one more must be read. */
export class Truncated extends DataError {
  constructor() {
    super("not a PyTorch file of weights: it ends within a pickle", "download or write the file again");
  }
}

/** Names of modules and functions. */
const LONGEST_LINE = 1000;

export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  /** Moves on by `length` bytes, and says where they begin. */
  #take(length: number): number {
    if (length > this.#bytes.length - this.at) throw new Truncated();
    const from = this.at;
    this.at += length;
    return from;
  }

  u8 = (): number => this.#view.getUint8(this.#take(1));
  u16 = (): number => this.#view.getUint16(this.#take(2), true);
  u32 = (): number => this.#view.getUint32(this.#take(4), true);
  i32 = (): number => this.#view.getInt32(this.#take(4), true);
  /** Floats alone are written with the high byte first. */
  f64 = (): number => this.#view.getFloat64(this.#take(8), false);

  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : refusePickle(`it has a length of ${value}`);
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  text(length: number): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.bytes(length));
    } catch (error) {
      if (error instanceof Truncated) throw error;
      return refusePickle("it has a text that is not UTF-8");
    }
  }

  line(): string {
    const end = this.#bytes.subarray(this.at, this.at + LONGEST_LINE).indexOf(0x0a);
    if (end < 0) {
      if (this.#bytes.length - this.at < LONGEST_LINE) throw new Truncated();
      return refusePickle("it has a name of more than 1000 characters");
    }
    const text = this.text(end);
    this.at++;
    return text;
  }

  /** Two's complement of any length, the low byte first. */
  integer(length: number): number | bigint {
    let value = 0n;
    for (const byte of this.bytes(length).toReversed()) value = (value << 8n) | BigInt(byte);
    if (length > 0) value = BigInt.asIntN(8 * length, value);
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  }
}
