// A contraction as a library of products can do it. Of matrices: operands lie in memory as they are, each of their indices growing by a step of its own, or
// are written down by a kernel before. What comes after the sum is part of the library's call where that is a bias or something to add, and else a kernel of
// its own over the product. Whatever else is a convolution is one of a library of convolutions.

import { add, axis, int, load, mul, operands, type Expr } from "../ir/loop/expr.ts";
import { expressionsOf, stripOf, type Axis, type ContractStage, type Kernel, type StoreStage } from "../ir/loop/kernel.ts";
import { loadsOf } from "../ir/loop/loads.ts";
import { mapExpressions } from "../ir/loop/map-expr.ts";
import { isMatrix, isOfTypes } from "../ir/matrix-place.ts";
import type { MatrixPlace, MatrixType, ProductOfLibrary } from "../ir/program.ts";
import { isHalf } from "../ir/types.ts";
import { WORTH_MEASURING } from "./problem.ts";
import { mentions, sizeOfAxes, substituter } from "./axes.ts";
import { convolutionForm } from "./library-convolution.ts";
import { madeBefore, restOf, unrounded, type LibraryForm } from "./library-rest.ts";
import { placeOf } from "./place-of.ts";

/** Undefined where neither matrices nor images are multiplied, and where a library would not be worth asking. */
export function libraryForm(kernel: Kernel): LibraryForm | undefined {
  const [stage, ...others] = kernel.stages;
  if (stage?.kind !== "contract" || stage.dtype !== "f32" || kernel.time) return undefined;
  if (sizeOfAxes(kernel.axes) * stage.k.extent < WORTH_MEASURING) return undefined;
  if (!others.every(({ kind }) => kind === "store" || kind === "strip")) return undefined;
  // What is computed while it is loaded is no matrix, however its columns are cut.
  const isPlain = [stage.lhs, stage.rhs].every((operand) => unrounded(operand, stage.operands).kind === "load");
  const form = isPlain ? (formOf(kernel) ?? firstOf(piecesOf(kernel), formOf)) : undefined;
  return form ?? convolutionForm(kernel) ?? formOfMade(kernel);
}

function firstOf<T, R>(all: readonly T[], find: (one: T) => R | undefined): R | undefined {
  for (const one of all) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The same kernel with its columns in pieces, one for each of a batch: the pixels of pictures that lie one behind the other are not one matrix. */
function piecesOf(kernel: Kernel): readonly Kernel[] {
  const [b, m, n] = kernel.axes;
  if (!b || !m || !n || b.extent !== 1) return [];
  return [...dividers(kernel.stages.flatMap(expressionsOf), n.name)]
    .filter((size) => size > 1 && size < n.extent && n.extent % size === 0 && size % stripOf(kernel) === 0)
    .map((size): Kernel => {
      const [batch, column] = [
        { ...b, extent: n.extent / size },
        { ...n, extent: size },
      ];
      const joined = add(mul(axis(batch.name, batch.extent), int(size)), axis(column.name, size));
      const replace = substituter(new Map([[n.name, joined]]));
      return { ...kernel, axes: [batch, m, column], stages: kernel.stages.map((stage) => mapExpressions(stage, replace)) };
    });
}

/** By what an axis is divided somewhere in expressions. */
export function dividers(exprs: readonly Expr[], name: string): ReadonlySet<number> {
  const [found, seen] = [new Set<number>(), new Set<Expr>()];
  const visit = (expr: Expr): void => {
    if (seen.has(expr)) return;
    seen.add(expr);
    const isQuotient = expr.kind === "binary" && expr.op === "div" && expr.x.kind === "axis" && expr.x.name === name;
    if (isQuotient && expr.y.kind === "const") found.add(expr.y.value);
    operands(expr).forEach(visit);
  };
  exprs.forEach(visit);
  return found;
}

function formOf(kernel: Kernel): LibraryForm | undefined {
  const [stage] = kernel.stages;
  if (stage?.kind !== "contract") return undefined;
  const [left, right] = operandsOf(kernel, stage);
  return left.place && right.place && formWith(kernel, stage, left.place, right.place, []);
}

/** The same where operands that are computed as they are read, or are of another type than the other, are written down before. */
function formOfMade(kernel: Kernel): LibraryForm | undefined {
  const [stage] = kernel.stages;
  // How much resident data there is is not known when operands are made.
  if (stage?.kind !== "contract" || kernel.params.some(({ length }) => length === 0)) return undefined;
  const dtype: MatrixType = stage.operands === "bf16" || stage.operands === "f16" ? stage.operands : "f32";
  const before: Kernel[] = [];
  const places = operandsOf(kernel, stage).map(({ name, value, axes, place }): MatrixPlace | undefined => {
    if (place?.dtype === dtype) return place;
    const [batch, rows, columns] = axes;
    const own = mentions([value], batch.name) ? [batch, rows, columns] : [rows, columns];
    // What is read again and again, as windows of a picture are, would take many times its memory.
    if (sizeOfAxes(own) > Math.max(0, ...loadsOf([value]).map(({ buffer }) => kernel.params[buffer]?.length ?? 0))) return undefined;
    const param = kernel.params.length + before.length;
    before.push(madeBefore(kernel, name, own, value, dtype));
    return { param, dtype, first: 0, matrix: own.length === 3 ? rows.extent * columns.extent : 0, row: columns.extent, column: 1 };
  });
  const [left, right] = places;
  return left && right && formWith(kernel, stage, left, right, before);
}

function formWith(
  kernel: Kernel,
  stage: ContractStage,
  left: MatrixPlace,
  right: MatrixPlace,
  before: readonly Kernel[],
): LibraryForm | undefined {
  const [, ...others] = kernel.stages;
  const [b, m, n] = axesOf(kernel);
  const shape = { batch: b.extent, m: m.extent, n: n.extent, k: stage.k.extent };
  const common = { kind: "matmul", precision: stage.operands ?? "f32", ...shape, left, right } as const;
  const made = before.length > 0 && { before };
  const [only] = others;
  const plain = only?.kind === "store" && others.length === 1 ? plainStore(kernel, only) : undefined;
  if (plain && isOfTypes({ ...common, ...plain })) return { product: { ...common, ...plain }, ...made };
  const param = kernel.params.length + before.length;
  const result = { param, dtype: "f32", first: 0, matrix: shape.m * shape.n, row: shape.n, column: 1 } as const;
  if (!isOfTypes({ ...common, result })) return undefined;
  const index = [b, m, n].reduce<Expr>((at, { name, extent }) => add(mul(at, int(extent)), axis(name, extent)), int(0));
  return { product: { ...common, result }, ...made, rest: restOf(kernel, index) };
}

type Three = readonly [batch: Axis, rows: Axis, columns: Axis];

function axesOf({ axes: [b, m, n] }: Kernel): Three {
  return [b ?? { name: "b", extent: 1 }, m ?? { name: "m", extent: 1 }, n ?? { name: "n", extent: 1 }];
}

interface Operand {
  readonly name: string;
  readonly value: Expr;
  readonly axes: Three;
  /** Where it lies in memory: as a matrix, as it is or rounded as the library itself rounds. */
  readonly place: MatrixPlace | undefined;
}

function operandsOf(kernel: Kernel, { k, lhs, rhs, operands: format }: ContractStage): readonly [left: Operand, right: Operand] {
  const [b, m, n] = axesOf(kernel);
  const operand = (name: string, value: Expr, axes: Three): Operand => {
    const [batch, rows, columns] = axes;
    const place = placeOf(kernel, unrounded(value, format), [batch.name, rows.name, columns.name]);
    return { name, value, axes, place: place && isMatrix(place, rows.extent, columns.extent) ? place : undefined };
  };
  return [operand("left", lhs, [b, m, k]), operand("right", rhs, [b, k, n])];
}

/** Of `acc`, `acc + bias[n]` and either with a matrix added to it, rounded to what is stored; undefined for anything else. */
function plainStore(kernel: Kernel, { axes, writes }: StoreStage): Pick<ProductOfLibrary, "result" | "bias" | "added"> | undefined {
  const [write, ...others] = writes;
  if (!write || others.length > 0 || sizeOfAxes(axes) !== 1) return undefined;
  const result = placeOf(kernel, load(write.buffer, write.index, "f32"), ["b", "m", "n"]);
  const { value } = write;
  const isRounded = value.kind === "unary" && result !== undefined && value.op === `round_${result.dtype}`;
  const summands = summandsOf(isRounded ? value.x : value);
  const sums = summands.filter(({ kind }) => kind === "acc");
  const places = summands.filter(({ kind }) => kind !== "acc").map((expr) => placeOf(kernel, expr, ["b", "m", "n"]));
  if (!result || isRounded !== isHalf(result.dtype) || sums.length !== 1) return undefined;
  const isBias = (place: MatrixPlace | undefined): boolean => place?.column === 1 && place.row === 0 && place.matrix === 0;
  const biases = places.filter((place) => isBias(place));
  const added = places.filter((place) => !isBias(place));
  const width = kernel.axes.find(({ name }) => name === "n")?.extent ?? 1;
  const isRight = [result, ...added].every((place) => place?.column === 1 && place.row >= width);
  if (biases.length > 1 || added.length > 1 || !isRight) return undefined;
  const [bias] = biases;
  return { result, ...(bias && { bias }), ...(added[0] && { added: added[0] }) };
}

const summandsOf = (expr: Expr): readonly Expr[] =>
  expr.kind === "binary" && expr.op === "add" && expr.dtype === "f32" ? [...summandsOf(expr.x), ...summandsOf(expr.y)] : [expr];
