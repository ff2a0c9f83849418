// Launches that follow each other as the attention that a library does as one: products of queries and keys, a softmax over the keys that may be looked
// at, and its products with values. Where gradients need the softmax, it is not all that comes of them, and they are none.

import { acc, add, axis, binary, float, int, load, mul, select, unary, type Expr } from "../ir/loop/expr.ts";
import type { Axis, ContractStage, Kernel, KernelParameter, ReduceStage, StoreStage, Write } from "../ir/loop/kernel.ts";
import { loadsOf } from "../ir/loop/loads.ts";
import { mapExpr, mapExpressions } from "../ir/loop/map-expr.ts";
import { createNumbering } from "../ir/loop/numbering.ts";
import { isAttention } from "../ir/attention-place.ts";
import type { AttentionOfLibrary, KernelPart, TensorPlace } from "../ir/program.ts";
import { packedStrides } from "../ir/tensor-place.ts";
import { isHalf } from "../ir/types.ts";
import { mentions, sizeOfAxes, substituter, termsOf } from "./axes.ts";
import { dividers } from "./library-product.ts";
import { madeBefore, unrounded, type LibraryForm } from "./library-rest.ts";
import { coefficient, placeOf, shapeOf, type Dimensions } from "./tensor-places.ts";

/** What a library does of several launches. */
export interface WholeForm extends LibraryForm {
  readonly name: string;
  /** What it takes of what the launches bind, and which of that it writes. */
  readonly slots: readonly number[];
  readonly params: readonly KernelParameter[];
}

/** In place of -Infinity, as scores have it: a row of nothing else has a largest element. */
interface Allowed {
  readonly condition: Expr;
  readonly lowest: number;
}

interface Attention {
  readonly precision: AttentionOfLibrary["precision"];
  readonly scale: number;
  readonly sizes: {
    readonly b: number;
    readonly queries: number;
    readonly keys: number;
    readonly width: number;
    readonly widthOfValue: number;
  };
  /** Loads of elements, by the axes b, m (of queries), n (of keys) and d (of a head); of the result, where it is stored. */
  readonly query: Expr;
  readonly key: Expr;
  readonly value: Expr;
  readonly result: Expr;
  readonly allowed: Allowed | undefined;
}

export function attentionForm(parts: readonly KernelPart[]): WholeForm | undefined {
  const kernels = parts.map(inSlots);
  const found = attentionIn(kernels);
  if (!found) return undefined;
  const params = parts.flatMap(({ kernel, slots }) => kernel.params.map((param, i) => [slots[i] ?? -1, param] as const));
  return formOf(found, kernels[2]?.name ?? "", new Map(params));
}

/** A kernel whose parameters are what the launches bind together. */
function inSlots({ kernel, slots }: KernelPart): Kernel {
  const memo = new Map<Expr, Expr>();
  const slotOf = (buffer: number): number => slots[buffer] ?? -1;
  const map = (expr: Expr): Expr => mapExpr(expr, ({ buffer, index, dtype }) => load(slotOf(buffer), index, dtype), memo);
  const stages = kernel.stages.map((stage) => {
    const mapped = mapExpressions(stage, map);
    if (mapped.kind !== "store") return mapped;
    return { ...mapped, writes: mapped.writes.map((write) => ({ ...write, buffer: slotOf(write.buffer) })) };
  });
  return { ...kernel, stages };
}

function attentionIn([first, second, third, ...more]: readonly Kernel[]): Attention | undefined {
  if (!first || !second || !third || more.length > 0) return undefined;
  const [scores, softmax, seen] = [productIn(first), softmaxIn(second), productIn(third)];
  if (!scores || !softmax || !seen || scores.stage.operands !== seen.stage.operands) return undefined;
  const [b, queries, keys] = scores.axes;
  const [ofBatch, ofQueries, widthOfValue] = seen.axes;
  if (ofBatch.extent !== b.extent || ofQueries.extent !== queries.extent || seen.stage.k.extent !== keys.extent) return undefined;
  const at = { b: axis("b", b.extent), m: axis("m", queries.extent), n: axis("n", keys.extent) };
  const isElement = (index: Expr): boolean =>
    growsBy(index, [
      [b, queries.extent * keys.extent],
      [queries, keys.extent],
      [keys, 1],
    ]);
  const inFirst = substituter(new Map([[scores.stage.k.name, axis("d", scores.stage.k.extent)]]));
  const inSecond = substituter(
    new Map([
      [softmax.row.name, add(mul(at.b, int(queries.extent)), at.m)],
      [softmax.column.name, at.n],
    ]),
  );
  const inThird = substituter(
    new Map([
      ["n", axis("d", widthOfValue.extent)],
      [seen.stage.k.name, at.n],
    ]),
  );
  const { operands } = scores.stage;
  const score = scoreOf(scores.write.value);
  const weights = unrounded(seen.stage.lhs, operands);
  const [query, key, value] = [scores.stage.lhs, scores.stage.rhs, seen.stage.rhs].map((operand) => unrounded(operand, operands));
  const isHandedOn =
    softmax.row.extent === b.extent * queries.extent &&
    softmax.column.extent === keys.extent &&
    weights.kind === "load" &&
    weights.buffer === softmax.write.buffer &&
    softmax.scores.buffer === scores.write.buffer &&
    [scores.write.index, inSecond(softmax.scores.index), inSecond(softmax.write.index), inThird(weights.index)].every(isElement);
  const isSum = isRoundedSum(seen.write.value);
  if (!score || !query || !key || !value || !isHandedOn || !isSum || !isSameWhere(score.allowed, softmax.allowed, inSecond))
    return undefined;
  return {
    ...{ precision: operands ?? "f32", scale: score.scale, allowed: score.allowed },
    sizes: {
      ...{ b: b.extent, queries: queries.extent, keys: keys.extent },
      ...{ width: scores.stage.k.extent, widthOfValue: widthOfValue.extent },
    },
    ...{ query: inFirst(query), key: inFirst(key), value: inThird(value) },
    result: inThird(load(seen.write.buffer, seen.write.index, "f32")),
  };
}

/** Whether an index is a sum of these multiples of axes. */
function growsBy(index: Expr, steps: readonly (readonly [axis: Axis, step: number])[]): boolean {
  const terms = termsOf(index);
  const isKnown = terms.every(([scale, factor]) =>
    factor?.kind === "axis" ? steps.some(([{ name }]) => name === factor.name) : factor === undefined && scale === 0,
  );
  return isKnown && steps.every(([{ name, extent }, step]) => extent === 1 || coefficient(index, name) === step);
}

const sameAs = (expected: Expr): ((given: Expr) => boolean) => {
  const number = createNumbering();
  return (given) => number(given) === number(expected);
};

const isSameWhere = (allowed: Allowed | undefined, others: Expr | undefined, rename: (expr: Expr) => Expr): boolean =>
  allowed && others ? sameAs(allowed.condition)(rename(others)) : !allowed && !others;

interface Product {
  readonly stage: ContractStage;
  readonly axes: readonly [b: Axis, m: Axis, n: Axis];
  readonly write: Write;
}

/** A product that stores one element for each of its sums. */
function productIn({ axes: [b, m, n], stages: [stage, store, ...others], time }: Kernel): Product | undefined {
  const write = others.length === 0 ? onlyWrite(store, 1) : undefined;
  if (stage?.kind !== "contract" || stage.strip !== undefined || stage.dtype !== "f32" || time || !b || !m || !n || !write)
    return undefined;
  return { stage, axes: [b, m, n], write };
}

function onlyWrite(stage: Kernel["stages"][number] | undefined, points: number): Write | undefined {
  const store: StoreStage | undefined = stage?.kind === "store" && !stage.perStrip && sizeOfAxes(stage.axes) === points ? stage : undefined;
  return store?.writes.length === 1 ? store.writes[0] : undefined;
}

interface Softmax {
  readonly row: Axis;
  readonly column: Axis;
  readonly scores: Extract<Expr, { kind: "load" }>;
  /** Where it is not zero, in whatever it says of a row and a column. */
  readonly allowed: Expr | undefined;
  readonly write: Write;
}

/** `exp(x - max) / sum(exp(x - max))` of rows, 0 where a condition does not hold. */
function softmaxIn({ axes: [row, ...others], stages, time }: Kernel): Softmax | undefined {
  const [largest, total, store, ...more] = stages;
  const isPlain = row !== undefined && others.length === 0 && more.length === 0 && !time;
  const column = store?.kind === "store" ? store.axes[0] : undefined;
  if (!isPlain || !isReduction(largest, "max") || !isReduction(total, "sum") || !column) return undefined;
  const write = onlyWrite(store, column.extent);
  const [of, ofTotal] = [largest, total].map(({ axes }) => axes[0]);
  if (!write || !of || !ofTotal || [of, ofTotal].some(({ extent }) => extent !== column.extent) || largest.value.kind !== "load")
    return undefined;
  const rename = (from: Axis): ((expr: Expr) => Expr) => substituter(new Map([[from.name, axis(column.name, column.extent)]]));
  const scores = rename(of)(largest.value);
  const raised = unary("exp", binary("sub", scores, acc(0, "f32")));
  const isRaised = sameAs(raised);
  const share = sameAs(binary("div", raised, acc(1, "f32")));
  const value = withoutRounding(write.value);
  const [allowed, given] = value.kind === "select" && isNumber(value.y, 0) ? [value.cond, value.x] : [undefined, value];
  if (scores.kind !== "load" || !isRaised(rename(ofTotal)(total.value)) || !share(given)) return undefined;
  return { row, column, scores, allowed, write };
}

const isReduction = (stage: Kernel["stages"][number] | undefined, op: ReduceStage["op"]): stage is ReduceStage =>
  stage?.kind === "reduce" && stage.op === op && stage.dtype === "f32" && stage.axes.length === 1 && !stage.range;

const isNumber = (expr: Expr, value: number): boolean => expr.kind === "const" && expr.value === value;

/** A value before it is rounded to what is stored. */
const withoutRounding = (expr: Expr): Expr =>
  expr.kind === "unary" && (expr.op === "round_bf16" || expr.op === "round_f16" || expr.op === "round_tf32") ? expr.x : expr;

const isRoundedSum = (value: Expr): boolean => isSum(withoutRounding(value));
const isSum = (expr: Expr): boolean => expr.kind === "acc" && expr.stage === 0;

/** A sum, perhaps scaled, and perhaps only where a condition holds. */
function scoreOf(value: Expr): { readonly scale: number; readonly allowed: Allowed | undefined } | undefined {
  const where = value.kind === "select" ? value : undefined;
  const scale = scaleOf(where?.x ?? value);
  if (scale === undefined) return undefined;
  if (!where) return { scale, allowed: undefined };
  const { cond: condition, y } = where;
  return y.kind === "const" && Number.isFinite(y.value) ? { scale, allowed: { condition, lowest: y.value } } : undefined;
}

/** Of a sum, by what it is multiplied. */
function scaleOf(value: Expr): number | undefined {
  if (isSum(value)) return 1;
  if (value.kind !== "binary" || value.op !== "mul") return undefined;
  const [scale] = [value.x, value.y].flatMap((side) => (side.kind === "const" ? [side.value] : []));
  return [value.x, value.y].some(isSum) ? scale : undefined;
}

function formOf(found: Attention, name: string, bound: ReadonlyMap<number, KernelParameter>): WholeForm | undefined {
  const { sizes, precision, scale, allowed } = found;
  const given = [found.query, found.key, found.value, found.result, ...(allowed ? [allowed.condition] : [])];
  // Heads of a batch are one axis of a product.
  const [heads = 1, ...others] = dividers(given, "b");
  if (others.length > 0 || sizes.b % heads !== 0) return undefined;
  const [batch, head] = [
    { name: "batch", extent: sizes.b / heads },
    { name: "head", extent: heads },
  ];
  const divide = substituter(new Map([["b", add(mul(axis(batch.name, batch.extent), int(heads)), axis(head.name, heads))]]));
  const slots = [...new Set(loadsOf(given).map(({ buffer }) => buffer))];
  const result = loadsOf([found.result])[0]?.buffer ?? -1;
  const params = slots.flatMap((slot, i): KernelParameter[] => {
    const param = bound.get(slot);
    return param ? [{ ...param, name: `p${i}`, access: slot === result ? "write" : "read" }] : [];
  });
  if (params.length !== slots.length || params.some(({ length }) => length === 0)) return undefined;
  const settle = (expr: Expr): Expr => mapExpr(divide(expr), ({ buffer, index, dtype }) => load(slots.indexOf(buffer), index, dtype));
  const kernel: Kernel = { name, params, axes: [], stages: [] };
  const [m, n] = [
    { name: "m", extent: sizes.queries },
    { name: "n", extent: sizes.keys },
  ];
  const d = (extent: number): Axis => ({ name: "d", extent });
  const place = (expr: Expr, dimensions: Dimensions): TensorPlace | undefined => placeOf(kernel, settle(expr), dimensions);
  const [query, key, values, written] = [
    place(found.query, [[batch], [head], [m], [d(sizes.width)]]),
    place(found.key, [[batch], [head], [n], [d(sizes.width)]]),
    place(found.value, [[batch], [head], [n], [d(sizes.widthOfValue)]]),
    place(found.result, [[batch], [head], [m], [d(sizes.widthOfValue)]]),
  ];
  if (!query || !key || !values || !written) return undefined;
  const masked = maskOf(
    { kernel, batch, head, m, n, values, value: settle(found.value) },
    allowed && { ...allowed, condition: settle(allowed.condition) },
  );
  if (!masked) return undefined;
  const { before, bias } = masked;
  const product: AttentionOfLibrary = {
    ...{ kind: "attention", precision, scale, query, key },
    value: masked.values,
    ...(bias && { bias }),
    result: written,
  };
  const made = before.flatMap((each) => each.params.slice(-1).map((it): KernelParameter => ({ ...it, access: "read" })));
  if (!isAttention(product, [...params, ...made])) return undefined;
  return { name: `${name}_whole`, slots, params, product, ...(before.length > 0 && { before }) };
}

interface Masking {
  readonly kernel: Kernel;
  readonly batch: Axis;
  readonly head: Axis;
  readonly m: Axis;
  readonly n: Axis;
  readonly values: TensorPlace;
  /** One of them, by batch, head, n and d. */
  readonly value: Expr;
}

interface Masked {
  readonly before: readonly Kernel[];
  readonly values: TensorPlace;
  readonly bias?: TensorPlace;
}

/**
 * What may not be looked at as a bias that is written down before. Of keys: an example of which none may be looked at gets values that are zeros, as a library
 * would give a mean of them. Of causal attention: there is always the first one. Undefined for what is neither.
 */
function maskOf({ kernel, batch, head, m, n, values, value }: Masking, allowed: Allowed | undefined): Masked | undefined {
  if (!allowed) return { before: [], values };
  const { condition, lowest } = allowed;
  const biasOver = (rows: readonly Axis[]): readonly [Kernel, TensorPlace] => {
    const axes = [...rows, n];
    const dimensions: Dimensions = [rows.filter((it) => it === batch), [], rows.filter((it) => it === m), [n]];
    const shape = shapeOf(dimensions);
    const made = madeBefore(kernel, "bias", axes, select(condition, float(0), float(lowest)), "f32");
    return [made, { param: kernel.params.length, dtype: "f32", first: 0, shape, strides: packedStrides(shape) }];
  };
  if (isCausal(condition)) {
    const [made, bias] = biasOver([m]);
    return { before: [made], values, bias };
  }
  if (mentions([condition], m.name) || mentions([condition], head.name)) return undefined;
  const [made, bias] = biasOver([batch]);
  const any: ReduceStage = { kind: "reduce", op: "max", dtype: "f32", axes: [n], value: select(condition, float(1), float(0)) };
  const [, , key, width] = values.shape;
  const [each, d] = [
    { name: "each", extent: key },
    { name: "d", extent: width },
  ];
  const one = substituter(new Map([[n.name, axis(each.name, key)]]))(value);
  const kept = select(binary("lt", float(0), acc(0, "f32")), one, float(0));
  const index = [batch, head, each, d].reduce<Expr>((at, { name, extent }) => add(mul(at, int(extent)), axis(name, extent)), int(0));
  const { dtype } = values;
  const rounded = isHalf(dtype) ? unary(`round_${dtype}`, kept) : kept;
  const guarded: Kernel = {
    ...kernel,
    name: `${kernel.name}_values`,
    params: [...kernel.params, { name: "values", dtype, length: sizeOfAxes([batch, head, each, d]), access: "write" }],
    axes: [batch, head],
    stages: [any, { kind: "store", axes: [each, d], writes: [{ buffer: kernel.params.length, index, value: rounded }] }],
  };
  const { shape } = values;
  return {
    before: [made, guarded],
    bias,
    values: { param: kernel.params.length + 1, dtype, first: 0, shape, strides: packedStrides(shape) },
  };
}

/** Whether it says that a key does not stand behind a query. */
const isCausal = (condition: Expr): boolean =>
  condition.kind === "binary" && condition.op === "le" && isAxis(condition.x, "n") && isAxis(condition.y, "m");

const isAxis = (expr: Expr, name: string): boolean => expr.kind === "axis" && expr.name === name;
