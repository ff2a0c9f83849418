// The numbers and lists of a table's columns that its training part says: means and deviations, medians, categories. Only the part that is
// trained on is looked at, or an evaluation would be of data that it knows.

import type { ColumnPick, FieldInfo, WordPlan } from "../../ir/plan.ts";
import type { Reading } from "../../ir/recipe/columns/define.ts";
import { isMissing } from "../../ir/recipe/columns/define.ts";
import type { ColumnStats, TableStep } from "../../ir/recipe/table-steps/define.ts";
import { tableStep } from "../../ir/recipe/table-steps/index.ts";
import { InternalError } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import { byCodeUnit, MAX_CLASSES } from "./cells.ts";
import type { PlacedColumn } from "./table-columns.ts";

/** A step with the columns that it names; undefined for all that it suits. */
export interface PlacedStep {
  readonly step: TableStep;
  readonly plan: WordPlan;
  readonly places: ReadonlySet<number> | undefined;
}

export const placeSteps = (plans: readonly WordPlan[], placesOf: (pick: ColumnPick) => readonly number[]): readonly PlacedStep[] =>
  plans.map((plan) => {
    const picks = (plan.args["columns"] ?? []) as readonly ColumnPick[];
    return { step: tableStep(plan), plan, places: picks.length === 0 ? undefined : new Set(picks.flatMap(placesOf)) };
  });

/** The steps that work on a column, in their order. One that names a column of the wrong kind is an error, not left out. */
export function stepsFor({ at, column }: PlacedColumn, reading: Reading, steps: readonly PlacedStep[]): readonly PlacedStep[] {
  return steps.filter(({ step, plan, places }) => {
    if (places !== undefined && !places.has(at)) return false;
    const suits =
      reading.kind === "number"
        ? step.kind === "fill" || reading.scaled || places !== undefined
        : reading.kind === "category" && isMark(step, plan);
    if (!suits && places !== undefined)
      throw new DataError(
        `\`${plan.word}\` cannot work on column "${column}": it holds ${reading.kind === "category" ? "categories" : "sequences"}`,
        "a missing category is filled by `fill(mark, COLUMN)`",
      );
    return suits;
  });
}

const isMark = (step: TableStep, { args }: WordPlan): boolean => step.kind === "fill" && step.marks(args);

/** What a step would fill, whatever its kind, so that a missing cell is none. */
export const fills = (steps: readonly PlacedStep[]): boolean => steps.some(({ step }) => step.kind === "fill");

/** Collects what a column holds in the training part, cell by cell. */
export interface ColumnFit {
  add(text: string): void;
  /** Whether anything of it depends on the data. */
  readonly isNeeded: boolean;
  field(): FieldInfo;
}

export function fitOf(placed: PlacedColumn, reading: Reading, steps: readonly PlacedStep[]): ColumnFit {
  if (reading.kind === "sequence") throw new InternalError("nothing is fitted of a sequence");
  return reading.kind === "number" ? new NumberFit(placed, reading, steps) : new CategoryFit(placed, reading, steps);
}

class NumberFit implements ColumnFit {
  readonly isNeeded: boolean;
  readonly #placed: PlacedColumn;
  readonly #reading: Extract<Reading, { readonly kind: "number" }>;
  readonly #steps: readonly PlacedStep[];
  readonly #values: number[] | undefined;
  #count = 0;
  #missing = 0;
  #mean = 0;
  #squares = 0;
  #min = Infinity;
  #max = -Infinity;

  constructor(placed: PlacedColumn, reading: Extract<Reading, { readonly kind: "number" }>, steps: readonly PlacedStep[]) {
    this.isNeeded = steps.length > 0;
    this.#placed = placed;
    this.#reading = reading;
    this.#steps = steps;
    this.#values = steps.some(({ step, plan }) => step.kind === "fill" && step.needsMedian(plan.args)) ? [] : undefined;
  }

  /** Welford (1962): stable however far the values are from 0. */
  add(text: string): void {
    const value = isMissing(text) ? undefined : this.#reading.read(text);
    if (value === undefined) {
      this.#missing++;
      return;
    }
    const distance = value - this.#mean;
    this.#mean += distance / ++this.#count;
    this.#squares += distance * (value - this.#mean);
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
    this.#values?.push(value);
  }

  field(): FieldInfo {
    const { column } = this.#placed;
    const base = { kind: "number" as const, column, reading: this.#reading.name };
    if (!this.isNeeded) return { ...base, shift: 0, scale: 1, isMarked: false };
    let stats = this.#stats();
    // Each step sees what those before it have made: (x - shift) * scale.
    let [shift, scale] = [0, 1];
    let fill: number | undefined;
    let isMarked = false;
    for (const { step, plan } of this.#steps) {
      if (step.kind === "scale") {
        const next = step.fit(stats);
        stats = scaled(stats, next);
        [shift, scale] = [shift + next.shift / scale, scale * next.scale];
      } else if (fill === undefined) {
        const value = step.value(stats, plan.args);
        // A mark that is 0 in all training rows would have a weight that nothing has taught.
        isMarked = step.marks(plan.args) && stats.missing > 0;
        stats = filled(stats, value);
        fill = value / scale + shift;
      }
    }
    return { ...base, shift, scale, isMarked, ...(fill !== undefined && { fill }) };
  }

  #stats(): ColumnStats {
    if (this.#count === 0) throw new DataError(`column "${this.#placed.column}" is empty in every row of the training part`);
    const stats = { count: this.#count, missing: this.#missing, mean: this.#mean, squares: this.#squares, min: this.#min, max: this.#max };
    return this.#values === undefined ? stats : { ...stats, median: medianOf(this.#values) };
  }
}

/** The middle value, or between the two in the middle, as NumPy has it. */
function medianOf(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}

/** The same value for all that are missing (Chan, Golub and LeVeque 1983, of two sets). */
function filled(stats: ColumnStats, value: number): ColumnStats {
  const { count, missing, mean, squares, min, max } = stats;
  if (missing === 0) return stats;
  const [total, distance] = [count + missing, value - mean];
  return {
    ...stats,
    ...{ count: total, missing: 0, mean: mean + (distance * missing) / total },
    squares: squares + (distance * distance * count * missing) / total,
    ...{ min: Math.min(min, value), max: Math.max(max, value) },
  };
}

function scaled(stats: ColumnStats, { shift, scale }: { readonly shift: number; readonly scale: number }): ColumnStats {
  const map = (value: number): number => (value - shift) * scale;
  const { mean, squares, min, max, median } = stats;
  return {
    ...stats,
    ...{ mean: map(mean), squares: squares * scale * scale, min: map(min), max: map(max) },
    ...(median !== undefined && { median: map(median) }),
  };
}

class CategoryFit implements ColumnFit {
  readonly isNeeded = true;
  readonly #placed: PlacedColumn;
  readonly #word: string;
  readonly #hasMissing: boolean;
  readonly #found = new Set<string>();

  constructor(placed: PlacedColumn, { name }: Reading, steps: readonly PlacedStep[]) {
    this.#placed = placed;
    this.#word = name;
    this.#hasMissing = fills(steps);
  }

  add(text: string): void {
    if (!isMissing(text) && this.#found.size <= MAX_CLASSES) this.#found.add(text);
  }

  field(): FieldInfo {
    const { column, hasUnknown } = this.#placed;
    if (this.#found.size > MAX_CLASSES) throw new DataError(`column "${column}" has more than ${MAX_CLASSES} different categories`);
    const categories = [...this.#found].sort(byCodeUnit);
    return { kind: "category", column, reading: this.#word, categories, hasMissing: this.#hasMissing, hasUnknown };
  }
}
