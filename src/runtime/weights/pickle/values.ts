// What a pickle can hold once it is read here: plain values, and the few objects that weights are made of. Dictionaries are Maps, so that no
// key means anything to JavaScript.

import type { SafetensorsDType } from "../safetensors.ts";

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Tuple
  | Dict
  | Global
  | Storage
  | TensorView
  | NumpyDType
  | NumpyArray
  | Opaque;

export class Tuple {
  readonly items: readonly PickleValue[];
  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** Also an OrderedDict, and a set, whose values are its keys. The Map is made for the first entry: an empty one takes a byte of a file. */
export class Dict {
  #entries: Map<PickleValue, PickleValue> | undefined;

  set(key: PickleValue, value: PickleValue): void {
    (this.#entries ??= new Map()).set(key, value);
  }

  get(key: string): PickleValue | undefined {
    return this.#entries?.get(key);
  }

  get entries(): Iterable<readonly [PickleValue, PickleValue]> {
    return this.#entries ?? [];
  }
}

/** A function or class that a pickle may name. It does what is written here, whatever the name stands for elsewhere. */
export class Global {
  readonly name: string;
  /** Left out: it can be named, but not called. */
  readonly call: ((args: readonly PickleValue[]) => PickleValue) | undefined;
  /** Of one that stands for a type of elements: undefined where it is bytes. */
  readonly dtype: SafetensorsDType | "bytes" | undefined;

  constructor(name: string, { call, dtype }: Partial<Pick<Global, "call" | "dtype">> = {}) {
    this.name = name;
    this.call = call;
    this.dtype = dtype;
  }
}

/** Bytes of the file that tensors are views of. */
export class Storage {
  readonly key: string;
  readonly dtype: SafetensorsDType | "bytes";
  readonly bytes: number;
  /** Where it begins in the storage of this key, which older files have views of; bytes. */
  readonly start: number;
  /** Within the pickle itself. */
  readonly inline: Uint8Array | undefined;

  constructor({ key, dtype, bytes, start, inline }: Pick<Storage, "key" | "dtype" | "bytes" | "start" | "inline">) {
    this.key = key;
    this.dtype = dtype;
    this.bytes = bytes;
    this.start = start;
    this.inline = inline;
  }
}

/** Offset and strides in elements. */
export class TensorView {
  readonly storage: Storage;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;

  constructor({ storage, dtype, shape, strides, offset }: Pick<TensorView, "storage" | "dtype" | "shape" | "strides" | "offset">) {
    this.storage = storage;
    this.dtype = dtype;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
  }
}

export class NumpyDType {
  /** `f4`. */
  readonly code: string;
  isBigEndian = false;
  constructor(code: string) {
    this.code = code;
  }
}

/** Its contents come after it. */
export class NumpyArray {
  view: TensorView | undefined;
}

/** What nobody here needs to look into: devices, layouts, numbers of numpy. */
export class Opaque {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}
