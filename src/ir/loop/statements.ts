// From expressions to straight-line statements: common subexpressions are named once, and every named value is placed in the outermost
// loop where its operands are known (loop-invariant code motion). Used by the interpreter and by all C-like printers; the language
// itself is a small `Syntax`.

import { binary, int, operands, type BinaryOp, type Expr, type ScalarType } from "./expr.ts";
import { InternalError } from "../types.ts";

export interface Syntax {
  /** One operation over the texts of its operands; atomic or parenthesized, so that it can be an operand itself. */
  expression(expr: Expr, operands: readonly string[]): string;
  define(name: string, dtype: ScalarType, text: string): string;
  declare(name: string, dtype: ScalarType): string;
  assign(name: string, text: string): string;
  /** A short prefix for a value's name. */
  hint(expr: Expr): string;
  readonly reserved: ReadonlySet<string>;
  /** A load out of range is harmless and gives some value: then a select of single loads needs no branch. */
  readonly safeLoads?: boolean;
}

// A value: structurally equal expressions are one value.
interface Value {
  readonly id: number;
  readonly expr: Expr;
  readonly operands: readonly Value[];
  readonly buffers: ReadonlySet<number>;
  uses: number;
}

interface Scope {
  readonly lines: string[];
  readonly names: Map<number, string>;
  readonly axes: Map<string, string>;
  readonly accs: Map<number, string>;
  /** Entered under a condition: a load needed inside must not move out, it may be out of range there. */
  readonly guarded: boolean;
}

const NO_BUFFERS: ReadonlySet<number> = new Set();

export class Statements {
  readonly #syntax: Syntax;
  readonly #values = new Map<string, Value>();
  readonly #interned = new Map<Expr, Value>();
  readonly #taken = new Set<string>();
  readonly #counters = new Map<string, number>();
  #scopes: Scope[] = [];
  #depths = new Map<number, number>();

  constructor(syntax: Syntax) {
    this.#syntax = syntax;
    this.#scopes.push(newScope(false));
  }

  /** A fresh identifier that resembles `hint`. */
  name(hint: string): string {
    let name = hint;
    for (let n = this.#counters.get(hint) ?? 0; this.#taken.has(name) || this.#syntax.reserved.has(name);) {
      name = `${hint}_${++n}`;
      this.#counters.set(hint, n);
    }
    this.#taken.add(name);
    return name;
  }

  /** Announces the expressions to come, so that what they share is named instead of repeated. */
  count(roots: readonly Expr[]): void {
    const seen = new Set<Value>();
    const visit = (value: Value): void => {
      value.uses++;
      if (seen.has(value)) return;
      seen.add(value);
      value.operands.forEach(visit);
    };
    for (const root of roots) visit(this.#intern(root));
  }

  /** Opens a nested scope; what is bound in it is forgotten when it closes. */
  open(guarded = false): void {
    this.#scopes.push(newScope(guarded));
    this.#depths.clear();
  }

  /** Closes the innermost scope into the one around it, between a header and a footer (none if empty), or bare. */
  close(header?: string, footer = "}"): void {
    const scope = this.#scopes.pop();
    if (!scope) throw new InternalError("no scope to close");
    this.#depths.clear();
    if (header === undefined) this.#top.lines.push(...scope.lines);
    else this.#top.lines.push(header, ...scope.lines.map((line) => `  ${line}`), ...(footer === "" ? [] : [footer]));
  }

  bindAxis(name: string, text: string): void {
    this.#top.axes.set(name, text);
    this.#depths.clear();
  }

  bindAcc(stage: number, text: string): void {
    this.#top.accs.set(stage, text);
    this.#depths.clear();
  }

  line(text: string): void {
    this.#top.lines.push(text);
  }

  /** Forgets every value loaded from these buffers: they were written. */
  invalidate(buffers: ReadonlySet<number>): void {
    const stale = [...this.#values.values()].filter((value) => [...value.buffers].some((buffer) => buffers.has(buffer)));
    for (const scope of this.#scopes) for (const { id } of stale) scope.names.delete(id);
  }

  /** The text of an expression at this place. */
  value(expr: Expr): string {
    return this.#emit(this.#intern(expr));
  }

  /** The same, but certainly a name: evaluated here and not where it is used. */
  named(expr: Expr): string {
    return this.#emit(this.#intern(expr), true);
  }

  finish(): string[] {
    if (this.#scopes.length !== 1) throw new InternalError("scopes left open");
    return this.#top.lines;
  }

  get #top(): Scope {
    const scope = this.#scopes.at(-1);
    if (!scope) throw new InternalError("no open scope");
    return scope;
  }

  #intern(expr: Expr): Value {
    const known = this.#interned.get(expr);
    if (known) return known;
    const children = operands(expr).map((operand) => this.#intern(operand));
    const key = `${shallowKey(expr)}(${children.map((child) => child.id).join()})`;
    let value = this.#values.get(key);
    if (!value) {
      const buffers = new Set(children.flatMap((child) => [...child.buffers]));
      if (expr.kind === "load") buffers.add(expr.buffer);
      value = { id: this.#values.size, expr, operands: children, buffers: buffers.size > 0 ? buffers : NO_BUFFERS, uses: 0 };
      this.#values.set(key, value);
    }
    this.#interned.set(expr, value);
    return value;
  }

  #lookup<K>(table: (scope: Scope) => Map<K, string>, key: K): string | undefined {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const scope = this.#scopes[i];
      const found = scope && table(scope).get(key);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  // The outermost scope where all variables of a value are known.
  #depth(value: Value): number {
    const known = this.#depths.get(value.id);
    if (known !== undefined) return known;
    const { expr } = value;
    let depth = 0;
    if (expr.kind === "axis") depth = this.#scopes.findLastIndex((scope) => scope.axes.has(expr.name));
    else if (expr.kind === "acc") depth = this.#scopes.findLastIndex((scope) => scope.accs.has(expr.stage));
    else for (const operand of value.operands) depth = Math.max(depth, this.#depth(operand));
    if (depth < 0)
      throw new InternalError(`${expr.kind === "axis" ? `axis ${expr.name}` : "an accumulator"} is used where it is not known`);
    if (value.buffers.size > 0)
      depth = Math.max(
        depth,
        this.#scopes.findLastIndex((scope) => scope.guarded),
      );
    this.#depths.set(value.id, depth);
    return depth;
  }

  #emit(value: Value, bind = false): string {
    const { expr } = value;
    if (expr.kind === "axis") {
      const text = this.#lookup((scope) => scope.axes, expr.name);
      if (text === undefined) throw new InternalError(`axis ${expr.name} is not bound`);
      return text;
    }
    if (expr.kind === "acc") {
      const text = this.#lookup((scope) => scope.accs, expr.stage);
      if (text === undefined) throw new InternalError(`stage ${String(expr.stage)} has no value yet`);
      return text;
    }
    if (expr.kind === "const") return this.#syntax.expression(expr, []);
    const found = this.#lookup((scope) => scope.names, value.id);
    if (found !== undefined) return found;

    const depth = this.#depth(value);
    if (depth < this.#scopes.length - 1) {
      const inner = this.#scopes;
      const depths = this.#depths;
      this.#scopes = inner.slice(0, depth + 1);
      this.#depths = new Map();
      const text = this.#emit(value, !value.operands.every((operand) => operand.expr.kind === "const") || expr.kind === "load");
      this.#scopes = inner;
      this.#depths = depths;
      return text;
    }
    const regrouped = this.#regroup(value);
    if (regrouped) {
      const text = this.#emit(regrouped, bind || value.uses > 1);
      if (bind || value.uses > 1) this.#top.names.set(value.id, text);
      return text;
    }
    if (expr.kind === "select" && value.operands.slice(1).some((arm) => arm.buffers.size > 0)) {
      const isCheap = value.operands.slice(1).every((arm) => arm.buffers.size === 0 || isPlainLoad(arm));
      if (!(this.#syntax.safeLoads && isCheap)) return this.#branch(value);
    }
    const text = this.#syntax.expression(
      expr,
      value.operands.map((operand) => this.#emit(operand)),
    );
    return bind || value.uses > 1 ? this.#bind(value, text) : text;
  }

  #bind(value: Value, text: string): string {
    const name = this.name(this.#syntax.hint(value.expr));
    this.line(this.#syntax.define(name, value.expr.dtype, text));
    this.#top.names.set(value.id, name);
    return name;
  }

  // Loads of the side not taken may be out of range, so a select around loads is a branch.
  #branch(value: Value): string {
    const [condition, yes, no] = value.operands;
    if (!condition || !yes || !no) throw new InternalError("malformed select");
    const test = this.#emit(condition);
    const name = this.name(this.#syntax.hint(value.expr));
    this.line(this.#syntax.declare(name, value.expr.dtype));
    // Both arms first: what they hoist must stand before the branch, not inside it.
    const arms = [yes, no].map((arm) => {
      this.open(true);
      this.line(this.#syntax.assign(name, this.#emit(arm)));
      const lines = this.#top.lines.map((line) => `  ${line}`);
      this.#scopes.pop();
      this.#depths.clear();
      return lines;
    });
    this.#top.lines.push(`if (${test}) {`, ...(arms[0] ?? []), "} else {", ...(arms[1] ?? []), "}");
    this.#top.names.set(value.id, name);
    return name;
  }

  // Orders the terms of an index sum by the loop they vary in, so that the outer part is a value of the outer loop. Integers only: exact.
  #regroup(value: Value): Value | undefined {
    if (!isSum(value.expr)) return undefined;
    const terms: Value[] = [];
    let offset = 0;
    const flatten = (v: Value): void => {
      if (v.expr.kind === "const") offset += v.expr.value;
      else if (isSum(v.expr) && this.#lookup((scope) => scope.names, v.id) === undefined) v.operands.forEach(flatten);
      else terms.push(v);
    };
    flatten(value);
    if (terms.length + Number(offset !== 0) < 3) return undefined;
    const sorted = terms.sort((a, b) => this.#depth(a) - this.#depth(b)).map((term) => term.expr);
    const sum = [...sorted, int(offset)].reduce((x, y) => binary("add", x, y));
    const result = this.#intern(sum);
    return result === value ? undefined : result;
  }
}

const isPlainLoad = ({ expr, operands: [index] }: Value): boolean => expr.kind === "load" && index?.buffers.size === 0;

const isSum = (expr: Expr): boolean => expr.kind === "binary" && expr.op === ("add" satisfies BinaryOp) && expr.dtype === "i32";

const newScope = (guarded: boolean): Scope => ({ lines: [], names: new Map(), axes: new Map(), accs: new Map(), guarded });

function shallowKey(expr: Expr): string {
  switch (expr.kind) {
    case "const":
      return `const ${expr.dtype} ${Object.is(expr.value, -0) ? "-0" : String(expr.value)}`;
    case "axis":
      return `axis ${expr.name}`;
    case "load":
      return `load ${expr.dtype} ${String(expr.buffer)}`;
    case "acc":
      return `acc ${String(expr.stage)}`;
    case "unary":
    case "binary":
      return `${expr.op} ${expr.dtype}`;
    case "select":
    case "threefry":
      return expr.kind;
    case "cast":
      return `cast ${expr.dtype}`;
    default:
      return expr satisfies never;
  }
}
