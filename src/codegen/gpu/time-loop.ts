// A counted loop as one launch. Where the rows of a loop's kernels have nothing to do with each other, as in a recurrent layer, a workgroup goes through
// all steps with a row of its own, and meets nobody: between two kernels there is a barrier where there was a launch. What a product multiplies by is
// the same in all steps, so each thread keeps its part of that in registers (Diamos et al. 2016, "Persistent RNNs").

import { add, axis, int, load, mul, type Expr } from "../../ir/loop/expr.ts";
import type { ContractStage, Kernel, KernelParameter, Stage, StoreStage } from "../../ir/loop/kernel.ts";
import { expressionsOf } from "../../ir/loop/kernel.ts";
import { loadsOf } from "../../ir/loop/loads.ts";
import { mapExpr, mapExpressions } from "../../ir/loop/map-expr.ts";
import { at } from "../../ir/ops/define.ts";
import type { KernelPart, LoopOfRows } from "../../ir/program.ts";
import { InternalError, isByte } from "../../ir/types.ts";
import { mentions, sizeOfAxes, substituter } from "../axes.ts";
import { rowsOf } from "../own-rows.ts";
import { GROUP, integer, LANE, less, loadOf, modulo, number, over, plus, times, type Value } from "./block.ts";
import { BlockBuilder, unflatten } from "./builder.ts";
import { launchOf, type Launch } from "./launch.ts";
import { legalize, legalizedParameters } from "./legalize.ts";
import { runStages } from "./map.ts";
import type { DeviceProfile } from "./profile.ts";

/** Values that a thread keeps of what all products of a loop multiply by: about half of its registers. */
const MOST_KEPT = 96;
/** Sums of a product that a thread makes side by side, since each addition waits for the one before it. */
const SIDE_BY_SIDE = 4;
const MOST_ROWS = 65535;

/** A product of a step: for each row, `n` sums over `k`, each in `parts` parts by as many threads. */
interface RowProduct {
  readonly stage: ContractStage;
  readonly stores: readonly StoreStage[];
  readonly n: number;
  readonly parts: number;
  /** Products of a thread. */
  readonly length: number;
}

/** A kernel of the loop, over a row and what lies in it. */
interface RowKernel {
  /** Its axes are `row`, and `n` or `item`; its parameters are those of the launch. */
  readonly kernel: Kernel;
  readonly product?: RowProduct;
  /** Points of a row. */
  readonly inner: number;
}

/**
 * How many rows the kernels of a loop have that have nothing to do with each other.
 * @returns undefined where they are not known to be apart, or a row is more than a workgroup can do
 */
export function rowsOfLoop(parts: readonly KernelPart[], profile: DeviceProfile): number | undefined {
  // A processor's threads wait for each other in a barrier for longer than a launch takes.
  if (profile.kind === "cpu") return undefined;
  const rows = parts.map(({ kernel }) => productRows(kernel)).find((count) => count !== undefined);
  if (rows === undefined || rows === 1 || rows > MOST_ROWS) return undefined;
  const kernels = parts.map((part) => rowKernel(part, rows, profile));
  if (!kernels.every((each) => each !== undefined)) return undefined;
  const kept = kernels.reduce((sum, { product }) => sum + (product?.length ?? 0), 0);
  return kept <= MOST_KEPT && areApart(kernels, rows) && keepsStill(kernels) ? rows : undefined;
}

const productRows = ({ stages: [stage], axes }: Kernel): number | undefined =>
  stage?.kind === "contract" ? axes.find(({ name }) => name === "m")?.extent : undefined;

const ROW = "row";

function rowKernel({ kernel, slots }: KernelPart, rows: number, { maxThreads }: DeviceProfile): RowKernel | undefined {
  const points = sizeOfAxes(kernel.axes);
  if (points % rows !== 0 || kernel.params.some(({ dtype, access }) => isByte(dtype) && access !== "read")) return undefined;
  const inner = points / rows;
  const [first, ...rest] = kernel.stages;
  const isProduct = first?.kind === "contract";
  const row = axis(ROW, rows);
  const item = { name: isProduct ? "n" : "item", extent: inner };
  const places = isProduct
    ? new Map([
        ["b", int(0)],
        ["m", row],
      ])
    : unflatten(kernel.axes, add(mul(row, int(inner)), axis(item.name, inner)));
  const place = substituter(places);
  const ofLaunch = new Map<Expr, Expr>();
  const map = (expr: Expr): Expr => place(mapExpr(expr, ({ buffer, index, dtype }) => load(at(slots, buffer), index, dtype), ofLaunch));
  const stages = kernel.stages.map((given): Stage => {
    const stage = mapExpressions(given, map);
    return stage.kind === "store"
      ? { ...stage, writes: stage.writes.map((write) => ({ ...write, buffer: at(slots, write.buffer) })) }
      : stage;
  });
  const params: KernelParameter[] = [];
  slots.forEach((slot, i) => (params[slot] = at(kernel.params, i)));
  const mapped = { ...kernel, params, stages, axes: [{ name: ROW, extent: rows }, item] };
  if (!isProduct) {
    const isSimple = stages.every((stage) => stage.kind === "store" || (stage.kind === "reduce" && !stage.range));
    return isSimple ? { kernel: mapped, inner } : undefined;
  }
  const [b, m] = kernel.axes;
  const [stage] = stages;
  const stores = stages.slice(1).filter((it) => it.kind === "store");
  if (stage?.kind !== "contract" || b?.extent !== 1 || m?.extent !== rows) return undefined;
  if (stage.dtype !== "f32" || stage.strip !== undefined || stores.length < rest.length) return undefined;
  const split = splitOf(stage.k.extent, inner, maxThreads);
  return split && { kernel: mapped, inner, product: { stage, stores, n: inner, ...split } };
}

/** Into how many parts to cut a sum, such that a thread can keep what it multiplies by. */
function splitOf(k: number, n: number, maxThreads: number): Pick<RowProduct, "parts" | "length"> | undefined {
  for (let parts = 1; parts * n <= maxThreads; parts++) if (k % parts === 0 && k / parts <= MOST_KEPT) return { parts, length: k / parts };
  return undefined;
}

/** Whether what a row writes is nobody else's: all kernels mean the same part of a buffer by a row. */
function areApart(kernels: readonly RowKernel[], rows: number): boolean {
  const written = new Set(kernels.flatMap(({ kernel }) => writesOf(kernel)));
  const strides = new Map<number, number>();
  return kernels.every(({ kernel }) => {
    const own = rowsOf(kernel, { name: ROW, extent: rows }, 1)?.own;
    const touched = new Set([...loadsOf(kernel.stages.flatMap(expressionsOf)).map(({ buffer }) => buffer), ...writesOf(kernel)]);
    return [...touched].every((slot) => {
      if (!written.has(slot)) return true;
      const stride = own?.find(({ param }) => param === slot)?.stride;
      const known = strides.get(slot) ?? stride;
      if (stride !== undefined) strides.set(slot, stride);
      return stride !== undefined && stride === known;
    });
  });
}

const writesOf = ({ stages }: Kernel): readonly number[] =>
  stages.flatMap((stage) => (stage.kind === "store" ? stage.writes.map(({ buffer }) => buffer) : []));

/** Whether what products multiply by is the same in all steps. That no kernel writes to it is known: it would be no row's own. */
const keepsStill = (kernels: readonly RowKernel[]): boolean =>
  kernels.every(({ kernel: { time }, product }) => !product || time === undefined || !mentions([product.stage.rhs], time.name));

/** The loop as a launch of a workgroup for each row. @param parts as `rowsOfLoop` has seen them; their slots may lie in packs since */
export function launchLoop(parts: readonly KernelPart[], { rows, count, reverse }: LoopOfRows, profile: DeviceProfile): Launch {
  const params = parametersOf(parts);
  const kernels = parts.map((part): RowKernel => {
    const found = rowKernel(part, rows, profile);
    if (!found) throw new InternalError(`kernel ${part.kernel.name} has no rows`);
    const kernel = legalize({ ...found.kernel, params });
    const [stage, ...stores] = kernel.stages;
    return stage?.kind === "contract" && found.product
      ? { ...found, kernel, product: { ...found.product, stage, stores: stores.filter((it) => it.kind === "store") } }
      : { ...found, kernel };
  });
  const block = new BlockBuilder({ name: nameOf(kernels), params: legalizedParameters(params), axes: [], stages: [] }, profile);
  const threads = threadsOf(kernels, profile);
  const steps = kernels.map(({ kernel, product, inner }) => {
    block.out.count(kernel.stages.flatMap(expressionsOf));
    return product ? productStep(block, product, threads) : itemStep(block, kernel, inner, threads);
  });
  block.loop(
    block.out.name("step"),
    integer(0),
    integer(count),
    1,
    (step) => {
      const time = reverse ? block.let("time", plus(integer(count - 1), times(step, -1))) : step;
      kernels.forEach(({ kernel }, i) => {
        block.scope(() => {
          block.out.bindAxis(ROW, GROUP);
          if (kernel.time) block.out.bindAxis(kernel.time.name, time);
          at(steps, i)();
        });
        block.barrier("buffers");
      });
    },
    true,
  );
  return launchOf(block.finish(threads, rows), profile);
}

const nameOf = (kernels: readonly RowKernel[]): string => `loop_of_${kernels.map(({ kernel }) => kernel.name).join("_and_")}`;

/** Whole subgroups of the widest kind that there is, as many as the widest kernel has use for. */
function threadsOf(kernels: readonly RowKernel[], { maxThreads }: DeviceProfile): number {
  const most = Math.max(...kernels.map(({ product, inner }) => (product ? product.n * product.parts : inner)));
  return Math.min(maxThreads, 64 * Math.ceil(most / 64));
}

/** Buffers of the launch by their slots. */
function parametersOf(parts: readonly KernelPart[]): KernelParameter[] {
  const params: KernelParameter[] = [];
  for (const { kernel, slots } of parts)
    slots.forEach((slot, i) => {
      const [param, known] = [at(kernel.params, i), params[slot]];
      const access = known && known.access !== param.access ? "read_write" : param.access;
      params[slot] = { ...param, name: `p${String(slot)}`, access: access === "write" ? "read_write" : access };
    });
  return params;
}

/** Elements of a row, one after the other by each thread. */
function itemStep(block: BlockBuilder, { stages }: Kernel, inner: number, threads: number): () => void {
  return () => {
    block.loop(block.out.name("item"), LANE, integer(inner), threads, (item) => {
      block.out.bindAxis("item", item);
      runStages(block, stages);
    });
  };
}

/** Loads what the threads keep; what it gives computes a row's product by it. */
function productStep(block: BlockBuilder, { stage, stores, n, parts, length }: RowProduct, threads: number): () => void {
  const { out } = block;
  const column = block.let("column", modulo(LANE, n));
  // Threads that are too many do what others do, and store nothing.
  const part = parts === 1 ? integer(0) : block.let("part", modulo(over(LANE, n), parts));
  const place = (i: number): Value => plus(times(part, length), i);
  const kept: Value[] = [];
  for (let i = 0; i < length; i++)
    block.within(() => {
      out.bindAxis("n", column);
      out.bindAxis(stage.k.name, place(i));
      kept.push(block.let("kept", out.value(stage.rhs)));
    });
  const sums = parts === 1 ? undefined : block.shared("sums", "f32", n * parts);
  return () => {
    const side = Array.from({ length: Math.min(SIDE_BY_SIDE, length) }, () => block.variable("sum", number(0, "f32")));
    kept.forEach((factor, i) => {
      const sum = at(side, i % side.length);
      block.within(() => {
        out.bindAxis(stage.k.name, place(i));
        block.assign(sum, plus(sum, times(out.value(stage.lhs), factor)));
      });
    });
    const own = block.let(
      "own",
      side.reduce((x, y) => plus(x, y)),
    );
    if (sums !== undefined) {
      block.when(less(LANE, n * parts), () => {
        block.store(sums, LANE, own);
      });
      block.barrier();
    }
    const finish = (): void => {
      const others = sums === undefined ? [] : Array.from({ length: parts - 1 }, (_, p) => loadOf(sums, "f32", plus(LANE, (p + 1) * n)));
      const total = block.let(
        "total",
        others.reduce((x, y) => plus(x, y), own),
      );
      out.bindAcc(0, total);
      out.bindAxis("n", column);
      for (const store of stores) runStages(block, [store]);
    };
    if (n === threads) finish();
    else block.when(less(LANE, n), finish, true);
  };
}
