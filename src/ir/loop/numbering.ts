// Expressions by structure: equal trees have equal numbers, so that equality of large expressions is that of two numbers.

import { isLeaf, type Expr } from "./expr-type.ts";
import { Triples } from "./triples.ts";

/** By what an expression is and its type. */
const TAGS = new Map<string, Map<string, number>>();
let tags = 0;

function tagOf(what: string, type: string): number {
  let types = TAGS.get(what);
  if (!types) TAGS.set(what, (types = new Map<string, number>()));
  let tag = types.get(type);
  if (tag === undefined) types.set(type, (tag = tags++));
  return tag;
}

/** Numbers expressions by structure; shared subtrees are visited once. Compilers ask for millions: what is looked up are numbers, and no text is made. */
export function createNumbering(): (expr: Expr) => number {
  const byIdentity = new Map<Expr, number>();
  // By what the expression is, and by the numbers that it has or that its operands have.
  const byStructure = new Triples();
  const leaves = new Map<string | number, number>();
  let pairs: Triples | undefined;

  const leaf = (is: string | number): number => {
    let id = leaves.get(is);
    if (id === undefined) leaves.set(is, (id = leaves.size));
    return id;
  };
  const pair = (x: Expr, y: Expr): number => (pairs ??= new Triples()).number(0, number(x), number(y));

  const numberNew = (expr: Expr): number => {
    switch (expr.kind) {
      case "const":
        return byStructure.number(tagOf(Object.is(expr.value, -0) ? "const -0" : "const", expr.dtype), leaf(expr.value), 0);
      case "axis":
        return byStructure.number(tagOf("axis", expr.dtype), leaf(expr.name), leaf(expr.extent));
      case "load":
        return byStructure.number(tagOf("load", expr.dtype), expr.buffer, number(expr.index));
      case "acc":
        return byStructure.number(tagOf("acc", expr.dtype), expr.stage, 0);
      case "unary":
        return byStructure.number(tagOf(expr.op, expr.dtype), number(expr.x), 0);
      case "cast":
        return byStructure.number(tagOf("cast", expr.dtype), number(expr.x), 0);
      case "binary":
        return byStructure.number(tagOf(expr.op, expr.dtype), number(expr.x), number(expr.y));
      case "select":
        return byStructure.number(tagOf("select", expr.dtype), pair(expr.cond, expr.x), number(expr.y));
      case "threefry":
        return byStructure.number(tagOf("threefry", expr.dtype), pair(expr.k0, expr.k1), pair(expr.c0, expr.c1));
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
