// One WebAssembly function in the making: loops, stores and variables over interned values. Printing names what is used twice and
// computes every value in the outermost loop that knows its operands; nothing here can trap, so moving is always safe.

import { InternalError } from "../../ir/types.ts";
import { Values, type Value, type WasmType } from "./values.ts";

type Statement =
  | { readonly kind: "do"; readonly op: string; readonly args: readonly Value[] }
  | { readonly kind: "set"; readonly name: string; readonly value: Value }
  /** Evaluated here, before the statements that follow. */
  | { readonly kind: "name"; readonly value: Value }
  | {
      readonly kind: "loop";
      readonly name: string;
      readonly from: Value;
      readonly to: Value;
      readonly step: number;
      readonly body: Statement[];
      /** Whether `from` may not be below `to`. */
      readonly mayBeEmpty: boolean;
    };

interface Scope {
  readonly lines: string[];
  readonly names: Map<Value, string>;
}

export class WasmFunction {
  readonly values = new Values();
  readonly #header: string;
  readonly #locals = new Map<string, WasmType>();
  readonly #params = new Map<string, Value>();
  readonly #bodies: Statement[][] = [[]];
  readonly #uses = new Map<Value, number>();
  readonly #scopes: Scope[] = [];
  #labels = 0;

  /** @param header all before the locals, such as `(func $f (param $x i32)` */
  constructor(name: string, params: readonly string[], exported = "") {
    this.#header = `(func $${name} ${exported}${params.map((param) => `(param $${param} i32)`).join(" ")}`;
    for (const param of params) this.#params.set(param, this.values.variable(param, "i32", 0));
  }

  /** How many loops are open. */
  get depth(): number {
    return this.#bodies.length - 1;
  }

  param(name: string): Value {
    const value = this.#params.get(name);
    if (!value) throw new InternalError(`no parameter ${name}`);
    return value;
  }

  /** A loop from `from` while below `to`, which must hold at first unless `mayBeEmpty`. */
  loop(from: Value, to: Value, step: number, body: (variable: Value) => void, mayBeEmpty = false): void {
    const name = this.#local("i32");
    const statements: Statement[] = [];
    this.#bodies.push(statements);
    body(this.values.variable(name, "i32", this.depth));
    this.#bodies.pop();
    this.#push({ kind: "loop", name, from, to, step, body: statements, mayBeEmpty });
  }

  /** An instruction with an effect. */
  do(op: string, ...args: Value[]): void {
    this.#push({ kind: "do", op, args });
  }

  evaluate(value: Value): void {
    this.#push({ kind: "name", value });
  }

  /** A local with a first value; the result reads it, as it is when a statement mentions it. */
  accumulator(initial: Value): { readonly name: string; readonly type: WasmType } {
    const name = this.#local(initial.type);
    this.#push({ kind: "set", name, value: initial });
    return { name, type: initial.type };
  }

  /** `accumulator = op(accumulator, args)`. */
  update({ name, type }: { readonly name: string; readonly type: WasmType }, combine: (old: Value) => Value): void {
    this.#push({ kind: "set", name, value: combine(this.values.variable(name, type, this.depth)) });
  }

  /** The accumulator's value from here on, when nothing updates it any more. */
  final({ name, type }: { readonly name: string; readonly type: WasmType }): Value {
    return this.values.variable(name, type, this.depth);
  }

  text(): string {
    const [body] = this.#bodies;
    if (!body || this.#bodies.length !== 1) throw new InternalError("loops left open");
    this.#count(body);
    this.#scopes.push({ lines: [], names: new Map() });
    this.#print(body);
    const lines = this.#scopes.pop()?.lines ?? [];
    const locals = [...this.#locals].map(([name, type]) => ` (local $${name} ${type})`).join("");
    return `${this.#header}${locals}\n${lines.map((line) => `  ${line}`).join("\n")})`;
  }

  #push(statement: Statement): void {
    this.#bodies.at(-1)?.push(statement);
  }

  #local(type: WasmType): string {
    const name = `${type === "v128" ? "v" : type === "f32" ? "f" : "i"}${String(this.#locals.size)}`;
    this.#locals.set(name, type);
    return name;
  }

  #count(body: readonly Statement[]): void {
    const visit = (value: Value): void => {
      const uses = this.#uses.get(value) ?? 0;
      this.#uses.set(value, uses + 1);
      if (uses === 0) value.args.forEach(visit);
    };
    for (const statement of body) {
      switch (statement.kind) {
        case "do":
          statement.args.forEach(visit);
          break;
        case "set":
          visit(statement.value);
          break;
        case "name":
          visit(statement.value);
          visit(statement.value);
          break;
        case "loop":
          visit(statement.from);
          visit(statement.to);
          this.#count(statement.body);
          break;
        default:
          statement satisfies never;
      }
    }
  }

  #print(body: readonly Statement[]): void {
    for (const statement of body) {
      switch (statement.kind) {
        case "do":
          this.#line(`(${statement.op}${statement.args.map((arg) => ` ${this.#value(arg)}`).join("")})`);
          break;
        case "set":
          this.#line(`(local.set $${statement.name} ${this.#value(statement.value)})`);
          break;
        case "name":
          this.#value(statement.value);
          break;
        case "loop": {
          const { name, from, to, step } = statement;
          const label = `l${String(this.#labels++)}`;
          const end = to.args.length === 0 ? this.#value(to) : this.#named(to);
          this.#line(`(local.set $${name} ${this.#value(from)})`);
          this.#scopes.push({ lines: [], names: new Map() });
          this.#print(statement.body);
          const inner = this.#scopes.pop()?.lines ?? [];
          if (statement.mayBeEmpty) this.#line(`(if (i32.lt_s (local.get $${name}) ${end}) (then`);
          this.#line(`(loop $${label}`);
          for (const line of inner) this.#line(`  ${line}`);
          const next = `(local.tee $${name} (i32.add (local.get $${name}) (i32.const ${String(step)})))`;
          this.#line(`  (br_if $${label} (i32.lt_s ${next} ${end})))${statement.mayBeEmpty ? "))" : ""}`);
          break;
        }
        default:
          statement satisfies never;
      }
    }
  }

  #line(text: string): void {
    this.#scopes.at(-1)?.lines.push(text);
  }

  #value(value: Value): string {
    if (value.op === "var") return `(local.get $${value.immediate})`;
    if (value.args.length === 0) return `(${value.op} ${value.immediate})`;
    for (const scope of this.#scopes) {
      const name = scope.names.get(value);
      if (name !== undefined) return `(local.get $${name})`;
    }
    const level = this.#scopes.length - 1;
    if (value.depth < level) {
      const inner = this.#scopes.splice(value.depth + 1);
      const text = this.#named(value);
      this.#scopes.push(...inner);
      return text;
    }
    return (this.#uses.get(value) ?? 0) > 1 ? this.#named(value) : this.#text(value);
  }

  #named(value: Value): string {
    const scope = this.#scopes.at(-1);
    const known = scope?.names.get(value);
    if (known !== undefined) return `(local.get $${known})`;
    const text = this.#text(value);
    const name = this.#local(value.type);
    this.#line(`(local.set $${name} ${text})`);
    scope?.names.set(value, name);
    return `(local.get $${name})`;
  }

  #text({ op, immediate, args, type }: Value): string {
    const texts = args.map((arg) => this.#value(arg));
    // Which of two is only known at run time: the operands are computed before, so that both sides may share them.
    if (op === "either") return `(if (result ${type}) ${texts[0] ?? ""} (then ${texts[1] ?? ""}) (else ${texts[2] ?? ""}))`;
    return `(${op}${immediate === "" ? "" : ` ${immediate}`}${texts.map((text) => ` ${text}`).join("")})`;
  }
}
