// From expressions to straight-line statements: common subexpressions are named once, and every named value is placed in the outermost
// loop where its operands are known (loop-invariant code motion). Used by the interpreter and by all C-like printers; the language
// itself is a small `Syntax`.

import { binary, int, operands, type BinaryOp, type Expr, type ScalarType } from "./expr.ts";
import { InternalError } from "../types.ts";
import { createNumbering } from "./numbering.ts";

/** Values of type V and statements of type S. */
export interface Syntax<V = string, S = string> {
  /** One operation over its operands; it can be an operand itself, so text is atomic or parenthesized. */
  expression(expr: Expr, operands: readonly V[]): V;
  define(name: string, dtype: ScalarType, value: V): S;
  declare(name: string, dtype: ScalarType): S;
  assign(name: string, dtype: ScalarType, value: V): S;
  /** What was defined or declared under a name. */
  reference(name: string, dtype: ScalarType): V;
  branch(condition: V, yes: readonly S[], no: readonly S[]): readonly S[];
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
  /** Which buffers its loads are of, a bit for each. */
  readonly buffers: number;
  uses: number;
  /** When its operands were last counted. */
  counted: number;
  /** The outermost scope where all of its variables are known, and the depth of that: while it is open and no other round has begun. */
  home: object | undefined;
  depth: number;
  round: number;
}

interface Scope<V, S> {
  readonly lines: S[];
  /** Most scopes have none. */
  names?: Map<number, V>;
  axes?: Map<string, V>;
  accs?: Map<number, V>;
  /** Entered under a condition: a load needed inside must not move out, it may be out of range there. */
  readonly guarded: boolean;
}

/** The last bit is of all further buffers: then more is loaded anew than need be. */
const bitOf = (buffer: number): number => 1 << Math.min(buffer, 30);

export class Statements<V = string, S = string> {
  readonly #syntax: Syntax<V, S>;
  readonly #number = createNumbering();
  /** By their numbers. */
  readonly #values: Value[] = [];
  readonly #taken = new Set<string>();
  readonly #counters = new Map<string, number>();
  #scopes: Scope<V, S>[] = [];
  /** How often expressions were announced. */
  #counts = 0;
  /** The depths of values are those of this round: another begins where a variable gets another value. */
  #round = 0;

  constructor(syntax: Syntax<V, S>) {
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
    const time = ++this.#counts;
    const visit = (value: Value): void => {
      value.uses++;
      if (value.counted === time) return;
      value.counted = time;
      value.operands.forEach(visit);
    };
    for (const root of roots) visit(this.#intern(root));
  }

  /** Opens a nested scope; what is bound in it is forgotten when it closes. */
  open(guarded = false): void {
    this.#scopes.push(newScope(guarded));
    if (guarded) this.#round++;
  }

  /** Closes the innermost scope and gives what was written in it, for a statement around it. */
  close(): S[] {
    const scope = this.#scopes.pop();
    if (!scope) throw new InternalError("no scope to close");
    return scope.lines;
  }

  bindAxis(name: string, value: V): void {
    if (this.#axis(name) !== undefined) this.#round++;
    (this.#top.axes ??= new Map<string, V>()).set(name, value);
  }

  bindAcc(stage: number, value: V): void {
    if (this.#acc(stage) !== undefined) this.#round++;
    (this.#top.accs ??= new Map<number, V>()).set(stage, value);
  }

  line(...statements: readonly S[]): void {
    this.#top.lines.push(...statements);
  }

  /** Forgets every value loaded from these buffers: they were written. */
  invalidate(buffers: ReadonlySet<number>): void {
    let written = 0;
    for (const buffer of buffers) written |= bitOf(buffer);
    for (const value of this.#values) {
      if ((value.buffers & written) !== 0) for (const scope of this.#scopes) scope.names?.delete(value.id);
    }
  }

  /** An expression at this place. */
  value(expr: Expr): V {
    return this.#emit(this.#intern(expr));
  }

  /** The same, but certainly a name: evaluated here and not where it is used. */
  named(expr: Expr): V {
    return this.#emit(this.#intern(expr), true);
  }

  /** The same of several; what one condition chooses between stands in one branch. */
  allNamed(exprs: readonly Expr[]): V[] {
    const values = exprs.map((expr) => this.#intern(expr));
    values.forEach((value, i) => {
      if (!this.#branchesHere(value)) return;
      const together = [value];
      for (const other of values.slice(i + 1)) {
        const isAlike = other.operands[0] === value.operands[0] && !together.includes(other) && this.#branchesHere(other);
        if (isAlike && !isMadeOf(other, together)) together.push(other);
      }
      if (together.length > 1) this.#branch(together);
    });
    return values.map((value) => this.#emit(value, true));
  }

  finish(): S[] {
    if (this.#scopes.length !== 1) throw new InternalError("scopes left open");
    return this.#top.lines;
  }

  get #top(): Scope<V, S> {
    const scope = this.#scopes.at(-1);
    if (!scope) throw new InternalError("no open scope");
    return scope;
  }

  #intern(expr: Expr): Value {
    const id = this.#number(expr);
    let value = this.#values[id];
    if (!value) {
      const children = operands(expr).map((operand) => this.#intern(operand));
      let buffers = expr.kind === "load" ? bitOf(expr.buffer) : 0;
      for (const child of children) buffers |= child.buffers;
      this.#values[id] = value = { id, expr, operands: children, buffers, uses: 0, counted: 0, home: undefined, depth: 0, round: 0 };
    }
    return value;
  }

  #named(id: number): V | undefined {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const found = this.#scopes[i]?.names?.get(id);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #axis(name: string): V | undefined {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const found = this.#scopes[i]?.axes?.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #acc(stage: number): V | undefined {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const found = this.#scopes[i]?.accs?.get(stage);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #name(value: Value, reference: V): void {
    (this.#top.names ??= new Map<number, V>()).set(value.id, reference);
  }

  // The outermost scope where all variables of a value are known.
  #depth(value: Value): number {
    if (value.round === this.#round && this.#scopes[value.depth] === value.home) return value.depth;
    const { expr } = value;
    let depth = 0;
    if (expr.kind === "axis") depth = this.#scopes.findLastIndex(({ axes }) => axes?.has(expr.name) === true);
    else if (expr.kind === "acc") depth = this.#scopes.findLastIndex(({ accs }) => accs?.has(expr.stage) === true);
    else for (const operand of value.operands) depth = Math.max(depth, this.#depth(operand));
    if (depth < 0)
      throw new InternalError(`${expr.kind === "axis" ? `axis ${expr.name}` : "an accumulator"} is used where it is not known`);
    if (value.buffers !== 0)
      depth = Math.max(
        depth,
        this.#scopes.findLastIndex((scope) => scope.guarded),
      );
    value.home = this.#scopes[depth];
    value.depth = depth;
    value.round = this.#round;
    return depth;
  }

  #emit(value: Value, bind = false): V {
    const { expr } = value;
    if (expr.kind === "axis") {
      const text = this.#axis(expr.name);
      if (text === undefined) throw new InternalError(`axis ${expr.name} is not bound`);
      return text;
    }
    if (expr.kind === "acc") {
      const text = this.#acc(expr.stage);
      if (text === undefined) throw new InternalError(`stage ${String(expr.stage)} has no value yet`);
      return text;
    }
    if (expr.kind === "const") return this.#syntax.expression(expr, []);
    const found = this.#named(value.id);
    if (found !== undefined) return found;

    const depth = this.#depth(value);
    if (depth < this.#scopes.length - 1) {
      const inner = this.#scopes;
      // What the value is made of is known there too, and as deep as here.
      this.#scopes = inner.slice(0, depth + 1);
      const outer = this.#emit(value, !value.operands.every((operand) => operand.expr.kind === "const") || expr.kind === "load");
      this.#scopes = inner;
      return outer;
    }
    const regrouped = this.#regroup(value);
    if (regrouped) {
      const sum = this.#emit(regrouped, bind || value.uses > 1);
      if (bind || value.uses > 1) this.#name(value, sum);
      return sum;
    }
    if (this.#isBranch(value)) {
      this.#branch([value]);
      return this.#emit(value);
    }
    const result = this.#syntax.expression(
      expr,
      value.operands.map((operand) => this.#emit(operand)),
    );
    return bind || value.uses > 1 ? this.#bind(value, result) : result;
  }

  #bind(value: Value, result: V): V {
    const { dtype } = value.expr;
    const name = this.name(this.#syntax.hint(value.expr));
    this.line(this.#syntax.define(name, dtype, result));
    const reference = this.#syntax.reference(name, dtype);
    this.#name(value, reference);
    return reference;
  }

  // Loads of the side not taken may be out of range, so a select around loads is a branch.
  #isBranch({ expr, operands: [, ...arms] }: Value): boolean {
    if (expr.kind !== "select" || arms.every((arm) => arm.buffers === 0)) return false;
    return this.#syntax.safeLoads !== true || !arms.every((arm) => arm.buffers === 0 || isPlainLoad(arm));
  }

  /** Whether a value is to be a branch in this scope, and not one around it. */
  #branchesHere(value: Value): boolean {
    return this.#isBranch(value) && this.#named(value.id) === undefined && this.#depth(value) === this.#scopes.length - 1;
  }

  /** Names selects of one condition. */
  #branch(values: readonly Value[]): void {
    const test = this.#emit(operandOf(values[0], 0));
    const named = values.map((value) => {
      const { dtype } = value.expr;
      const name = this.name(this.#syntax.hint(value.expr));
      this.line(this.#syntax.declare(name, dtype));
      return { value, dtype, name };
    });
    // Both arms first: what they hoist must stand before the branch, not inside it.
    const [first = [], second = []] = [1, 2].map((arm) => {
      this.open(true);
      for (const { value, dtype, name } of named) this.line(this.#syntax.assign(name, dtype, this.#emit(operandOf(value, arm))));
      return this.close();
    });
    this.line(...this.#syntax.branch(test, first, second));
    for (const { value, dtype, name } of named) this.#name(value, this.#syntax.reference(name, dtype));
  }

  // Orders the terms of an index sum by the loop they vary in, so that the outer part is a value of the outer loop. Integers only: exact.
  #regroup(value: Value): Value | undefined {
    // Of two terms there is nothing to order.
    if (!isSum(value.expr) || !value.operands.some(({ expr }) => isSum(expr))) return undefined;
    const terms: Value[] = [];
    let offset = 0;
    const flatten = (v: Value): void => {
      if (v.expr.kind === "const") offset += v.expr.value;
      else if (isSum(v.expr) && this.#named(v.id) === undefined) v.operands.forEach(flatten);
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

/** What languages with braces have in common, where values and statements are lines of text. */
export const BRACES = {
  assign: (name, _dtype, text) => `${name} = ${text};`,
  reference: (name) => name,
  branch: (condition, yes, no) => [`if (${condition}) {`, ...indented(yes), "} else {", ...indented(no), "}"],
} as const satisfies Partial<Syntax>;

export const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

const isPlainLoad = ({ expr, operands: [index] }: Value): boolean => expr.kind === "load" && index?.buffers === 0;

const isSum = (expr: Expr): boolean => expr.kind === "binary" && expr.op === ("add" satisfies BinaryOp) && expr.dtype === "i32";

function operandOf(value: Value | undefined, index: number): Value {
  const operand = value?.operands[index];
  if (!operand) throw new InternalError("malformed select");
  return operand;
}

/** Whether a value has one of these among what it is computed from. */
function isMadeOf(value: Value, those: readonly Value[]): boolean {
  const seen = new Set<Value>();
  const visit = (part: Value): boolean => {
    if (seen.has(part)) return false;
    seen.add(part);
    return those.includes(part) || part.operands.some(visit);
  };
  return value.operands.some(visit);
}

const newScope = <V, S>(guarded: boolean): Scope<V, S> => ({ lines: [], guarded });
