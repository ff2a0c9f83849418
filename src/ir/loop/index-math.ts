// Simplification of index arithmetic: quotients and remainders of sums of scaled loop variables by constants. Reshapes and
// flattened axes produce chains of these; knowing each variable's extent removes most of them.
//   (4*i + j) / 4  -> i     and   (4*i + j) % 4  -> j               for 0 <= j < 4
//   (4*i + j) / 12 -> i/3   and   (4*i + j) % 12 -> 4*(i%3) + j
// What is divided is never negative where the result counts (a select guards it elsewhere), so that truncation and floor agree.

import type { Expr } from "./expr-type.ts";
import { createNumbering } from "./numbering.ts";

interface Term {
  readonly coefficient: number;
  readonly factor: Expr;
}

interface Sum {
  readonly terms: readonly Term[];
  readonly offset: number;
}

// Integers have one zero: + 0 makes it of -0.
const int = (value: number): Expr => Object.freeze({ kind: "const", dtype: "i32", value: value + 0 });

/** Inclusive bounds of an index expression, or undefined where they are not known. */
export function boundsOf(expr: Expr): readonly [number, number] | undefined {
  if (expr.kind === "const") return [expr.value, expr.value];
  if (expr.kind === "axis") return [0, expr.extent - 1];
  if (expr.kind !== "binary" || expr.dtype !== "i32") return undefined;
  const x = boundsOf(expr.x);
  const y = boundsOf(expr.y);
  if (!x || !y) return clampBounds(expr);
  switch (expr.op) {
    case "add":
      return [x[0] + y[0], x[1] + y[1]];
    case "sub":
      return [x[0] - y[1], x[1] - y[0]];
    case "mul": {
      const products = [x[0] * y[0], x[0] * y[1], x[1] * y[0], x[1] * y[1]];
      return [Math.min(...products), Math.max(...products)];
    }
    case "div":
      return y[0] === y[1] && y[0] > 0 && x[0] >= 0 ? [Math.floor(x[0] / y[0]), Math.floor(x[1] / y[0])] : undefined;
    case "rem":
      return y[0] === y[1] && y[0] > 0 && x[0] >= 0 ? [0, Math.min(x[1], y[0] - 1)] : undefined;
    case "min":
      return [Math.min(x[0], y[0]), Math.min(x[1], y[1])];
    case "max":
      return [Math.max(x[0], y[0]), Math.max(x[1], y[1])];
    default:
      return undefined;
  }
}

/** Of what may be anything, held between two numbers from both sides: `min(max(x, 0), 9)` and the like. */
function clampBounds(expr: Extract<Expr, { kind: "binary" }>): readonly [number, number] | undefined {
  const inner = expr.x;
  if (inner.kind !== "binary") return undefined;
  const [outside, inside] = [boundsOf(expr.y), boundsOf(inner.y)];
  if (!outside || !inside) return undefined;
  if (expr.op === "min" && inner.op === "max") return [Math.min(inside[0], outside[0]), outside[1]];
  if (expr.op === "max" && inner.op === "min") return [outside[0], Math.max(inside[1], outside[1])];
  return undefined;
}

function sumOf(expr: Expr, scale = 1): Sum {
  if (expr.kind === "const") return { terms: [], offset: expr.value * scale };
  if (expr.kind === "binary") {
    if (expr.op === "add" || expr.op === "sub") {
      const x = sumOf(expr.x, scale);
      const y = sumOf(expr.y, expr.op === "add" ? scale : -scale);
      return { terms: [...x.terms, ...y.terms], offset: x.offset + y.offset };
    }
    if (expr.op === "mul" && expr.y.kind === "const") return sumOf(expr.x, scale * expr.y.value);
    if (expr.op === "mul" && expr.x.kind === "const") return sumOf(expr.y, scale * expr.x.value);
  }
  return { terms: [{ coefficient: scale, factor: expr }], offset: 0 };
}

function fromSum(sum: Sum): Expr {
  let result: Expr | undefined;
  const plus = (term: Expr): void => {
    result = result === undefined ? term : Object.freeze({ kind: "binary", dtype: "i32", op: "add", x: result, y: term });
  };
  for (const { coefficient, factor } of sum.terms) {
    if (coefficient === 0) continue;
    plus(coefficient === 1 ? factor : Object.freeze({ kind: "binary", dtype: "i32", op: "mul", x: factor, y: int(coefficient) }));
  }
  if (sum.offset !== 0 || result === undefined) plus(int(sum.offset));
  return result ?? int(0);
}

// Splits a sum into the part divisible by `divisor` (already divided) and the rest.
function splitBy(sum: Sum, divisor: number): readonly [Sum, Sum] {
  const multiples = sum.terms.filter((t) => t.coefficient % divisor === 0);
  const rest = sum.terms.filter((t) => t.coefficient % divisor !== 0);
  const low = ((sum.offset % divisor) + divisor) % divisor;
  return [
    { terms: multiples.map((t) => ({ coefficient: t.coefficient / divisor, factor: t.factor })), offset: (sum.offset - low) / divisor },
    { terms: rest, offset: low },
  ];
}

const isZero = ({ terms, offset }: Sum): boolean => terms.length === 0 && offset === 0;

const isWithin = (expr: Expr, divisor: number): boolean => {
  const bounds = boundsOf(expr);
  return bounds !== undefined && bounds[0] >= 0 && bounds[1] < divisor;
};

const greatestCommonDivisor = (x: number, y: number): number => (y === 0 ? Math.abs(x) : greatestCommonDivisor(y, x % y));

/** The sum as `factor * high + low` with 0 <= low < factor. */
interface Factored {
  readonly factor: number;
  readonly high: Sum;
  readonly low: Sum;
}

// The largest divisor of `divisor` that divides some of the terms while the others stay below it: what is less than a whole `factor` has
// no part in dividing by a multiple of it. Coarser is better, since less is left to divide.
function factorFor(sum: Sum, divisor: number): Factored | undefined {
  const factors = [...new Set(sum.terms.map(({ coefficient }) => greatestCommonDivisor(coefficient, divisor)))];
  for (const factor of factors.length > 1 ? factors.sort((x, y) => y - x) : factors) {
    if (factor === 1) break;
    const [high, low] = splitBy(sum, factor);
    if (isWithin(fromSum(low), factor)) return { factor, high, low };
  }
  return undefined;
}

/** `x / divisor`, or undefined when nothing simpler is known. */
export function divideIndex(x: Expr, divisor: number): Expr | undefined {
  if (divisor === 1) return x;
  if (divisor <= 0) return undefined;
  if (isWithin(x, divisor)) return int(0);
  const sum = sumOf(x);
  const [quotient, rest] = splitBy(sum, divisor);
  const remainder = fromSum(rest);
  if (isWithin(remainder, divisor)) return fromSum(quotient);
  // (a*q + r) / a -> q + r/a
  if (!isZero(quotient) && (boundsOf(remainder)?.[0] ?? -1) >= 0) {
    const small: Expr =
      divideIndex(remainder, divisor) ?? Object.freeze({ kind: "binary", dtype: "i32", op: "div", x: remainder, y: int(divisor) });
    return fromSum({ terms: [...quotient.terms, ...sumOf(small).terms], offset: quotient.offset + sumOf(small).offset });
  }
  // (a*x + r) / (a*b) -> x/b for 0 <= r < a
  const factored = factorFor(sum, divisor);
  if (factored) return fromDivRem({ x: fromSum(factored.high), divisor: divisor / factored.factor, modulus: Infinity });
  // (x % (a*b)) / b -> (x / b) % a
  if (x.kind === "binary" && x.op === "rem" && x.y.kind === "const" && x.y.value % divisor === 0)
    return fromDivRem({ x: x.x, divisor, modulus: x.y.value / divisor });
  // (x / a) / b -> x / (a*b)
  if (x.kind === "binary" && x.op === "div" && x.y.kind === "const") {
    const both = x.y.value * divisor;
    return divideIndex(x.x, both) ?? Object.freeze({ kind: "binary", dtype: "i32", op: "div", x: x.x, y: int(both) });
  }
  return undefined;
}

/** `x % divisor`, or undefined when nothing simpler is known. */
export function moduloIndex(x: Expr, divisor: number): Expr | undefined {
  if (divisor === 1) return int(0);
  if (divisor <= 0) return undefined;
  if (isWithin(x, divisor)) return x;
  const sum = sumOf(x);
  const [quotient, rest] = splitBy(sum, divisor);
  const remainder = fromSum(rest);
  if (isWithin(remainder, divisor)) return remainder;
  if (!isZero(quotient) && (boundsOf(remainder)?.[0] ?? -1) >= 0) {
    return moduloIndex(remainder, divisor) ?? Object.freeze({ kind: "binary", dtype: "i32", op: "rem", x: remainder, y: int(divisor) });
  }
  // (a*x + r) % (a*b) -> a*(x % b) + r for 0 <= r < a
  const factored = factorFor(sum, divisor);
  if (factored) {
    const { factor, high, low } = factored;
    const digit = sumOf(fromDivRem({ x: fromSum(high), divisor: 1, modulus: divisor / factor }), factor);
    return fromSum({ terms: [...digit.terms, ...low.terms], offset: digit.offset + low.offset });
  }
  // (x % (a*b)) % b -> x % b
  if (x.kind === "binary" && x.op === "rem" && x.y.kind === "const" && x.y.value % divisor === 0)
    return moduloIndex(x.x, divisor) ?? Object.freeze({ kind: "binary", dtype: "i32", op: "rem", x: x.x, y: int(divisor) });
  return undefined;
}

interface DivRem {
  readonly x: Expr;
  /** The term is (x / divisor) % modulus; 1 and Infinity where there is none. */
  readonly divisor: number;
  readonly modulus: number;
}

function asDivRem(expr: Expr): DivRem {
  if (expr.kind === "binary" && expr.y.kind === "const") {
    if (expr.op === "div") return { x: expr.x, divisor: expr.y.value, modulus: Infinity };
    if (expr.op === "rem") {
      const inner = asDivRem(expr.x);
      return inner.modulus === Infinity ? { ...inner, modulus: expr.y.value } : { x: expr.x, divisor: 1, modulus: expr.y.value };
    }
  }
  return { x: expr, divisor: 1, modulus: Infinity };
}

function fromDivRem({ x, divisor, modulus }: DivRem): Expr {
  const quotient: Expr = divideIndex(x, divisor) ?? Object.freeze({ kind: "binary", dtype: "i32", op: "div", x, y: int(divisor) });
  if (modulus === Infinity) return quotient;
  return moduloIndex(quotient, modulus) ?? Object.freeze({ kind: "binary", dtype: "i32", op: "rem", x: quotient, y: int(modulus) });
}

// The terms less those of `part`, or undefined where one of these is missing.
function without(terms: readonly Term[], part: readonly Term[], number: (expr: Expr) => number): readonly Term[] | undefined {
  const left = [...terms];
  for (const { coefficient, factor } of part) {
    const place = left.findIndex((term) => term.coefficient === coefficient && number(term.factor) === number(factor));
    if (place < 0) return undefined;
    left.splice(place, 1);
  }
  return left;
}

// The number whose digits below and above `radix` are `low` and `high`; undefined where they are not those of one number.
//   x/d % m  and  x/(d*m)       are digits of x/d
//   x % m    and  y + x/m       are digits of m*y + x, which division by m leaves in this form
function wholeOf(low: DivRem, high: DivRem, number: (expr: Expr) => number): Expr | undefined {
  if (high.divisor === low.divisor * low.modulus && number(high.x) === number(low.x))
    return fromDivRem({ x: low.x, divisor: low.divisor, modulus: Infinity });
  if (high.divisor !== 1) return undefined;
  const above = sumOf(high.x);
  const carried = sumOf(fromDivRem({ x: low.x, divisor: low.divisor * low.modulus, modulus: Infinity }));
  const own = without(above.terms, carried.terms, number);
  if (carried.terms.length === 0 || !own) return undefined;
  const { terms, offset } = sumOf(fromDivRem({ x: low.x, divisor: low.divisor, modulus: Infinity }));
  return fromSum({
    terms: [...own.map((t) => ({ ...t, coefficient: t.coefficient * low.modulus })), ...terms],
    offset: (above.offset - carried.offset) * low.modulus + offset,
  });
}

// (x / m % n) * (m*c) + (x % m) * c  ->  (x % (m*n)) * c: the digits of a number put together again.
function mergeDigits({ terms, offset }: Sum, number: (expr: Expr) => number): Sum | undefined {
  for (const low of terms) {
    const lowDigit = asDivRem(low.factor);
    if (lowDigit.modulus === Infinity) continue;
    for (const high of terms) {
      if (high === low || high.coefficient !== low.coefficient * lowDigit.modulus) continue;
      const highDigit = asDivRem(high.factor);
      const x = wholeOf(lowDigit, highDigit, number);
      if (!x) continue;
      const merged = fromDivRem({ x, divisor: 1, modulus: lowDigit.modulus * highDigit.modulus });
      const whole = sumOf(merged, low.coefficient);
      return { terms: [...terms.filter((t) => t !== low && t !== high), ...whole.terms], offset: offset + whole.offset };
    }
  }
  return undefined;
}

/** The same index with like terms combined and digits merged. */
export function simplifyIndex(expr: Expr): Expr {
  const { terms, offset } = sumOf(expr);
  if (terms.length <= 1) return fromSum({ terms, offset });
  const number = createNumbering();
  const combined = new Map<number, Term>();
  for (const term of terms) {
    const key = number(term.factor);
    combined.set(key, { factor: term.factor, coefficient: term.coefficient + (combined.get(key)?.coefficient ?? 0) });
  }
  let result: Sum = { terms: [...combined.values()], offset };
  for (let merged = mergeDigits(result, number); merged; merged = mergeDigits(result, number)) result = merged;
  return fromSum(result);
}

/** Row-major position of `index` in a tensor of `shape`. */
export function linearize(index: readonly Expr[], shape: readonly number[]): Expr {
  let sum: Expr = int(0);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const scaled = sumOf(index[i] ?? int(0), stride);
    const soFar = sumOf(sum);
    sum = fromSum({ terms: [...scaled.terms, ...soFar.terms], offset: scaled.offset + soFar.offset });
    stride *= shape[i] ?? 1;
  }
  return simplifyIndex(sum);
}

/** The index in a tensor of `shape` at row-major position `position`. */
export function delinearize(position: Expr, shape: readonly number[]): Expr[] {
  const index: Expr[] = [];
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const extent = shape[i] ?? 1;
    index.unshift(extent === 1 ? int(0) : fromDivRem({ x: position, divisor: stride, modulus: i === 0 ? Infinity : extent }));
    stride *= extent;
  }
  return index;
}
