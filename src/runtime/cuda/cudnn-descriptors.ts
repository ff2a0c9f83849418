// What cuDNN 9 is told and asked: descriptors, which are made, filled with attributes, and final then.

import { CUDNN_VALUES as V } from "./cudnn-values.ts";
import type { NativeLibrary } from "./library.ts";
import type { CUDNN } from "./signatures.ts";

export type CudnnLibrary = NativeLibrary<typeof CUDNN>;

type Values = Uint8Array | Int32Array | Float32Array | BigInt64Array | BigUint64Array;
export type Attribute = readonly [name: number, type: number, values: Values];

export const longs = (...values: readonly number[]): readonly [number, BigInt64Array] => [
  V.CUDNN_TYPE_INT64,
  BigInt64Array.from(values, BigInt),
];
export const pointers = (...values: readonly bigint[]): readonly [number, BigUint64Array] => [
  V.CUDNN_TYPE_BACKEND_DESCRIPTOR,
  BigUint64Array.from(values),
];

/** Descriptors, which are given back together. */
export class Descriptors {
  readonly #library: CudnnLibrary;
  readonly #made: bigint[] = [];

  constructor(library: CudnnLibrary) {
    this.#library = library;
  }

  create(type: number): bigint {
    const out = new BigUint64Array(1);
    this.#library.call("cudnnBackendCreateDescriptor", type, out);
    const [made = 0n] = out;
    this.#made.push(made);
    return made;
  }

  /** A descriptor with all that it says. */
  make(type: number, attributes: readonly Attribute[]): bigint {
    const made = this.create(type);
    for (const [name, of, values] of attributes) this.#library.call("cudnnBackendSetAttribute", made, name, of, values.length, values);
    this.#library.call("cudnnBackendFinalize", made);
    return made;
  }

  /** How many elements an attribute has, of which as many as there is room for are in `into` then. */
  get(of: bigint, name: number, type: number, into: Values): number {
    const count = new BigInt64Array(1);
    this.#library.call("cudnnBackendGetAttribute", of, name, type, into.length, count, into);
    return Math.min(into.length, Number(count[0]));
  }

  dispose(): void {
    for (const made of this.#made.reverse()) this.#library.attempt("cudnnBackendDestroyDescriptor", made);
    this.#made.length = 0;
  }
}
