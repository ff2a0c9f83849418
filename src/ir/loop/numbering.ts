// Expressions by structure: equal trees have equal numbers, so that equality of large expressions is that of two numbers.

import { InternalError } from "../types.ts";
import { isLeaf, type Expr } from "./expr-type.ts";

/** Numbers up to which two make a key that a float64 holds exactly. */
const RADIX = 2 ** 26;

const pair = (x: number, y: number): number => x * RADIX + y;

/** Numbers expressions by structure; shared subtrees are visited once. Compilers ask for millions: the keys are numbers, and no text is made. */
export function createNumbering(): (expr: Expr) => number {
  const byIdentity = new Map<Expr, number>();
  // By what the expression is, by its type or name, and by the numbers that it has or that its operands have.
  const byStructure = new Map<string, Map<string, Map<number, number>>>();
  const pairs = new Map<number, number>();
  let next = 0;

  const intern = (what: string, type: string, key: number): number => {
    let types = byStructure.get(what);
    if (!types) byStructure.set(what, (types = new Map<string, Map<number, number>>()));
    let keys = types.get(type);
    if (!keys) types.set(type, (keys = new Map<number, number>()));
    let id = keys.get(key);
    if (id === undefined) {
      id = next++;
      if (id >= RADIX) throw new InternalError("too many expressions to number");
      keys.set(key, id);
    }
    return id;
  };
  const pairNumber = (x: number, y: number): number => {
    const key = pair(x, y);
    let id = pairs.get(key);
    if (id === undefined) pairs.set(key, (id = pairs.size));
    return id;
  };

  const numberNew = (expr: Expr): number => {
    switch (expr.kind) {
      case "const":
        return intern(Object.is(expr.value, -0) ? "const -0" : "const", expr.dtype, expr.value);
      case "axis":
        return intern("axis", expr.name, expr.extent);
      case "load":
        return intern("load", expr.dtype, pair(expr.buffer, number(expr.index)));
      case "acc":
        return intern("acc", expr.dtype, expr.stage);
      case "unary":
        return intern(expr.op, expr.dtype, number(expr.x));
      case "cast":
        return intern("cast", expr.dtype, number(expr.x));
      case "binary":
        return intern(expr.op, expr.dtype, pair(number(expr.x), number(expr.y)));
      case "select":
        return intern("select", expr.dtype, pair(pairNumber(number(expr.cond), number(expr.x)), number(expr.y)));
      case "threefry":
        return intern(
          "threefry",
          expr.dtype,
          pair(pairNumber(number(expr.k0), number(expr.k1)), pairNumber(number(expr.c0), number(expr.c1))),
        );
      default:
        return expr satisfies never;
    }
  };
  const number = (expr: Expr): number => {
    if (isLeaf(expr)) return numberNew(expr);
    let id = byIdentity.get(expr);
    if (id === undefined) byIdentity.set(expr, (id = numberNew(expr)));
    return id;
  };
  return number;
}
