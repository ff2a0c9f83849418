// A pickle is a program for a machine with a stack; in Python it can call anything. This one has the same instructions and can call only what
// pickle/allowed.ts names, all of which makes values. It never recurses, and everything that it counts has a limit.
// https://github.com/python/cpython/blob/main/Lib/pickletools.py says what each instruction does.

import { global } from "./allowed.ts";
import { PickleBytes, refusePickle } from "./bytes.ts";
import { Dict, Global, NumpyArray, NumpyDType, Opaque, Storage, TensorView, Tuple, type PickleValue } from "./values.ts";
import { setArrayState, setDTypeState } from "./numpy.ts";

/** Things made: an instruction of one byte makes one, which takes a hundred. A tensor takes about ten. */
const MOST_OBJECTS = 2_000_000;
const MOST_ON_STACK = 1_000_000;
const MOST_INTEGER_BYTES = 64;
const PROTOCOLS = [2, 3, 4, 5];

/** What `persistent_load` is in Python: from the id of a storage to the storage. */
export type PersistentLoad = (id: PickleValue) => PickleValue;

export interface Unpickled {
  readonly value: PickleValue;
  /** Of the byte behind the pickle. */
  readonly end: number;
}

/** Throws a DataError for what is refused, and `Truncated`, which is one, where the bytes end too early. */
export function unpickle(bytes: Uint8Array, start: number, persistentLoad: PersistentLoad): Unpickled {
  const machine = new Machine(new PickleBytes(bytes, start), persistentLoad);
  return { value: machine.run(), end: machine.end };
}

class Machine {
  readonly #in: PickleBytes;
  readonly #persistentLoad: PersistentLoad;
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  #objects = 0;

  constructor(bytes: PickleBytes, persistentLoad: PersistentLoad) {
    this.#in = bytes;
    this.#persistentLoad = persistentLoad;
  }

  get end(): number {
    return this.#in.at;
  }

  run(): PickleValue {
    if (this.#in.u8() !== 0x80 || !PROTOCOLS.includes(this.#in.u8())) return refusePickle("it does not begin with a protocol from 2 to 5");
    for (;;) {
      const code = this.#in.u8();
      if (code === STOP) return this.#stack.length === 1 ? this.#pop() : refusePickle("its pickle ends with other than one value");
      if (!this.#literal(code) && !this.#container(code) && !this.#memory(code) && !this.#object(code))
        return refusePickle(`its pickle has the instruction 0x${code.toString(16).padStart(2, "0")}, which weights have no use for`);
    }
  }

  /** Values that stand in the pickle. */
  #literal(code: number): boolean {
    const bytes = this.#in;
    switch (code) {
      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
        return this.#push(true);
      case 0x89: // NEWFALSE
        return this.#push(false);
      case 0x4b: // BININT1
        return this.#push(bytes.u8());
      case 0x4d: // BININT2
        return this.#push(bytes.u16());
      case 0x4a: // BININT
        return this.#push(bytes.i32());
      case 0x8a: // LONG1
        return this.#push(this.#long(bytes.u8()));
      case 0x8b: // LONG4
        return this.#push(this.#long(bytes.u32()));
      case 0x47: // BINFLOAT
        return this.#push(bytes.f64());
      case 0x58: // BINUNICODE
        return this.#push(bytes.text(bytes.u32()));
      case 0x8c: // SHORT_BINUNICODE
        return this.#push(bytes.text(bytes.u8()));
      case 0x8d: // BINUNICODE8
        return this.#push(bytes.text(bytes.u64()));
      case 0x55: // SHORT_BINSTRING, of Python 2
        return this.#push(latin1(bytes.bytes(bytes.u8())));
      case 0x54: // BINSTRING
        return this.#push(latin1(bytes.bytes(bytes.u32())));
      case 0x43: // SHORT_BINBYTES
        return this.#push(bytes.bytes(bytes.u8()));
      case 0x42: // BINBYTES
        return this.#push(bytes.bytes(bytes.u32()));
      case 0x8e: // BINBYTES8
        return this.#push(bytes.bytes(bytes.u64()));
      case 0x96: // BYTEARRAY8
        return this.#push(bytes.bytes(bytes.u64()));
      case 0x95: // FRAME: how many bytes a reader could take at once
        bytes.u64();
        return true;
      default:
        return false;
    }
  }

  #container(code: number): boolean {
    switch (code) {
      case 0x28: // MARK
        if (this.#marks.length >= MOST_ON_STACK) return refusePickle("its pickle is nested without end");
        this.#marks.push(this.#stack.length);
        return true;
      case 0x5d: // EMPTY_LIST
        return this.#push([]);
      case 0x7d: // EMPTY_DICT
      case 0x8f: // EMPTY_SET
        return this.#push(new Dict());
      case 0x29: // EMPTY_TUPLE
        return this.#push(new Tuple([]));
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#push(new Tuple(this.#popMany(code - 0x84)));
      case 0x74: // TUPLE
        return this.#push(new Tuple(this.#popMark()));
      case 0x61: {
        // APPEND
        const value = this.#pop();
        this.#top(Array.isArray, "a list").push(value);
        return true;
      }
      case 0x65: {
        // APPENDS
        const values = this.#popMark();
        const list = this.#top(Array.isArray, "a list");
        for (const value of values) list.push(value);
        return true;
      }
      case 0x73: // SETITEM
        return this.#setItems(this.#popMany(2));
      case 0x75: // SETITEMS
        return this.#setItems(this.#popMark());
      case 0x90: {
        // ADDITEMS
        const values = this.#popMark();
        const set = this.#top(isDict, "a set");
        for (const value of values) set.set(hashable(value), true);
        return true;
      }
      default:
        return false;
    }
  }

  #memory(code: number): boolean {
    const bytes = this.#in;
    switch (code) {
      case 0x71: // BINPUT
        return this.#remember(bytes.u8());
      case 0x72: // LONG_BINPUT
        return this.#remember(bytes.u32());
      case 0x94: // MEMOIZE
        return this.#remember(this.#memo.size);
      case 0x68: // BINGET
        return this.#recall(bytes.u8());
      case 0x6a: // LONG_BINGET
        return this.#recall(bytes.u32());
      case 0x32: // DUP
        return this.#push(this.#peek());
      case 0x30: // POP
        // Python pops a mark that is on top.
        if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
        else this.#pop();
        return true;
      case 0x31: // POP_MARK
        this.#popMark();
        return true;
      default:
        return false;
    }
  }

  /** Names, and what is made by calling them. */
  #object(code: number): boolean {
    switch (code) {
      case 0x63: {
        // GLOBAL
        const module = this.#in.line();
        return this.#push(global(`${module}.${this.#in.line()}`));
      }
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = this.#popMany(2);
        if (typeof module !== "string" || typeof name !== "string") return refusePickle("its pickle names something by other than text");
        return this.#push(global(`${module}.${name}`));
      }
      case 0x52: // REDUCE
      case 0x81: {
        // NEWOBJ
        const [callee, args] = this.#popMany(2);
        if (!(callee instanceof Global) || !(args instanceof Tuple)) return refusePickle("its pickle calls what is no function");
        if (callee.call === undefined) return refusePickle(`it calls \`${callee.name}\`, which is not among what weights are made of`);
        return this.#push(callee.call(args.items));
      }
      case 0x62: // BUILD
        return this.#build(this.#pop());
      case 0x51: // BINPERSID
        return this.#push(this.#persistentLoad(this.#pop()));
      default:
        return false;
    }
  }

  /** Attributes of an object: of dictionaries and tensors none that matters. */
  #build(state: PickleValue): boolean {
    const object = this.#peek();
    if (object instanceof NumpyDType) setDTypeState(object, state);
    else if (object instanceof NumpyArray) setArrayState(object, state);
    else if (![Dict, TensorView, Opaque].some((kind) => object instanceof kind))
      return refusePickle("its pickle gives attributes to what has none");
    return true;
  }

  #setItems(values: readonly PickleValue[]): boolean {
    const dict = this.#top(isDict, "a dictionary");
    if (values.length % 2 !== 0) return refusePickle("its pickle has a key without a value");
    for (let i = 0; i < values.length; i += 2) dict.set(hashable(values[i] ?? null), values[i + 1] ?? null);
    return true;
  }

  #long(length: number): number | bigint {
    return length <= MOST_INTEGER_BYTES ? this.#in.integer(length) : refusePickle(`it has a number of ${length} bytes`);
  }

  #remember(index: number): boolean {
    if (this.#memo.size >= MOST_OBJECTS) return refusePickle("its pickle remembers things without end");
    this.#memo.set(index, this.#peek());
    return true;
  }

  #recall(index: number): boolean {
    const value = this.#memo.get(index);
    return value === undefined ? refusePickle("its pickle recalls what it has not remembered") : this.#push(value);
  }

  #push(value: PickleValue): true {
    if (++this.#objects > MOST_OBJECTS) return refusePickle(`its pickle has more than ${MOST_OBJECTS} values`);
    if (this.#stack.length >= MOST_ON_STACK) return refusePickle("its pickle is nested without end");
    this.#stack.push(value);
    return true;
  }

  /** Nothing below the last mark is taken but by `popMark`. */
  #peek(): PickleValue {
    const value = this.#stack.length > (this.#marks.at(-1) ?? 0) ? this.#stack.at(-1) : undefined;
    return value === undefined ? refusePickle("its pickle takes a value where there is none") : value;
  }

  #pop(): PickleValue {
    const value = this.#peek();
    this.#stack.pop();
    return value;
  }

  #popMany(count: number): PickleValue[] {
    if (this.#stack.length - count < (this.#marks.at(-1) ?? 0)) return refusePickle("its pickle takes a value where there is none");
    return this.#stack.splice(this.#stack.length - count, count);
  }

  #popMark(): PickleValue[] {
    const mark = this.#marks.pop();
    return mark === undefined ? refusePickle("its pickle ends a list that has not begun") : this.#stack.splice(mark);
  }

  #top<T extends PickleValue>(is: (value: PickleValue) => value is T, what: string): T {
    const value = this.#peek();
    return is(value) ? value : refusePickle(`its pickle adds to what is not ${what}`);
  }
}

const STOP = 0x2e;

const isDict = (value: PickleValue): value is Dict => value instanceof Dict;

const latin1 = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

function hashable(key: PickleValue): PickleValue {
  if (Array.isArray(key) || key instanceof Dict || key instanceof Storage) return refusePickle("its pickle has a container as a key");
  return key;
}
