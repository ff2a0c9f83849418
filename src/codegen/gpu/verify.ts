// What a block must be before any language prints it: names stand for what was defined around them, operations are of the types that they
// say, only variables are assigned and only written buffers stored to, shared arrays fit, and all threads of a workgroup reach every barrier.

import { bytesPerElement, InternalError } from "../../ir/types.ts";
import { partsOf, scalarOf, vectorOf, type Block, type Statement, type Type, type Value } from "./block.ts";
import type { DeviceProfile } from "./profile.ts";

interface Binding {
  readonly type: Type;
  readonly isVariable: boolean;
  /** Whether all threads of the workgroup have the same here. */
  isUniform: boolean;
}

interface Memory {
  readonly type: Type;
  readonly isWritten: boolean;
}

export const bytesOf = (type: Type): number => bytesPerElement(scalarOf(type)) * (scalarOf(type) === type ? 1 : 4);

export function verifyBlock(block: Block, { maxThreads, sharedBytes }: DeviceProfile): void {
  const { name, threads, groups, shared } = block;
  const fail = (message: string): never => {
    throw new InternalError(`block ${name}: ${message}`);
  };
  if (threads < 1 || threads > maxThreads || groups < 1) fail(`${String(groups)} groups of ${String(threads)} threads`);
  const bytes = shared.reduce((sum, { type, length }) => sum + bytesOf(type) * length, 0);
  if (bytes > sharedBytes) fail(`${String(bytes)} shared bytes of ${String(sharedBytes)}`);
  new Verifier(block, fail).statements(block.body);
}

class Verifier {
  readonly #block: Block;
  readonly #fail: (message: string) => never;
  readonly #memory = new Map<string, Memory>();
  readonly #scopes: Map<string, Binding>[] = [];
  /** Whether all threads of the workgroup are here, and still come to what follows. */
  #isUniform = true;
  /**
   * The loops around, by how many scopes are around them. What differs among threads after a round does so in the next from its beginning: where
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
    this.#scopes.push(new Map());
    for (const statement of body) this.#statement(statement);
    this.#scopes.pop();
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case "let":
      case "var": {
        const { name, value } = statement;
        const isUniform = value === undefined || this.#value(value);
        const type = statement.kind === "var" ? statement.type : statement.value.type;
        if (value && value.type !== type) this.#fail(`${name} is ${type} and starts with ${value.type}`);
        this.#bind(name, { type, isVariable: statement.kind === "var", isUniform: isUniform && this.#isUniform });
        break;
      }
      case "assign": {
        const { name, value } = statement;
        const found = this.#lookup(name);
        const isUniform = this.#value(value);
        if (!found.isVariable) this.#fail(`${name} is assigned and no variable`);
        if (found.type !== value.type) this.#fail(`${name} is ${found.type} and becomes ${value.type}`);
        if (found.isUniform && !(isUniform && this.#isUniform)) {
          found.isUniform = false;
          const depth = this.#scopes.findIndex((scope) => scope.get(name) === found);
          for (const loop of this.#loops) loop.changed ||= depth < loop.depth;
        }
        break;
      }
      case "store": {
        const { memory, index, value } = statement;
        const found = this.#memory.get(memory) ?? this.#fail(`${memory} is no memory`);
        if (!found.isWritten) this.#fail(`a store to ${memory}, which is read only`);
        this.#expect(index, "i32", `the place of a store to ${memory}`);
        this.#expect(value, found.type, `what is stored to ${memory}`);
        break;
      }
      case "for": {
        const { name, start, end, body } = statement;
        this.#expect(start, "i32", `the start of ${name}`);
        this.#expect(end, "i32", `the end of ${name}`);
        const before = this.#isUniform;
        const isUniform = this.#value(start) && this.#value(end);
        this.#isUniform &&= isUniform;
        const loop = { depth: this.#scopes.length, changed: true };
        this.#loops.push(loop);
        while (loop.changed) {
          loop.changed = false;
          this.#scopes.push(new Map());
          this.#bind(name, { type: "i32", isVariable: false, isUniform });
          this.statements(body);
          this.#scopes.pop();
        }
        this.#loops.pop();
        // Threads meet again behind a loop, those that left it early, too, unless they returned; that is not told apart here.
        this.#isUniform = before && (this.#isUniform || !leaves(body));
        break;
      }
      case "if": {
        const { condition, yes, no } = statement;
        this.#expect(condition, "bool", "a condition");
        const before = this.#isUniform;
        const inside = before && this.#value(condition);
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

  #bind(name: string, binding: Binding): void {
    const scope = this.#scopes.at(-1);
    if (this.#memory.has(name) || this.#scopes.some((each) => each.has(name))) this.#fail(`${name} is defined twice`);
    scope?.set(name, binding);
  }

  #lookup(name: string): Binding {
    for (const scope of this.#scopes) {
      const found = scope.get(name);
      if (found) return found;
    }
    return this.#fail(`${name} is not defined here`);
  }

  #expect(value: Value, type: Type, what: string): void {
    this.#value(value);
    if (value.type !== type) this.#fail(`${what} is ${value.type} instead of ${type}`);
  }

  /** Checks a value; whether all threads of the workgroup have the same. */
  #value(value: Value): boolean {
    const areUniform = partsOf(value).map((part) => this.#value(part));
    this.#types(value);
    switch (value.kind) {
      case "builtin":
        return value.builtin !== "lane";
      case "name":
        return this.#lookup(value.name).isUniform;
      // Other threads may be about to store there.
      case "load":
        return false;
      case "broadcast":
      case "combine-lanes":
        if (this.#block.lanes === undefined) this.#fail("lanes combine, and nothing says how many there are");
        return false;
      default:
        return areUniform.every(Boolean);
    }
  }

  #types(value: Value): void {
    const same = (type: Type, ...values: readonly Value[]): void => {
      for (const each of values) if (each.type !== type) this.#fail(`${value.kind} takes ${each.type} for ${type}`);
    };
    switch (value.kind) {
      case "const":
      case "builtin":
      case "cast":
      case "zeros":
        break;
      case "name":
        if (this.#lookup(value.name).type !== value.type) this.#fail(`${value.name} is no ${value.type}`);
        break;
      case "load": {
        same("i32", value.index);
        const found = this.#memory.get(value.memory) ?? this.#fail(`${value.memory} is no memory`);
        if (found.type !== value.type) this.#fail(`a load of ${value.type} from ${value.memory}, which holds ${found.type}`);
        break;
      }
      case "unary":
      case "broadcast":
      case "combine-lanes":
        same(value.type, value.x);
        break;
      case "binary":
        this.#binary(value);
        break;
      case "select":
        same("bool", value.condition);
        same(value.type, value.x, value.y);
        break;
      case "threefry":
        same("u32", ...value.words);
        break;
      case "vector":
        if (value.parts.length !== 4) this.#fail(`a vector of ${String(value.parts.length)}`);
        same(scalarOf(value.type), ...value.parts);
        break;
      case "component":
        if (value.x.type !== vectorOf(value.type) || value.at < 0 || value.at > 3)
          this.#fail(`component ${String(value.at)} of ${value.x.type}`);
        break;
      default:
        value satisfies never;
    }
  }

  #binary({ op, type, x, y }: Value & { readonly kind: "binary" }): void {
    const isScaled = op === "mul" && vectorOf(scalarOf(x.type)) === y.type && x.type !== y.type;
    const isShift = op === "shl" || op === "shr";
    const isVector = scalarOf(type) !== type;
    const fits = isShift ? y.type === "u32" : isScaled || x.type === y.type;
    if (!fits || (isVector && !isScaled && op !== "add")) this.#fail(`${op} of ${x.type} and ${y.type}`);
    const result = op === "lt" || op === "le" || op === "eq" || op === "ne" ? "bool" : isScaled ? y.type : x.type;
    if (type !== result) this.#fail(`${op} of ${x.type} gives ${result} and not ${type}`);
  }
}

/** Whether a thread may leave what is around the statements. */
function leaves(body: readonly Statement[]): boolean {
  return body.some((statement) => {
    switch (statement.kind) {
      case "break":
      case "return":
        return true;
      case "for":
      case "scope":
        return leaves(statement.body);
      case "if":
        return leaves(statement.yes) || leaves(statement.no);
      default:
        return false;
    }
  });
}
