// What a block must be before any language prints it: names stand for what was defined around them, operations are of the types that they
// say, only variables are assigned and only written buffers stored to, shared arrays fit, and all threads of a workgroup reach every barrier.

import { MOST_SHARED } from "../../ir/program.ts";
import { isTensorMap, MAP_BYTES } from "../../ir/tensor-map.ts";
import { bytesPerElement, InternalError, isFloat } from "../../ir/types.ts";
import { leaves, scalarOf, vectorOf, type Block, type Statement, type TileCopy, type Type, type Value } from "./block.ts";
import type { DeviceProfile } from "./profile.ts";

interface Binding {
  readonly type: Type;
  readonly isVariable: boolean;
  /** Whether all threads of the workgroup have the same here. */
  isUniform: boolean;
  /** How many names were known before. */
  readonly place: number;
}

interface Memory {
  readonly type: Type;
  readonly isWritten: boolean;
}

export const bytesOf = (type: Type): number => bytesPerElement(scalarOf(type)) * (scalarOf(type) === type ? 1 : 4);

export function verifyBlock(block: Block, { maxThreads, sharedBytes: usual, warpgroups }: DeviceProfile): void {
  const { name, threads, groups, buffers, shared, maps = [], needs } = block;
  const sharedBytes = needs === undefined ? usual : MOST_SHARED[needs];
  const fail = (message: string): never => {
    throw new InternalError(`block ${name}: ${message}`);
  };
  if (threads < 1 || threads > maxThreads || groups < 1) fail(`${String(groups)} groups of ${String(threads)} threads`);
  if (needs !== undefined && needs !== warpgroups) fail(`${needs} is not what the device may be`);
  const bytes = shared.reduce((sum, { type, length }) => sum + bytesOf(type) * length, 0);
  if (bytes > sharedBytes) fail(`${String(bytes)} shared bytes of ${String(sharedBytes)}`);
  if (maps.some(({ map }) => needs === undefined || !isTensorMap(map, buffers))) fail("a map of a matrix that it does not have");
  new Verifier(block, fail).statements(block.body);
}

type TileStatement = Extract<Statement, { readonly kind: "init-barriers" | "copy-tiles" | "wait-tiles" }>;

class Verifier {
  readonly #block: Block;
  readonly #fail: (message: string) => never;
  readonly #memory = new Map<string, Memory>();
  /** What is defined here: a name stands for one thing at a time. */
  readonly #bindings = new Map<string, Binding>();
  /** Their names in the order of their definitions: a scope's are those from a place on. */
  readonly #names: string[] = [];
  /** Shared arrays that something is copied to, and how far the last wait for copies is. */
  readonly #copied = new Set<string>();
  #copies: "under way" | "waited" | "there" = "under way";
  /** Sums of products under way, and whether what is stored and copied was published, and a barrier seen. */
  readonly #underWay = new Set<string>();
  #isPublished: "no" | "own" | "all" = "no";
  /** Of copies of parts of matrices. */
  #tiles: "none" | "to come" | "under way" | "there" = "none";
  /** Whether all threads of the workgroup are here, and still come to what follows. */
  #isUniform = true;
  /**
   * The loops around, by how many names are known around them. What differs among threads after a round does so in the next from its beginning: where
   * a variable from outside of the loop is found to, the body is walked again.
   */
  readonly #loops: { readonly depth: number; changed: boolean }[] = [];

  constructor(block: Block, fail: (message: string) => never) {
    this.#block = block;
    this.#fail = fail;
    for (const { name, dtype, access } of block.buffers)
      this.#declare(name, { type: dtype === "u8" ? this.#fail(`${name} holds bytes`) : dtype, isWritten: access !== "read" });
    for (const { name, type } of block.shared) this.#declare(name, { type, isWritten: true });
  }

  #declare(name: string, memory: Memory): void {
    if (this.#memory.has(name)) this.#fail(`two memories are called ${name}`);
    this.#memory.set(name, memory);
  }

  statements(body: readonly Statement[]): void {
    const outside = this.#names.length;
    for (const statement of body) this.#statement(statement);
    this.#forget(outside);
  }

  /** Leaves a scope. */
  #forget(outside: number): void {
    while (this.#names.length > outside) this.#bindings.delete(this.#names.pop() ?? "");
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case "let":
      case "var": {
        const { name, value } = statement;
        const isUniform = value === undefined || this.#value(value);
        const type = statement.kind === "var" ? statement.type : statement.value.type;
        if (value && value.type !== type) this.#fail(`${name} is ${type} and starts with ${value.type}`);
        this.#bind(name, type, statement.kind === "var", isUniform && this.#isUniform);
        break;
      }
      case "assign": {
        const { name, value } = statement;
        const found = this.#lookup(name);
        const isUniform = this.#value(value);
        if (!found.isVariable) this.#fail(`${name} is assigned and no variable`);
        if (found.type !== value.type) this.#fail(`${name} is ${found.type} and becomes ${value.type}`);
        if (!(isUniform && this.#isUniform)) this.#differs(found);
        break;
      }
      case "store": {
        const { memory, index, value } = statement;
        const found = this.#memory.get(memory) ?? this.#fail(`${memory} is no memory`);
        if (!found.isWritten) this.#fail(`a store to ${memory}, which is read only`);
        this.#expect(index, "i32", "the place of a store to ", memory);
        this.#expect(value, found.type, "what is stored to ", memory);
        break;
      }
      case "for": {
        const { name, start, end, body } = statement;
        const isFirst = this.#expect(start, "i32", "the start of ", name);
        const isLast = this.#expect(end, "i32", "the end of ", name);
        const before = this.#isUniform;
        const isUniform = isFirst && isLast;
        this.#isUniform &&= isUniform;
        const loop = { depth: this.#names.length, changed: true };
        this.#loops.push(loop);
        while (loop.changed) {
          loop.changed = false;
          this.#bind(name, "i32", false, isUniform);
          this.statements(body);
          this.#forget(loop.depth);
        }
        this.#loops.pop();
        // Threads meet again behind a loop, those that left it early, too, unless they returned; that is not told apart here.
        this.#isUniform = before && (this.#isUniform || !leaves(body));
        break;
      }
      case "if": {
        const { condition, yes, no } = statement;
        const before = this.#isUniform;
        const inside = this.#expect(condition, "bool", "a condition") && before;
        const ends = [yes, no].map((body) => {
          this.#isUniform = inside;
          this.statements(body);
          return this.#isUniform;
        });
        this.#isUniform = before && (inside ? ends.every(Boolean) : !leaves([...yes, ...no]));
        break;
      }
      case "scope":
        this.statements(statement.body);
        break;
      case "barrier":
        if (!this.#isUniform) this.#fail("not all threads reach a barrier");
        if (this.#copies === "waited") this.#copies = "there";
        if (this.#isPublished === "own") this.#isPublished = "all";
        break;
      case "copy":
        this.#copy(statement);
        break;
      case "end-batch":
        break;
      case "wait-copies":
        if (statement.pending < 0) this.#fail(`a wait for all but ${String(statement.pending)} batches`);
        this.#copies = "waited";
        break;
      case "load-matrices": {
        const { names, memory, index } = statement;
        this.#expect(index, "i32", "the place of matrices in ", memory);
        if (this.#copied.has(memory) && this.#copies !== "there") this.#fail(`matrices in ${memory} before copies to it are there`);
        this.#words(memory);
        if (names.length !== 4) this.#fail(`${String(names.length)} of four matrices`);
        this.#together("a load of matrices");
        for (const name of names) this.#bind(name, "u32", false, false);
        break;
      }
      case "multiply": {
        const { sums, left, right } = statement;
        if (sums.length !== 4 || left.length !== 4 || right.length !== 2) this.#fail("matrices of another shape");
        for (const value of [...left, ...right]) this.#expect(value, "u32", "what is multiplied");
        for (const name of sums) {
          const found = this.#lookup(name);
          if (!found.isVariable || found.type !== "f32") this.#fail(`${name} is no sum of f32`);
          this.#differs(found);
        }
        this.#together("a product of matrices");
        break;
      }
      case "multiply-wide":
        this.#multiplyWide(statement);
        break;
      case "init-barriers":
      case "copy-tiles":
      case "wait-tiles":
        this.#copyTiles(statement);
        break;
      case "begin-products":
      case "end-products":
        this.#together("products of warpgroups");
        break;
      case "wait-products":
        this.#together("a wait for products");
        if (statement.pending < 0) this.#fail(`a wait for all but ${String(statement.pending)} products`);
        for (const name of statement.sums) this.#underWay.delete(name);
        break;
      case "publish":
        this.#isPublished = "own";
        break;
      case "break":
        if (this.#loops.length === 0) this.#fail("a break outside of loops");
        break;
      case "return":
        break;
      default:
        statement satisfies never;
    }
  }

  /** A variable is not the same in all threads from here on, and so it is where a loop around begins anew. */
  #differs(found: Binding): void {
    if (!found.isUniform) return;
    found.isUniform = false;
    for (const loop of this.#loops) loop.changed ||= found.place < loop.depth;
  }

  /** Only the machine knows of each copy when it is there (test/support/cuda-host); that none is waited for, or no barrier follows, shows here. */
  #copy({ memory, index, from, source, words, condition }: Statement & { readonly kind: "copy" }): void {
    const [target, origin] = [this.#memory.get(memory), this.#memory.get(from)];
    this.#expect(index, "i32", "the place of a copy to ", memory);
    this.#expect(source, "i32", "the place of a copy from ", from);
    this.#expect(condition, "bool", "the condition of a copy");
    if (!target || !this.#block.shared.some(({ name }) => name === memory))
      return this.#fail(`a copy to ${memory}, which is no shared array`);
    if (!origin || origin.isWritten) return this.#fail(`a copy from ${from}, which is no buffer that is only read`);
    // As what a matrix is multiplied from: the same bits.
    const isPacked = target.type === "u32" && words === 4 && isFloat(scalarOf(origin.type));
    if (!isPacked && (scalarOf(target.type) !== origin.type || bytesOf(origin.type) !== 4))
      this.#fail(`a copy of ${origin.type} to ${target.type}`);
    // Arrays of words are aligned for matrices.
    if (words === 4 && scalarOf(target.type) === target.type && target.type !== "u32")
      this.#fail(`a copy of four to ${memory}, which holds single ones`);
    this.#copied.add(memory);
  }

  /** What is ready when, only the machine knows, as of copies; that nothing was published before, or that sums are read before a wait, shows here. */
  #multiplyWide({ sums, memory, left, right }: Statement & { readonly kind: "multiply-wide" }): void {
    this.#expect(left, "i32", "the place of rows in ", memory);
    this.#expect(right, "i32", "the place of columns in ", memory);
    this.#words(memory);
    if (this.#copied.has(memory) && this.#copies !== "there") this.#fail(`matrices in ${memory} before copies to it are there`);
    if (this.#tiles === "under way") this.#fail(`matrices in ${memory} before tiles of it are there`);
    if (this.#isPublished !== "all") this.#fail(`matrices in ${memory} before they are published`);
    if (this.#block.needs === undefined || this.#block.threads % 128 !== 0) this.#fail("products of no whole warpgroups");
    if (sums.length !== 64) this.#fail("matrices of another shape");
    for (const name of sums) {
      const found = this.#lookup(name);
      if (!found.isVariable || found.type !== "f32") this.#fail(`${name} is no sum of f32`);
      this.#differs(found);
    }
    this.#together("a product of matrices");
    for (const name of sums) this.#underWay.add(name);
  }

  /** What arrives when, only the machine knows; that a barrier counts other bytes, or is not there, or that nobody waits, shows here. */
  #copyTiles(statement: TileStatement): void {
    const { memory } = statement;
    this.#together("copies of tiles");
    this.#words(memory);
    if (statement.kind === "init-barriers") return void ([this.#tiles, this.#isPublished] = ["to come", "no"]);
    this.#expect(statement.barrier, "i32", "the place of a barrier in ", memory);
    if (this.#tiles === "none" || this.#isPublished !== "all") this.#fail("a barrier of copies before it is published");
    if (statement.kind === "wait-tiles") {
      const { parity, areThere } = statement;
      this.#expect(parity, "i32", "the phase of copies to ", memory);
      const found = this.#lookup(areThere);
      if (!found.isVariable || found.type !== "bool") this.#fail(`${areThere} is no variable of bool`);
      this.#differs(found);
      this.#tiles = "there";
      return;
    }
    const { condition, bytes, copies } = statement;
    this.#expect(condition, "bool", "the condition of copies to ", memory);
    if (bytes !== copies.reduce((sum, copy) => sum + this.#bytesOf(copy), 0)) this.#fail(`copies of other than ${String(bytes)} bytes`);
    if (this.#tiles === "to come") this.#tiles = "under way";
  }

  #bytesOf({ map, row, column, to }: TileCopy): number {
    for (const place of [row, column, to]) this.#expect(place, "i32", "a place of a copy of ", map);
    return MAP_BYTES * (this.#block.maps?.find(({ name }) => name === map) ?? this.#fail(`${map} is no map`)).map.box;
  }

  #words(memory: string): void {
    if (this.#memory.get(memory)?.type !== "u32" || !this.#block.shared.some(({ name }) => name === memory))
      this.#fail(`matrices in ${memory}, which is no shared array of words`);
  }

  #together(what: string): void {
    if (this.#block.lanes !== 32) this.#fail(`${what} by subgroups of ${String(this.#block.lanes)} lanes`);
    if (!this.#isUniform) this.#fail(`not all threads reach ${what}`);
  }

  #bind(name: string, type: Type, isVariable: boolean, isUniform: boolean): void {
    if (this.#memory.has(name) || this.#bindings.has(name)) this.#fail(`${name} is defined twice`);
    this.#bindings.set(name, { type, isVariable, isUniform, place: this.#names.length });
    this.#names.push(name);
  }

  #lookup(name: string): Binding {
    return this.#bindings.get(name) ?? this.#fail(`${name} is not defined here`);
  }

  /** Checks a value of a type; whether all threads of the workgroup have the same. */
  #expect(value: Value, type: Type, what: string, of = ""): boolean {
    const isUniform = this.#value(value);
    if (value.type !== type) this.#fail(`${what}${of} is ${value.type} instead of ${type}`);
    return isUniform;
  }

  /** An operand of that type. */
  #operand(of: Value, type: Type, x: Value): boolean {
    if (x.type !== type) this.#fail(`${of.kind} takes ${x.type} for ${type}`);
    return this.#value(x);
  }

  #operands(of: Value, type: Type, parts: readonly Value[]): boolean {
    let areUniform = true;
    for (const part of parts) if (!this.#operand(of, type, part)) areUniform = false;
    return areUniform;
  }

  /** Checks a value; whether all threads of the workgroup have the same. */
  #value(value: Value): boolean {
    switch (value.kind) {
      case "const":
      case "zeros":
        return true;
      case "builtin":
        return value.builtin !== "lane";
      case "name": {
        const { type, isUniform } = this.#lookup(value.name);
        if (this.#underWay.has(value.name)) this.#fail(`${value.name} is read while products add to it`);
        if (type !== value.type) this.#fail(`${value.name} is no ${value.type}`);
        return isUniform;
      }
      // Other threads may be about to store there.
      case "load": {
        this.#operand(value, "i32", value.index);
        const found = this.#memory.get(value.memory) ?? this.#fail(`${value.memory} is no memory`);
        if (found.type !== value.type) this.#fail(`a load of ${value.type} from ${value.memory}, which holds ${found.type}`);
        if (this.#copied.has(value.memory) && this.#copies !== "there")
          this.#fail(`a load from ${value.memory} before copies to it are there`);
        return false;
      }
      case "unary":
        return this.#operand(value, value.type, value.x);
      case "cast":
        return this.#value(value.x);
      case "binary":
        return this.#binary(value);
      case "select": {
        const isUniform = this.#operand(value, "bool", value.condition);
        const [x, y] = [this.#operand(value, value.type, value.x), this.#operand(value, value.type, value.y)];
        return isUniform && x && y;
      }
      case "threefry":
        return this.#operands(value, "u32", value.words);
      case "vector":
        if (value.parts.length !== 4) this.#fail(`a vector of ${String(value.parts.length)}`);
        return this.#operands(value, scalarOf(value.type), value.parts);
      case "bitcast":
        return this.#operand(value, value.type === "u32" ? "f32" : "u32", value.x);
      case "word":
        if (value.parts.length !== (value.of === "tf32" ? 1 : 2)) this.#fail(`${String(value.parts.length)} ${value.of} in a word`);
        return this.#operands(value, "f32", value.parts);
      case "component":
        if (value.x.type !== vectorOf(value.type) || value.at < 0 || value.at > 3)
          this.#fail(`component ${String(value.at)} of ${value.x.type}`);
        return this.#value(value.x);
      case "broadcast":
      case "combine-lanes":
        this.#operand(value, value.type, value.x);
        if (this.#block.lanes === undefined) this.#fail("lanes combine, and nothing says how many there are");
        return false;
      default:
        return value satisfies never;
    }
  }

  #binary({ op, type, x, y }: Value & { readonly kind: "binary" }): boolean {
    const isScaled = op === "mul" && x.type !== y.type && vectorOf(scalarOf(x.type)) === y.type;
    const isShift = op === "shl" || op === "shr";
    const isVector = scalarOf(type) !== type;
    const fits = isShift ? y.type === "u32" : isScaled || x.type === y.type;
    if (!fits || (isVector && !isScaled && op !== "add")) this.#fail(`${op} of ${x.type} and ${y.type}`);
    const result = op === "lt" || op === "le" || op === "eq" || op === "ne" ? "bool" : isScaled ? y.type : x.type;
    if (type !== result) this.#fail(`${op} of ${x.type} gives ${result} and not ${type}`);
    const isUniform = this.#value(x);
    return this.#value(y) && isUniform;
  }
}
