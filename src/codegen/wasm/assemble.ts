// WebAssembly text to bytes: the part of the format that our code generators print, folded instructions with named locals and functions.
// Small enough to be in the compiler, where an assembler from npm would be its largest dependency; tests hold it to that one (wabt).

import { InternalError } from "../../ir/types.ts";
import { Bytes } from "./bytes.ts";
import { OPCODES, type Opcode } from "./opcodes.ts";

export interface AssembleOptions {
  /** Encode `f32x4.madd` as one fused instruction; otherwise it is a product and a sum. */
  readonly relaxed: boolean;
}

type Node = string | readonly Node[];

const TYPES: Readonly<Record<string, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** The module of a text that starts with `(module`. */
export const assemble = (text: string, options: AssembleOptions): Uint8Array => encode(readModule(text), options);

/** Both encodings of a module. */
export function assembleBoth(text: string): { readonly relaxed: Uint8Array; readonly simd: Uint8Array } {
  const module = readModule(text);
  return { relaxed: encode(module, { relaxed: true }), simd: encode(module, { relaxed: false }) };
}

interface Module {
  readonly memory: readonly Node[] | undefined;
  readonly functions: readonly Func[];
  readonly byName: ReadonlyMap<string, number>;
}

function readModule(text: string): Module {
  const fields = parse(text).slice(1);
  const stray = fields.find((field) => !isList(field, "func") && !isList(field, "import"));
  if (stray !== undefined) throw new InternalError(`a module has no ${print(stray).slice(0, 100)}`);
  const functions = fields.filter((field) => isList(field, "func")).map(readFunction);
  const byName = new Map(functions.map(({ name }, i) => [name, i]));
  if (byName.size < functions.length) throw new InternalError("two functions of one name");
  return { memory: fields.find((field) => isList(field, "import")), functions, byName };
}

function encode({ memory, functions, byName }: Module, { relaxed }: AssembleOptions): Uint8Array {
  const signatures = new Map<string, number>();
  const typeOf = functions.map(({ params, results }) => {
    const key = `${params.join()}:${results.join()}`;
    const index = signatures.get(key) ?? signatures.size;
    signatures.set(key, index);
    return index;
  });
  const out = new Bytes();
  out.raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  out.section(1, (types) =>
    types.list([...signatures.keys()], (key) => {
      const [params = "", results = ""] = key.split(":");
      types.byte(0x60);
      for (const list of [params, results]) types.list(list === "" ? [] : list.split(","), (type) => types.byte(typeByte(type)));
    }),
  );
  if (memory !== undefined) out.section(2, (imports) => writeImport(imports, memory));
  out.section(3, (section) => section.list(typeOf, (index) => section.unsigned(index)));
  const exported = functions.flatMap(({ exportName }, i) => (exportName === undefined ? [] : [[exportName, i] as const]));
  if (exported.length > 0)
    out.section(7, (section) =>
      section.list(exported, ([name, index]) => {
        section.name(name);
        section.byte(0);
        section.unsigned(index);
      }),
    );
  out.section(10, (section) =>
    section.list(functions, (f) => section.sized((body) => new FunctionWriter(body, f, byName, relaxed).write())),
  );
  return out.finish();
}

function writeImport(out: Bytes, [, from, name, memory]: readonly Node[]): void {
  if (!Array.isArray(memory) || memory[0] !== "memory" || memory[3] !== "shared")
    throw new InternalError("only a shared memory can be imported");
  out.list([memory], () => {
    out.name(unquoted(from));
    out.name(unquoted(name));
    out.raw([0x02, 0x03]);
    out.unsigned(Number(memory[1]));
    out.unsigned(Number(memory[2]));
  });
}

interface Func {
  readonly name: string;
  readonly exportName: string | undefined;
  readonly params: readonly string[];
  readonly results: readonly string[];
  readonly locals: readonly string[];
  /** Of params and locals, by name. */
  readonly slots: ReadonlyMap<string, number>;
  readonly body: readonly Node[];
}

function readFunction(node: readonly Node[]): Func {
  const [, name] = node;
  if (typeof name !== "string" || !name.startsWith("$")) throw new InternalError("a function without a name");
  const slots = new Map<string, number>();
  const [params, results, locals]: [string[], string[], string[]] = [[], [], []];
  let exportName: string | undefined;
  let at = 2;
  for (; at < node.length; at++) {
    const part = node[at];
    if (!Array.isArray(part)) break;
    const [keyword, first, second] = part as readonly Node[];
    if (keyword === "export") exportName = unquoted(first);
    else if (keyword === "result") results.push(textOf(first));
    else if (keyword === "param" || keyword === "local") {
      if (slots.has(textOf(first))) throw new InternalError(`two locals ${textOf(first)} in ${name}`);
      slots.set(textOf(first), slots.size);
      (keyword === "param" ? params : locals).push(textOf(second));
    } else break;
  }
  return { name, exportName, params, results, locals, slots, body: node.slice(at) };
}

class FunctionWriter {
  readonly #out: Bytes;
  readonly #function: Func;
  readonly #functions: ReadonlyMap<string, number>;
  readonly #relaxed: boolean;
  readonly #labels: string[] = [];

  constructor(out: Bytes, f: Func, functions: ReadonlyMap<string, number>, relaxed: boolean) {
    this.#out = out;
    this.#function = f;
    this.#functions = functions;
    this.#relaxed = relaxed;
  }

  write(): void {
    const runs: { type: string; count: number }[] = [];
    for (const type of this.#function.locals) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    this.#out.list(runs, ({ type, count }) => {
      this.#out.unsigned(count);
      this.#out.byte(typeByte(type));
    });
    for (const node of this.#function.body) this.#instruction(node);
    this.#out.byte(0x0b);
  }

  #instruction(node: Node): void {
    const out = this.#out;
    if (!Array.isArray(node)) throw this.#fault(node);
    const parts = node as readonly Node[];
    const op = textOf(parts[0]);
    switch (op) {
      case "local.get":
        out.byte(0x20);
        return out.unsigned(this.#slot(parts[1]));
      case "local.set":
      case "local.tee":
        this.#operands(parts, 2);
        out.byte(op === "local.set" ? 0x21 : 0x22);
        return out.unsigned(this.#slot(parts[1]));
      case "i32.const":
        out.byte(0x41);
        return out.signed32(integerOf(parts[1]) | 0);
      case "i64.const":
        out.byte(0x42);
        return out.signed(BigInt.asIntN(64, BigInt(textOf(parts[1]))));
      case "f32.const":
        out.byte(0x43);
        return out.float32(numberOf(parts[1]));
      case "f64.const":
        out.byte(0x44);
        return out.float64(numberOf(parts[1]));
      case "v128.const":
        return this.#vectorConstant(parts);
      case "f32x4.madd":
      case "f32x4.nmadd":
        return this.#multiplyAdd(op === "f32x4.nmadd", parts);
      case "call": {
        const index = this.#functions.get(textOf(parts[1]));
        if (index === undefined) throw this.#fault(node);
        this.#operands(parts, 2);
        out.byte(0x10);
        return out.unsigned(index);
      }
      case "block":
      case "loop":
        return this.#block(op, parts);
      case "if":
        return this.#if(parts);
      case "br":
      case "br_if":
        this.#operands(parts, 2);
        out.byte(op === "br" ? 0x0c : 0x0d);
        return out.unsigned(this.#label(parts[1]));
      case "return":
        this.#operands(parts, 1);
        return out.byte(0x0f);
      default: {
        const opcode = OPCODES.get(op);
        if (!opcode) throw this.#fault(node);
        return this.#plain(opcode, parts);
      }
    }
  }

  #plain(opcode: Opcode, parts: readonly Node[]): void {
    const out = this.#out;
    let at = 1;
    let offset = 0;
    let align = opcode.align;
    for (; at < parts.length; at++) {
      const part = parts[at];
      if (typeof part !== "string" || !part.includes("=")) break;
      if (part.startsWith("offset=")) offset = integerOf(part.slice(7));
      else align = Math.log2(integerOf(part.slice(6)));
    }
    const lanes = opcode.immediate === "shuffle" ? 16 : opcode.immediate.endsWith("lane") ? 1 : 0;
    const immediates = parts.slice(at, at + lanes).map(integerOf);
    if (immediates.length < lanes || immediates.some((lane) => lane < 0 || lane > 31)) throw this.#fault(parts);
    this.#operands(parts, at + lanes);
    if (opcode.prefix === undefined) out.byte(opcode.code);
    else {
      out.byte(opcode.prefix);
      out.unsigned(opcode.code);
    }
    if (opcode.immediate.startsWith("memory")) {
      out.unsigned(align);
      out.unsigned(offset);
    }
    out.raw(immediates);
  }

  // The sum comes last either way, so both forms take their operands in one order.
  #multiplyAdd(isNegated: boolean, parts: readonly Node[]): void {
    const out = this.#out;
    const vector = (code: number): void => {
      out.byte(0xfd);
      out.unsigned(code);
    };
    if (this.#relaxed) {
      this.#operands(parts, 1);
      return vector(isNegated ? 0x106 : 0x105);
    }
    this.#operands(parts.slice(0, 3), 1);
    vector(0xe6);
    if (isNegated) vector(0xe1);
    this.#operands(parts, 3);
    vector(0xe4);
  }

  #vectorConstant([, shape, ...values]: readonly Node[]): void {
    const out = this.#out;
    out.raw([0xfd, 12]);
    if (values.length !== Number(textOf(shape).split("x")[1])) throw this.#fault(["v128.const", ...values]);
    for (const value of values) {
      if (shape === "f32x4") out.float32(numberOf(value));
      else if (shape === "f64x2") out.float64(numberOf(value));
      else if (shape === "i32x4") out.little(integerOf(value), 4);
      else if (shape === "i8x16") out.little(integerOf(value), 1);
      else throw this.#fault(textOf(shape));
    }
  }

  #block(op: "block" | "loop", parts: readonly Node[]): void {
    const out = this.#out;
    let at = 1;
    let label = "";
    if (typeof parts[at] === "string") label = textOf(parts[at++]);
    out.byte(op === "block" ? 0x02 : 0x03);
    at += this.#blockType(parts[at]);
    this.#labels.push(label);
    for (const node of parts.slice(at)) this.#instruction(node);
    this.#labels.pop();
    out.byte(0x0b);
  }

  #if(parts: readonly Node[]): void {
    const out = this.#out;
    const hasResult = isList(parts[1], "result");
    const condition = parts[hasResult ? 2 : 1];
    const [then, otherwise] = parts.slice(hasResult ? 3 : 2);
    if (condition === undefined || !isList(then, "then")) throw this.#fault(parts);
    this.#instruction(condition);
    out.byte(0x04);
    this.#blockType(parts[1]);
    this.#labels.push("");
    for (const node of then.slice(1)) this.#instruction(node);
    if (isList(otherwise, "else")) {
      out.byte(0x05);
      for (const node of otherwise.slice(1)) this.#instruction(node);
    }
    this.#labels.pop();
    out.byte(0x0b);
  }

  #blockType(node: Node | undefined): 0 | 1 {
    const has = isList(node, "result");
    this.#out.byte(has ? typeByte(textOf(node[1])) : 0x40);
    return has ? 1 : 0;
  }

  #operands(parts: readonly Node[], from: number): void {
    for (let i = from; i < parts.length; i++) this.#instruction(parts[i] ?? "");
  }

  #slot(name: Node | undefined): number {
    const slot = this.#function.slots.get(textOf(name));
    if (slot === undefined) throw this.#fault(name ?? "");
    return slot;
  }

  #label(name: Node | undefined): number {
    const at = this.#labels.lastIndexOf(textOf(name));
    if (at < 0) throw this.#fault(name ?? "");
    return this.#labels.length - 1 - at;
  }

  #fault(node: Node): InternalError {
    return new InternalError(`cannot assemble ${print(node).slice(0, 200)} in ${this.#function.name}`);
  }
}

const isList = (node: Node | undefined, keyword: string): node is readonly Node[] => Array.isArray(node) && node[0] === keyword;

const print = (node: Node): string => (typeof node === "string" ? node : `(${node.map(print).join(" ")})`);

function textOf(node: Node | undefined): string {
  if (typeof node !== "string") throw new InternalError(`a word was expected, not ${node === undefined ? "nothing" : print(node)}`);
  return node;
}

const unquoted = (node: Node | undefined): string => textOf(node).slice(1, -1);

function typeByte(type: string): number {
  const byte = TYPES[type];
  if (byte === undefined) throw new InternalError(`no type ${type}`);
  return byte;
}

function numberOf(node: Node | undefined): number {
  const text = textOf(node);
  if (text === "inf") return Infinity;
  if (text === "-inf") return -Infinity;
  if (text === "nan") return NaN;
  const value = Number(text);
  if (Number.isNaN(value)) throw new InternalError(`${text} is no number`);
  return value;
}

function integerOf(node: Node | undefined): number {
  const value = Number(textOf(node));
  if (!Number.isInteger(value)) throw new InternalError(`${textOf(node)} is no integer`);
  return value;
}

function parse(text: string): readonly Node[] {
  const token = /;;[^\n]*|\(|\)|"[^"]*"|[^\s()";]+/g;
  const open: Node[][] = [[]];
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const [word] = match;
    if (word === "(") open.push([]);
    else if (word === ")") {
      const done = open.pop();
      if (!done || open.length === 0) throw new InternalError("unbalanced parentheses");
      open.at(-1)?.push(done);
    } else if (!word.startsWith(";;")) open.at(-1)?.push(word);
  }
  const [top = []] = open;
  const [module] = top;
  if (open.length !== 1 || top.length !== 1 || !isList(module, "module"))
    throw new InternalError("not one module, or unbalanced parentheses");
  return module;
}
