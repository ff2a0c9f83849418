// The gradient of a convolution's input where the filter moves by more than one: most taps of a place meet nothing, the same ones at every
// second row and column (or third, …). Those places are a phase; each phase is a product of its own over the taps that meet something.

import { add, axis, div, int, mul, operands, rem, type Expr } from "../../ir/loop/expr.ts";
import type { Kernel } from "../../ir/loop/kernel.ts";
import { mapExpressions } from "../../ir/loop/map-expr.ts";
import { mentions, substituter, termsOf } from "../axes.ts";
import { problemOf, type Problem } from "../problem.ts";
import { PRODUCT_HELPERS, productOf } from "./contract.ts";
import { decided } from "./decided.ts";
import { runHead, RUN_PARAMS } from "./loops.ts";
import { cutsOf } from "./split-axes.ts";
import type { Scheduled, Unit } from "./unit.ts";

/** The schedule, where the contraction is such a gradient; else undefined. */
export function compilePhases(problem: Problem, unit: Unit): Scheduled | undefined {
  const parts = phasesOf(problem)?.map((kernel, i) => productOf(problemOf(kernel), unit, `_${String(i)}`));
  if (!parts) return undefined;
  const units = parts.reduce((sum, part) => sum + part.units, 0);
  let end = 0;
  const calls = parts.map((part, i) => {
    const begin = end;
    end += part.units;
    const number = (value: number): string => `(i32.const ${String(value)})`;
    // Each packs its left operand anew: what lies in the scratch memory may be another phase's.
    const args: ReadonlyMap<string, string> = new Map([
      ["begin", `(i32.sub (local.get $from) ${number(begin)})`],
      ["end", `(i32.sub (local.get $to) ${number(begin)})`],
      ["first", number(1)],
    ]);
    return `  (local.set $from (select (local.get $begin) ${number(begin)} (i32.gt_s (local.get $begin) ${number(begin)})))
  (local.set $to (call $least (local.get $end) ${number(end)}))
  (if (i32.lt_s (local.get $from) (local.get $to)) (then
    (call $run_${String(i)} ${RUN_PARAMS.map((name) => args.get(name) ?? `(local.get $${name})`).join(" ")})))`;
  });
  const most = (of: (part: Scheduled) => number | undefined): number => Math.max(...parts.map((part) => of(part) ?? 0));
  return {
    text: [
      PRODUCT_HELPERS,
      ...parts.map(({ text }) => text),
      `${runHead()} (local $from i32) (local $to i32)`,
      `${calls.join("\n")})`,
    ].join("\n"),
    units,
    grain: most(({ grain }) => grain),
    piece: most(({ piece }) => piece),
    scratchBytes: most(({ scratchBytes }) => scratchBytes),
  };
}

/** Of one direction: how far the filter moves, how far apart its taps are, and its first tap's place over the first element. */
interface Step {
  readonly stride: number;
  readonly dilation: number;
  readonly padding: number;
}

/** The phases' own products, over n = (image, row, column) of the phase and k = (channel, tap row, tap column) of what meets something. */
function phasesOf({ kernel, stage, b, m, n, k }: Problem): Kernel[] | undefined {
  if (kernel.time || b !== 1) return undefined;
  const [lanes, area = n, ...more] = cutsOf({ name: "n", extent: n }, [stage.rhs]);
  const [tapColumns, taps = k, ...others] = cutsOf(stage.k, [stage.lhs, stage.rhs]);
  if (lanes === undefined || tapColumns === undefined || more.length > 0 || others.length > 0) return undefined;
  const [images, height, width] = [n / area, area / lanes, lanes];
  const [channels, tapRows] = [k / taps, taps / tapColumns];
  const place = (image: Expr, y: Expr, x: Expr): Expr => add(add(mul(image, int(area)), mul(y, int(width))), x);
  const tap = (channel: Expr, i: Expr, j: Expr): Expr => add(add(mul(channel, int(taps)), mul(i, int(tapColumns))), j);
  const whole = substituter(
    new Map([
      ["n", place(axis("image", images), axis("y", height), axis("x", width))],
      [stage.k.name, tap(axis("channel", channels), axis("i", tapRows), axis("j", tapColumns))],
    ]),
  )(stage.rhs);
  const [down, across] = [stepOf(whole, "y", "i"), stepOf(whole, "x", "j")];
  if (!down || !across || down.stride * across.stride === 1) return undefined;
  const [rows, columns] = [tapsOfPhases(down, tapRows), tapsOfPhases(across, tapColumns)];
  if (!rows || !columns || height < down.stride || width < across.stride) return undefined;
  return rows.flatMap((ofRows, top) =>
    columns.map((ofColumns, left): Kernel => {
      const [h, w] = [Math.ceil((height - top) / down.stride), Math.ceil((width - left) / across.stride)];
      const [position, t] = [axis("n", images * h * w), axis(stage.k.name, channels * ofRows.count * ofColumns.count)];
      const at = (x: Expr, scale: number, by: number): Expr => add(mul(x, int(scale)), int(by));
      const perChannel = ofRows.count * ofColumns.count;
      const inPhase = substituter(
        new Map([
          ["image", div(position, int(h * w))],
          ["y'", rem(div(position, int(w)), int(h))],
          ["x'", rem(position, int(w))],
          ["channel", div(t, int(perChannel))],
          ["i'", rem(div(t, int(ofColumns.count)), int(ofRows.count))],
          ["j'", rem(t, int(ofColumns.count))],
        ]),
      );
      // First by variables of their own, so that what no tap of the phase depends on is seen.
      const split = substituter(
        new Map([
          ["n", place(axis("image", images), at(axis("y'", h), down.stride, top), at(axis("x'", w), across.stride, left))],
          [
            stage.k.name,
            tap(
              axis("channel", channels),
              at(axis("i'", ofRows.count), ofRows.apart, ofRows.first),
              at(axis("j'", ofColumns.count), ofColumns.apart, ofColumns.first),
            ),
          ],
        ]),
      );
      const change = (expr: Expr): Expr => inPhase(decided(split(expr)));
      return {
        ...kernel,
        axes: [
          { name: "b", extent: 1 },
          { name: "m", extent: m },
          { name: "n", extent: images * h * w },
        ],
        stages: kernel.stages.map((it) => {
          const changed = mapExpressions(it, change);
          return changed.kind === "contract" ? { ...changed, k: { name: stage.k.name, extent: channels * perChannel } } : changed;
        }),
      };
    }),
  );
}

/** What `expr` asks of a place and a tap: `(place + padding - dilation * tap) % stride == 0`. Stride 1 where it asks nothing. */
function stepOf(expr: Expr, place: string, tap: string): Step | undefined {
  const seen = new Set<Expr>();
  const steps: (Step | undefined)[] = [];
  const visit = (x: Expr): void => {
    if (seen.has(x)) return;
    seen.add(x);
    if (x.kind === "binary" && x.op === "rem" && x.y.kind === "const" && mentions([x.x], place)) {
      const factors = new Map(termsOf(x.x).map(([scale, factor]) => [factor?.kind === "axis" ? factor.name : factor ? "?" : "", scale]));
      const isStep = [...factors.keys()].every((name) => name === place || name === tap || name === "") && factors.get(place) === 1;
      steps.push(isStep ? { stride: x.y.value, dilation: -(factors.get(tap) ?? 0), padding: factors.get("") ?? 0 } : undefined);
    }
    operands(x).forEach(visit);
  };
  visit(expr);
  const [first, ...others] = steps;
  if (steps.length === 0) return { stride: 1, dilation: 1, padding: 0 };
  const isOne = others.every(
    (step) => step?.stride === first?.stride && step?.dilation === first?.dilation && step?.padding === first?.padding,
  );
  return isOne ? first : undefined;
}

interface Taps {
  readonly first: number;
  readonly apart: number;
  readonly count: number;
}

/** The taps that meet something, phase by phase; undefined where there is a phase without any. */
function tapsOfPhases({ stride, dilation, padding }: Step, count: number): Taps[] | undefined {
  const phases = Array.from({ length: stride }, (_, phase): Taps | undefined => {
    const met = Array.from({ length: count }, (__, tap) => tap).filter((tap) => (phase + padding - dilation * tap) % stride === 0);
    const [first, second] = met;
    return first === undefined ? undefined : { first, apart: second === undefined ? 1 : second - first, count: met.length };
  });
  return phases.every((taps) => taps !== undefined) ? phases : undefined;
}
