// Kernels without a contraction: a loop nest that runs its stages at every point, four points at a time. Lanes go along a parallel axis
// where that is how memory lies, or else along the axes of each stage (rows: the four lanes of a reduction are combined at its end).

import { operands, type Expr, type ScalarType } from "../../ir/loop/expr.ts";
import {
  expressionsOf,
  identityOf,
  type Axis,
  type Kernel,
  type ReduceOp,
  type ReduceStage,
  lengthOf,
  sideBySide,
  type Stage,
  type StoreStage,
} from "../../ir/loop/kernel.ts";
import { mentions, mergeAxes, sizeOfAxes, strideAlong } from "../axes.ts";
import { loadsOf } from "../../ir/loop/loads.ts";
import { interleave, phasedColumns } from "./column-phases.ts";
import { decidedKernel } from "./decided.ts";
import { Expressions } from "./expressions.ts";
import { WasmFunction } from "./function.ts";
import { readsItsWrites } from "./overlap.ts";
import { rowsOf } from "../own-rows.ts";
import { splitAxes } from "./split-axes.ts";
import type { Scheduled, Unit } from "./unit.ts";
import { present, type Value } from "./values.ts";

/** Points of one work unit of a flat kernel. */
const CHUNK = 2048;

/** Elements of a column from which on summing it takes longer than all else. */
const TALL = 256;
/** Columns of a unit then. */
const TALL_CHUNK = 128;

/** Units that are enough to share among threads. */
const ENOUGH_UNITS = 64;

/** Operations that are worth another thread: some tens of microseconds. */
const THREAD_WORK = 150_000;

export const RUN_PARAMS = ["args", "time", "begin", "end", "scratch", "kept", "fresh", "first"] as const;

/** How `run` begins where it is written by hand; a part of it has a name of its own, and who runs the whole calls it. */
export const runHead = (part = ""): string =>
  `(func $run${part}${part === "" ? ' (export "run")' : ""} ${RUN_PARAMS.map((name) => `(param $${name} i32)`).join(" ")}`;

export function compileLoops(source: Kernel, unit: Unit): Scheduled {
  const kernel = phasedColumns(decidedKernel(splitAxes(mergeAxes(source))));
  return new Loops(kernel, unit, columnAxis(kernel)).compile();
}

type Axes = ReadonlyMap<string, Value>;
type Accs = Map<number, Value>;
type Accumulator = ReturnType<WasmFunction["accumulator"]>;

class Loops {
  readonly #kernel: Kernel;
  readonly #unit: Unit;
  readonly #column: Axis | undefined;
  /** Whether columns are summed so far down that what matters is to read them as they lie, several vectors of each row. */
  readonly #isTall: boolean;
  /** Columns of a unit, where they are cut to units. */
  readonly #chunk: number;
  readonly #f = new WasmFunction("run", RUN_PARAMS, '(export "run") ');

  constructor(kernel: Kernel, unit: Unit, column: Axis | undefined) {
    this.#kernel = kernel;
    this.#unit = unit;
    this.#column = column;
    const reductions = kernel.stages.filter((stage) => stage.kind === "reduce");
    this.#isTall = reductions.some((stage) => lengthOf(stage) >= TALL) && reductions.every((stage) => !stage.range);
    this.#chunk = this.#isTall ? TALL_CHUNK : CHUNK;
  }

  compile(): Scheduled {
    const f = this.#f;
    const outer: Axis[] = [];
    const inner = this.#kernel.axes.filter((axis) => axis !== this.#column);
    while (inner.length > 0 && sizeOfAxes(outer) < ENOUGH_UNITS) outer.push(present(inner.shift()));
    const extent = this.#column?.extent ?? 1;
    const chunks = sizeOfAxes(outer) < ENOUGH_UNITS ? Math.ceil(extent / this.#chunk) : 1;
    const units = sizeOfAxes(outer) * chunks;

    f.loop(f.param("begin"), f.param("end"), 1, (u) => {
      const v = f.values;
      const axes = new Map<string, Value>();
      if (this.#kernel.time) axes.set(this.#kernel.time.name, f.param("time"));
      let rest = chunks === 1 ? u : v.binary("i32.div_u", u, v.i32(chunks));
      for (const { name, extent: size } of [...outer].reverse()) {
        axes.set(name, name === outer[0]?.name ? rest : v.binary("i32.rem_u", rest, v.i32(size)));
        rest = v.binary("i32.div_u", rest, v.i32(size));
      }
      const chunk = chunks === 1 ? undefined : v.binary("i32.rem_u", u, v.i32(chunks));
      this.#nest(inner, axes, (all) => this.#columns(all, chunk));
    });
    const work = operationsOf(this.#kernel) / units;
    const [row, ...others] = outer;
    const rows = row && others.length + inner.length === 0 && chunks === 1 ? rowsOf(this.#kernel, row, 1) : undefined;
    return { text: f.text(), units, grain: Math.max(1, Math.ceil(THREAD_WORK / work)), ...(rows && { rows }) };
  }

  #nest(loops: readonly Axis[], axes: Axes, body: (axes: Axes) => void): void {
    const [first, ...rest] = loops;
    if (!first) return body(axes);
    const v = this.#f.values;
    this.#f.loop(v.i32(0), v.i32(first.extent), 1, (x) => this.#nest(rest, new Map([...axes, [first.name, x]]), body));
  }

  // The axis that lanes go along, from `chunk * CHUNK` where it is cut to chunks.
  #columns(axes: Axes, chunk: Value | undefined): void {
    const f = this.#f;
    const v = f.values;
    const column = this.#column;
    if (!column) return this.#stages([axes], undefined);
    const { name, extent } = column;
    const at = (x: Value): Axes => new Map([...axes, [name, x]]);
    const isInPlace = readsItsWrites(this.#kernel);
    const from = chunk ? v.mul(chunk, this.#chunk) : v.i32(0);
    const end = (most: number): Value => {
      if (!chunk) return v.i32(most);
      const to = v.add(from, v.i32(this.#chunk));
      return v.make("select", "i32", [to, v.i32(most), v.binary("i32.lt_s", to, v.i32(most))]);
    };
    const wide = this.#isTall ? ([4, 2].find((vectors) => extent % (4 * vectors) === 0) ?? 1) : 1;
    if (wide > 1) {
      const vectors = Array.from({ length: wide }, (_, i) => 4 * i);
      f.loop(from, end(extent), 4 * wide, (x) =>
        this.#stages(
          vectors.map((i) => at(v.add(x, v.i32(i)))),
          name,
        ),
      );
    } else if (extent % 4 === 0 || (extent > 4 && !isInPlace)) {
      f.loop(from, end(extent), 4, (x) => {
        const last = v.i32(extent - 4);
        this.#stages([at(extent % 4 === 0 ? x : v.make("select", "i32", [x, last, v.binary("i32.lt_s", x, last)]))], name);
      });
    } else {
      const whole = chunk ? 0 : extent - (extent % 4);
      if (whole > 0) f.loop(from, v.i32(whole), 4, (x) => this.#stages([at(x)], name));
      f.loop(whole > 0 ? v.i32(whole) : from, end(extent), 1, (x) => this.#stages([at(x)], undefined));
    }
  }

  /** All stages at points side by side: at one, or at those of one lane or of several. */
  #stages(points: readonly Axes[], lane: string | undefined): void {
    const accs = points.map((): Accs => new Map());
    const { stages } = this.#kernel;
    stages.forEach((stage, position) => {
      if (stage.kind === "store") points.forEach((axes, i) => this.#store(stage, axes, present(accs[i]), lane));
      else if (stage.kind === "reduce" && accs[0]?.has(position) !== true)
        this.#reduce(sideBySide(stages, position), points, accs, lane).forEach((results, i) =>
          results.forEach((result, k) => accs[i]?.set(position + k, result)),
        );
    });
  }

  #expressions(axes: Axes, accs: Accs, lane: string | undefined): Expressions {
    return new Expressions(this.#f, this.#unit, { axes, accs, ...(lane !== undefined && { lane }) });
  }

  /** For each of the points, the results of reductions over the same elements, in one loop. */
  #reduce(together: readonly ReduceStage[], points: readonly Axes[], accsOf: readonly Accs[], lane: string | undefined): Value[][] {
    const f = this.#f;
    const v = f.values;
    const first = present(together[0]);
    const accumulators = (isVector: boolean): Accumulator[] =>
      together.map(({ op, dtype }) => {
        const start = identityOf(op, dtype);
        const identity = dtype === "f32" ? v.f32(start) : v.i32(start);
        return f.accumulator(isVector ? v.splat(identity) : identity);
      });
    const [axes, accs] = [present(points[0]), present(accsOf[0])];
    const step = (all: Axes, into: readonly Accumulator[], along: string | undefined, known = accs): void => {
      const e = this.#expressions(all, known, along);
      together.forEach(({ op, dtype, value }, i) =>
        f.update(present(into[i]), (old) => combine(v, op, dtype, old, along === undefined ? e.scalar(value) : e.vector(value))),
      );
    };
    if (lane !== undefined || this.#column || first.range) {
      const sums = points.map(() => accumulators(lane !== undefined));
      this.#over(first, axes, accs, (all) =>
        sums.forEach((sum, i) => step(new Map([...all, ...present(points[i])]), sum, lane, present(accsOf[i]))),
      );
      return sums.map((sum) => sum.map((it) => f.final(it)));
    }
    // Rows: several vectors side by side, since each addition waits for the one before.
    const last = first.axes.at(-1);
    const most = together.length > 1 ? 2 : 4;
    const ways = !last || last.extent < 4 ? 0 : (([4, 2] as const).find((n) => n <= most && last.extent % (4 * n) === 0) ?? 1);
    const sums = Array.from({ length: ways }, () => accumulators(true));
    const singles = accumulators(false);
    this.#nest(ways === 0 ? first.axes : first.axes.slice(0, -1), axes, (all) => {
      if (!last || ways === 0) return step(all, singles, undefined);
      const at = (x: Value): Axes => new Map([...all, [last.name, x]]);
      const whole = last.extent - (last.extent % 4);
      f.loop(v.i32(0), v.i32(whole), 4 * ways, (x) => sums.forEach((sum, i) => step(at(v.add(x, v.i32(4 * i))), sum, last.name)));
      if (whole < last.extent) f.loop(v.i32(whole), v.i32(last.extent), 1, (x) => step(at(x), singles, undefined));
    });
    const results = together.map(({ op, dtype }, k) => {
      const rest = f.final(present(singles[k]));
      if (ways === 0) return rest;
      const vector = sums.map((sum) => f.final(present(sum[k]))).reduce((x, y) => combine(v, op, dtype, x, y));
      const lanes = [0, 1, 2, 3].map((i) => v.lane(vector, i, dtype === "f32" ? "f32" : "i32"));
      const result = lanes.reduce((x, y) => combine(v, op, dtype, x, y));
      return combine(v, op, dtype, result, rest);
    });
    return [results];
  }

  /** Loops over the elements of a reduction that a point has: all lanes have the same ones. */
  #over({ axes: own, range }: ReduceStage, axes: Axes, accs: Accs, body: (axes: Axes) => void): void {
    const [axis] = own;
    if (!range || !axis) return this.#nest(own, axes, body);
    const e = this.#expressions(axes, accs, undefined);
    this.#f.loop(e.scalar(range.from), e.scalar(range.to), 1, (x) => body(new Map([...axes, [axis.name, x]])), true);
  }

  #store(stage: StoreStage, axes: Axes, accs: Accs, lane: string | undefined): void {
    const f = this.#f;
    const v = f.values;
    const write = (all: Axes, along: string | undefined): void => {
      const e = this.#expressions(all, accs, along);
      const values = stage.writes.map(({ value }) => (along === undefined ? e.scalar(value) : e.vector(value)));
      if (values.length > 1) values.forEach((value) => f.evaluate(value));
      for (let i = 0; i < stage.writes.length; i++) {
        const [here, next] = [present(stage.writes[i]), stage.writes[i + 1]];
        const { buffer, index, value } = here;
        const isPair = next && along !== undefined && value.dtype === "f32" && interleave(here, next, along);
        if (isPair) e.storePair(buffer, index, present(values[i]), present(values[++i]));
        else e.store(buffer, index, present(values[i]));
      }
      v.forgetLoads();
    };
    const last = stage.axes.at(-1);
    if (lane !== undefined || !last || last.extent < 4) return this.#nest(stage.axes, axes, (all) => write(all, lane));
    this.#nest(stage.axes.slice(0, -1), axes, (all) => {
      const whole = last.extent - (last.extent % 4);
      f.loop(v.i32(0), v.i32(whole), 4, (x) => write(new Map([...all, [last.name, x]]), last.name));
      if (whole < last.extent) f.loop(v.i32(whole), v.i32(last.extent), 1, (x) => write(new Map([...all, [last.name, x]]), undefined));
    });
  }
}

/** The parallel axis that lanes go along; undefined for rows. */
function columnAxis({ axes, stages }: Kernel): Axis | undefined {
  const bounds = stages.flatMap((stage) => (stage.kind === "reduce" && stage.range ? [stage.range.from, stage.range.to] : []));
  const wide = axes.filter((axis) => axis.extent >= 4 && !mentions(bounds, axis.name));
  const writes = stages.flatMap((stage) => (stage.kind === "store" ? stage.writes : []));
  const side = (axis: Axis): boolean => writes.some(({ index }) => strideAlong(index, axis.name) === 1);
  const column = wide.find(side) ?? wide.at(-1);
  const longest = Math.max(0, ...stages.flatMap((stage) => (stage.kind === "contract" ? [] : stage.axes.map((axis) => axis.extent))));
  if (longest < 4) return column;
  // Rows where memory lies along the stages' own axes; what a stage reads again for each of its elements counts as often.
  const along = (name: string, stage: Stage): number =>
    elementsOf(stage) * loadsOf(expressionsOf(stage)).filter(({ index }) => strideAlong(index, name) === 1).length;
  const rowWise = stages.reduce((sum, stage) => {
    const last = stage.kind === "contract" ? undefined : stage.axes.at(-1);
    return sum + (last && last.extent >= 4 ? along(last.name, stage) : 0);
  }, 0);
  const columnWise = column ? stages.reduce((sum, stage) => sum + along(column.name, stage), 0) : 0;
  return column && columnWise >= rowWise && (columnWise > 0 || rowWise === 0) ? column : undefined;
}

function combine(v: WasmFunction["values"], op: ReduceOp, dtype: ScalarType, x: Value, y: Value): Value {
  const isVector = x.type === "v128";
  if (dtype === "f32") return v.make(`f32${isVector ? "x4" : ""}.${op === "sum" ? "add" : op}`, x.type, [x, y]);
  if (op === "sum") return v.make(`i32${isVector ? "x4" : ""}.add`, x.type, [x, y]);
  const suffix = dtype === "u32" ? "_u" : "_s";
  if (isVector) return v.make(`i32x4.${op}${suffix}`, "v128", [x, y]);
  return v.make("select", "i32", [x, y, v.binary(`i32.${op === "max" ? "gt" : "lt"}${suffix}`, x, y)]);
}

/** What one point of a stage goes over. */
const elementsOf = (stage: Stage): number =>
  stage.kind === "contract" ? stage.k.extent : stage.kind === "reduce" ? lengthOf(stage) : sizeOfAxes(stage.axes);

/** Roughly the scalar operations of a kernel's run. */
function operationsOf({ axes, stages }: Kernel): number {
  const nodes = (exprs: readonly Expr[]): number => {
    const seen = new Set<Expr>();
    const visit = (expr: Expr): void => {
      if (seen.has(expr)) return;
      seen.add(expr);
      operands(expr).forEach(visit);
    };
    exprs.forEach(visit);
    return seen.size;
  };
  const each = (stage: Stage): number => nodes(expressionsOf(stage)) * elementsOf(stage);
  return sizeOfAxes(axes) * stages.reduce((sum, stage) => sum + each(stage), 0);
}
