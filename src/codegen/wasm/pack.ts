// Operands of a matrix product on their way to the micro-kernel: panels of a few rows or columns, step by step of k, in the order in which
// they will be read. Operands are expressions, so a convolution's patches are cut out of the image here and never stored as a matrix.

import { axis, binary, int, type Expr } from "../../ir/loop/expr.ts";
import type { Axis } from "../../ir/loop/kernel.ts";
import { boundsOf } from "../../ir/loop/index-math.ts";
import { mentions, strideAlong, substituter } from "../axes.ts";
import { loadsOf } from "../../ir/loop/loads.ts";
import { Expressions } from "./expressions.ts";
import { WasmFunction } from "./function.ts";
import { cutsOf, splitAt } from "./split-axes.ts";
import { hasLoad } from "./operations.ts";
import type { Unit } from "./unit.ts";
import { present, type Value } from "./values.ts";

export interface Operand {
  readonly expr: Expr;
  /** The axis that panels are slices of. */
  readonly along: Axis;
  /** Rows or columns of a panel. */
  readonly width: 4 | 8;
}

export const PACK_PARAMS = ["args", "time", "batch", "k0", "k1", "t0", "t1", "to"] as const;

/** Strides that cut k, none above `limit`. */
export const cutsOfK = (k: Axis, expr: Expr, limit: number): number[] => cutsOf(k, [expr]).filter((cut) => cut <= limit);

/** How far below and above its buffers garbage may be read for rows and columns that are not there. */
const MOST_BESIDE = 1 << 16;

/**
 * The function that packs panels `t0` to `t1` for steps `k0` to `k1` of k, both multiples of the last cut: at `to`, panel after panel, `width` floats for each step.
 */
export function packFunction(
  name: string,
  { expr, along, width }: Operand,
  k: Axis,
  cuts: readonly number[],
  unit: Unit,
  time?: Axis,
): string {
  const split = splitAt(k, cuts);
  const rounded = Math.ceil(along.extent / width) * width;
  const wide = axis(along.name, rounded);
  const withK = substituter(new Map([[k.name, split.value]]));
  const widened = withK(substituter(new Map([[along.name, wide]]))(expr));
  const isExact = rounded === along.extent;
  const operand =
    isExact || loadsOf([widened]).every((load) => isNear(load, unit))
      ? widened
      : withK(substituter(new Map([[along.name, binary("min", wide, int(along.extent - 1))]]))(expr));
  const inner = split.axes.at(-1);
  const isAlongK = inner !== undefined && inner.extent >= 4 && prefersK(operand, along, inner.name);
  return new Packer({ name, operand, along, width, step: cuts.at(-1) ?? 1, axes: split.axes, unit, time }).print(isAlongK);
}

function isNear({ buffer, index }: Extract<Expr, { kind: "load" }>, unit: Unit): boolean {
  const length = unit.params[buffer]?.length ?? 0;
  const bounds = boundsOf(index);
  if (!bounds || length === 0 || hasLoad(index)) return false;
  const beside = 4 * Math.max(0, -bounds[0], bounds[1] + 1 - length);
  if (beside > MOST_BESIDE) return false;
  unit.margin = Math.max(unit.margin, beside + 16);
  return true;
}

// Whether memory lies along k rather than along the panel.
function prefersK(expr: Expr, along: Axis, innerK: string): boolean {
  const cut = splitAt(along, cutsOf(along, [expr]));
  const innermost = cut.axes.at(-1);
  const loads = loadsOf([substituter(new Map([[along.name, cut.value]]))(expr)]);
  const isContiguous = (name: string): boolean => loads.some(({ index }) => strideAlong(index, name) === 1);
  if (innermost && innermost.extent >= 4 && isContiguous(innermost.name)) return false;
  return isContiguous(innerK);
}

interface Plan {
  readonly name: string;
  readonly operand: Expr;
  readonly along: Axis;
  readonly width: 4 | 8;
  /** Steps of k to one step of the outermost of `axes`. */
  readonly step: number;
  /** The loops that k is cut into, outermost first. */
  readonly axes: readonly Axis[];
  readonly unit: Unit;
  readonly time: Axis | undefined;
}

class Packer {
  readonly #plan: Plan;
  readonly #f: WasmFunction;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#f = new WasmFunction(plan.name, PACK_PARAMS);
  }

  print(isAlongK: boolean): string {
    const { width } = this.#plan;
    const f = this.#f;
    const v = f.values;
    const rows = v.binary("i32.sub", f.param("k1"), f.param("k0"));
    f.loop(f.param("t0"), f.param("t1"), 1, (t) => {
      const panel = v.binary("i32.mul", v.binary("i32.sub", t, f.param("t0")), v.mul(rows, 4 * width));
      const to = v.sum([f.param("to"), panel, v.binary("i32.sub", v.i32(0), v.mul(f.param("k0"), 4 * width))]);
      const first = v.mul(t, width);
      if (isAlongK) this.#alongK(first, to);
      else this.#alongPanel(first, to);
    });
    return f.text();
  }

  #expressions(loops: ReadonlyMap<string, Value>, along: Value, lane: string): Expressions {
    const {
      time,
      along: { name },
    } = this.#plan;
    const axes = new Map([...loops, [name, along], ["b", this.#f.param("batch")]]);
    if (time) axes.set(time.name, this.#f.param("time"));
    return new Expressions(this.#f, this.#plan.unit, { axes, lane });
  }

  // One loop of k: the outermost between the given steps, the others all the way.
  #loop(part: Axis, step: number, body: (x: Value) => void): void {
    const f = this.#f;
    const v = f.values;
    if (part !== this.#plan.axes[0]) return f.loop(v.i32(0), v.i32(part.extent), step, body);
    const at = (param: string): Value =>
      this.#plan.step === 1 ? f.param(param) : v.binary("i32.div_u", f.param(param), v.i32(this.#plan.step));
    f.loop(at("k0"), at("k1"), step, body);
  }

  /** Where step k goes, given the loops that make it up. */
  #row(loops: ReadonlyMap<string, Value>, to: Value): Value {
    const { axes, width } = this.#plan;
    const v = this.#f.values;
    let stride = 4 * width;
    const terms: Value[] = [to];
    for (const { name, extent } of [...axes].reverse()) {
      terms.push(v.mul(present(loops.get(name)), stride));
      stride *= extent;
    }
    return v.sum(terms);
  }

  #alongPanel(first: Value, to: Value): void {
    const { axes, operand, along, width } = this.#plan;
    const v = this.#f.values;
    // What a guard asks about comes outside: its answer holds for all of the rest.
    const guards = conditionsOf(operand);
    const order = [...axes].sort((a, b) => Number(mentions(guards, b.name)) - Number(mentions(guards, a.name)));
    const nest = (rest: readonly Axis[], loops: ReadonlyMap<string, Value>): void => {
      const [part, ...others] = rest;
      if (part) return this.#loop(part, 1, (x) => nest(others, new Map([...loops, [part.name, x]])));
      const row = this.#row(loops, to);
      for (let half = 0; half < width / 4; half++) {
        const value = this.#expressions(loops, v.add(first, v.i32(4 * half)), along.name).vector(operand);
        this.#f.do(`v128.store offset=${String(16 * half)}`, row, value);
      }
    };
    nest(order, new Map());
  }

  // Four steps of k at a time, turned.
  #alongK(first: Value, to: Value): void {
    const { axes, operand, width } = this.#plan;
    const f = this.#f;
    const v = f.values;
    const inner = present(axes.at(-1));
    const nest = (rest: readonly Axis[], loops: ReadonlyMap<string, Value>): void => {
      const [part, ...others] = rest;
      if (!part) return;
      const isInner = part === inner;
      this.#loop(part, isInner ? 4 : 1, (x) => {
        if (!isInner) return nest(others, new Map([...loops, [part.name, x]]));
        // Where four do not fit any more, the last four again.
        const end = part === axes[0] ? v.add(f.param("k1"), v.i32(-4)) : v.i32(part.extent - 4);
        const isExact = part !== axes[0] && part.extent % 4 === 0;
        const start = isExact ? x : v.make("select", "i32", [x, end, v.binary("i32.lt_s", x, end)]);
        const all = new Map([...loops, [part.name, start]]);
        const row = this.#row(all, to);
        for (let quad = 0; quad < width / 4; quad++) {
          const values = [0, 1, 2, 3].map((i) => this.#expressions(all, v.add(first, v.i32(4 * quad + i)), part.name).vector(operand));
          transposed(v, values).forEach((value, i) => f.do(`v128.store offset=${String(4 * width * i + 16 * quad)}`, row, value));
        }
      });
    };
    nest(axes, new Map());
  }
}

/** Four rows of four to four columns. */
export function transposed(v: WasmFunction["values"], rows: readonly Value[]): Value[] {
  const [a, b, c, d] = rows.map(present);
  const shuffle = (x: Value | undefined, y: Value | undefined, words: readonly number[]): Value =>
    v.make("i8x16.shuffle", "v128", [present(x), present(y)], words.flatMap((word) => [0, 1, 2, 3].map((i) => 4 * word + i)).join(" "));
  const low = [0, 4, 1, 5];
  const high = [2, 6, 3, 7];
  const [abLow, abHigh, cdLow, cdHigh] = [shuffle(a, b, low), shuffle(a, b, high), shuffle(c, d, low), shuffle(c, d, high)];
  const [front, back] = [
    [0, 1, 4, 5],
    [2, 3, 6, 7],
  ] as const;
  return [shuffle(abLow, cdLow, front), shuffle(abLow, cdLow, back), shuffle(abHigh, cdHigh, front), shuffle(abHigh, cdHigh, back)];
}

function conditionsOf(expr: Expr): Expr[] {
  switch (expr.kind) {
    case "select":
      return [expr.cond, ...conditionsOf(expr.x), ...conditionsOf(expr.y)];
    case "unary":
    case "cast":
      return conditionsOf(expr.x);
    case "binary":
      return [...conditionsOf(expr.x), ...conditionsOf(expr.y)];
    default:
      return [];
  }
}
