// How an operand of a contraction is read where windows slide over it: found in the expression that lowering and fusion left, which is then one of
// positions in the operand alone. Of a gradient by the input, positions are those of windows that lie over a place.

import { add, axis, int, mul, operands, type Expr } from "../ir/loop/expr.ts";
import type { Axis } from "../ir/loop/kernel.ts";
import { mapOperands } from "../ir/loop/map-expr.ts";
import { mentions, termsOf } from "./axes.ts";

/** In one direction: a loop over places, one over the taps of a window, and what reading at a place means. */
export interface Sliding {
  readonly place: Axis;
  readonly tap: Axis;
  /** What the position in the operand is called. */
  readonly name: string;
  /** Whether windows are turned round: a position is then one of windows, and places are those of the image that windows lie over. */
  readonly isTurned: boolean;
}

/** `stride * place + dilation * tap - padding` is a position, or turned, `place - dilation * tap + padding` is `stride` times a position. */
export interface Window {
  readonly stride: number;
  readonly dilation: number;
  readonly padding: number;
  /** Beside it an operand is zero, which it says itself. */
  readonly limit?: number;
  /** One more than the last position that is read, where nothing limits it. */
  readonly reach: number;
}

/** By how much an index grows with a place and with a tap. */
type Steps = readonly [place: number, tap: number];

/** The window, as the guards of an operand have it; where there are none, as its indices do. */
export function windowOf(guards: readonly Expr[], steps: Steps, sliding: Sliding, along?: number): Window | undefined {
  const { place, tap, isTurned } = sliding;
  const own = guards
    .filter((guard) => mentions([guard], place.name) || mentions([guard], tap.name))
    .map((guard) => guardOf(guard, sliding));
  const known = own.filter((guard) => guard !== undefined);
  if (known.length !== own.length) return undefined;
  const [sum = sumOfSteps(steps, sliding, along)] = known.map((guard) => guard.sum);
  if (!sum) return undefined;
  const stride = isTurned ? (known.find(({ divisor }) => divisor !== undefined)?.divisor ?? 1) : place.extent > 1 ? sum.place : 1;
  const dilation = tap.extent > 1 ? (isTurned ? -sum.tap : sum.tap) : 1;
  const padding = isTurned ? sum.offset : 0 - sum.offset;
  if (stride < 1 || dilation < 1 || padding < 0 || (isTurned && place.extent > 1 && sum.place !== 1)) return undefined;
  // All guards speak of the same position; one that asks for multiples is there where windows move by several.
  const isOne = known.every(
    (guard) =>
      guard.sum.place === sum.place &&
      guard.sum.tap === sum.tap &&
      guard.sum.offset === sum.offset &&
      (guard.divisor === undefined || guard.divisor === stride),
  );
  const isGuarded = (kind: Guard["kind"]): boolean => known.some((guard) => guard.kind === kind);
  if (!isOne || (isTurned && stride > 1 && !isGuarded("multiple"))) return undefined;
  const [places, taps] = [place.extent - 1, (tap.extent - 1) * dilation];
  const [least, most] = isTurned ? [padding - taps, places + padding] : [-padding, places * stride + taps - padding];
  const limit = known.find((guard) => guard.limit !== undefined)?.limit;
  const reach = (isTurned ? Math.floor(most / stride) : most) + 1;
  if ((least < 0 && !isGuarded("least")) || (limit !== undefined && known.some((guard) => (guard.limit ?? limit) !== limit)))
    return undefined;
  return { stride, dilation, padding, reach: Math.max(1, reach), ...(limit !== undefined && { limit }) };
}

interface Guard {
  readonly kind: "least" | "most" | "multiple";
  readonly sum: Sum;
  readonly limit?: number;
  readonly divisor?: number;
}

/** Of a position: how it grows with a place and with a tap, and from where. */
interface Sum {
  readonly place: number;
  readonly tap: number;
  readonly offset: number;
}

function guardOf(guard: Expr, sliding: Sliding): Guard | undefined {
  if (guard.kind !== "binary") return undefined;
  const { op, x, y } = guard;
  if (op === "le" && x.kind === "const" && x.value === 0) return withSum({ kind: "least" }, y, sliding);
  if (op === "lt" && y.kind === "const") {
    const limit = { kind: "most", limit: y.value } as const;
    if (!sliding.isTurned || x.kind !== "binary" || x.op !== "div" || x.y.kind !== "const") return withSum(limit, x, sliding);
    return withSum({ ...limit, divisor: x.y.value }, x.x, sliding);
  }
  if (op !== "eq" || y.kind !== "const" || y.value !== 0 || !sliding.isTurned) return undefined;
  return x.kind === "binary" && x.op === "rem" && x.y.kind === "const"
    ? withSum({ kind: "multiple", divisor: x.y.value }, x.x, sliding)
    : undefined;
}

function withSum(guard: Omit<Guard, "sum">, expr: Expr, { place, tap }: Sliding): Guard | undefined {
  const sum = { place: 0, tap: 0, offset: 0 };
  for (const [scale, factor] of termsOf(expr)) {
    if (factor === undefined) sum.offset += scale;
    else if (factor.kind !== "axis") return undefined;
    else if (factor.name === place.name) sum.place += scale;
    else if (factor.name === tap.name) sum.tap += scale;
    else return undefined;
  }
  return { ...guard, sum };
}

/** Without guards: the least steps that are as these are to each other, or steps over elements that are `along` apart. */
function sumOfSteps([ofPlace, ofTap]: Steps, { place, tap, isTurned }: Sliding, along?: number): Sum | undefined {
  const common = along !== undefined && ofPlace % along === 0 && ofTap % along === 0 ? along : divisorOf(ofPlace, ofTap);
  const sum = { place: ofPlace / common, tap: ofTap / common, offset: 0 };
  const isRight = (place.extent === 1 || sum.place > 0) && (tap.extent === 1 || (isTurned ? sum.tap < 0 : sum.tap > 0));
  return isRight ? sum : undefined;
}

const divisorOf = (x: number, y: number): number => (y === 0 ? Math.max(1, Math.abs(x)) : divisorOf(y, x % y));

/** How an index grows: the first sum in an expression that knows the place or the tap. */
export function stepsIn(expr: Expr, { place, tap }: Pick<Sliding, "place" | "tap">): Steps {
  let found: Steps | undefined;
  const seen = new Set<Expr>();
  const visit = (it: Expr): void => {
    if (found || seen.has(it)) return;
    seen.add(it);
    if (!isSum(it)) return operands(it).forEach(visit);
    let [ofPlace, ofTap] = [0, 0];
    for (const [scale, factor] of termsOf(it)) {
      if (factor?.kind === "axis" && factor.name === place.name) ofPlace += scale;
      else if (factor?.kind === "axis" && factor.name === tap.name) ofTap += scale;
      else if (factor) visit(factor);
    }
    if (ofPlace !== 0 || ofTap !== 0) found ??= [ofPlace, ofTap];
  };
  visit(expr);
  return found ?? [0, 0];
}

const isSum = (expr: Expr): boolean =>
  expr.kind === "axis" || (expr.kind === "binary" && expr.dtype === "i32" && ["add", "sub", "mul"].includes(expr.op));

/** An operand by positions in place of places and taps; undefined where it is not one of those alone. */
export function byPosition(expr: Expr, windows: readonly (readonly [Sliding, Window])[]): Expr | undefined {
  const lost: Expr[] = [];
  const done = new Map<Expr, Expr>();
  const visit = (it: Expr): Expr => {
    const known = done.get(it) ?? (isSum(it) ? summed(it) : mapOperands(it, visit));
    done.set(it, known);
    return known;
  };
  const summed = (it: Expr): Expr => {
    let left = termsOf(it);
    let result: Expr = int(0);
    for (const [sliding, window] of windows) {
      const { place, tap, name, isTurned } = sliding;
      const { stride, dilation, padding, limit, reach } = window;
      const along = (axisName: string): number =>
        left.reduce((sum, [scale, factor]) => (factor?.kind === "axis" && factor.name === axisName ? sum + scale : sum), 0);
      const [ofPlace, ofTap] = [along(place.name), along(tap.name)];
      if (ofPlace === 0 && ofTap === 0) continue;
      const [perPlace, perTap] = isTurned ? [1, -dilation] : [stride, dilation];
      const times = place.extent > 1 ? ofPlace / perPlace : ofTap / perTap;
      if (!Number.isInteger(times) || (tap.extent > 1 && times * perTap !== ofTap)) lost.push(it);
      left = left.filter(([, factor]) => factor?.kind !== "axis" || (factor.name !== place.name && factor.name !== tap.name));
      const position = mul(axis(name, limit ?? reach), int(times * (isTurned ? stride : 1)));
      result = add(result, add(position, int(isTurned ? -times * padding : times * padding)));
    }
    for (const [scale, factor] of left) {
      const term =
        factor === undefined
          ? int(1)
          : isSum(factor) && factor.kind !== "axis"
            ? opaque(factor)
            : factor.kind === "axis"
              ? factor
              : visit(factor);
      result = add(result, mul(term, int(scale)));
    }
    return result;
  };
  // A product of two values that change is no sum: nothing of the kind is an index of a convolution.
  const opaque = (factor: Expr): Expr => {
    lost.push(factor);
    return factor;
  };
  const result = visit(expr);
  return lost.length > 0 ? undefined : result;
}

/** Guards of a condition, one by one. */
export const guardsOf = (cond: Expr): readonly Expr[] =>
  cond.kind === "binary" && cond.op === "and" ? [...guardsOf(cond.x), ...guardsOf(cond.y)] : [cond];

/** Whether an expression is nothing. */
export const isZero = (expr: Expr): boolean => expr.kind === "const" && expr.value === 0;
