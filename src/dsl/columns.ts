// Columns of a table as a spec names them, `age`, `"the age"`, `3`, `3..30`, `* except id`, `one_hot(city)`: read as they are written, since
// they are no values of the language.

import type { ColumnPart, ColumnPick, InputColumns, WordPlan } from "../ir/plan.ts";
import { readingNamed } from "../ir/recipe/columns/index.ts";
import { isReading, LABEL, partsOf } from "../ir/recipe/sources/table.ts";
import type * as Ast from "./ast.ts";
import { evaluate } from "./evaluate.ts";
import type { Environment } from "./evaluate.ts";
import { describeExpr } from "./values.ts";

const COLUMN = "a name, a string, a place such as `3`, places such as `3..30`";

type Simple = Exclude<ColumnPick, { readonly except: unknown }>;

/** A column by its name or place, or a range of them; undefined for anything else. */
function simpleFrom(it: Ast.Expr, env: Environment): Simple | undefined {
  if (it.kind === "ref") return it.name;
  if (it.kind === "string") return it.value;
  if (it.kind === "number") return isPlace(it.value) && it.unit === undefined ? it.value : undefined;
  if (it.kind !== "binary" || it.operator !== "..") return undefined;
  const range = evaluate(it, env);
  if (typeof range !== "object" || !("kind" in range) || range.kind !== "range") return undefined;
  const { from, to } = range;
  return isPlace(from) && isPlace(to) && from < to ? { from, to } : undefined;
}

const isPlace = (value: number): boolean => Number.isInteger(value) && value >= 0 && value < 2 ** 31;

/** Undefined after a report. */
export function columnFrom(it: Ast.Expr, what: string, env: Environment, wanted = COLUMN): Simple | undefined {
  const column = simpleFrom(it, env);
  if (column === undefined) env.sink.report("wrong-type", it.span, { what, wanted, got: describeExpr(it) });
  return column;
}

function pickFrom(it: Ast.Expr, what: string, env: Environment): ColumnPick | undefined {
  if (it.kind !== "rest") return columnFrom(it, what, env, `${COLUMN}, or \`*\` for all others`);
  const listed = it.except === undefined ? [] : it.except.kind === "list" ? it.except.items : [it.except];
  const except = listed.flatMap((item) => columnFrom(item, "what `*` leaves out", env) ?? []);
  return except.length === listed.length ? { except } : undefined;
}

/** Of a word that takes columns: all that are given without a name, or one list by its name. Undefined after a report. */
export function picksFrom(args: readonly Ast.Arg[], env: Environment): readonly ColumnPick[] | undefined {
  const exprs = args.flatMap(({ value }) => (value.kind === "list" ? value.items : [value]));
  const picks = exprs.flatMap((it) => pickFrom(it, "a column", env) ?? []);
  return picks.length === exprs.length ? picks : undefined;
}

/**
 * A table's columns by the inputs that they feed: `input: columns`, or one name for both. Undefined after a report.
 * @param read the plan of a word that reads columns
 */
export function columnsFrom(
  args: readonly Ast.Arg[],
  read: (it: Ast.Expr) => WordPlan | undefined,
  env: Environment,
): InputColumns | undefined {
  const columns = new Map<string, InputColumns[string]>();
  let ok = true;
  for (const { name: given, nameSpan, span, value } of args) {
    const name = given ?? (value.kind === "ref" ? value.name : undefined);
    if (name === undefined) {
      env.sink.report("wrong-type", span, { what: "a column", wanted: "`INPUT: COLUMN`, or one name for both", got: describeExpr(value) });
      ok = false;
      continue;
    }
    const parts = (value.kind === "list" ? value.items : [value]).map((it) =>
      it.kind === "call" ? read(it) : pickFrom(it, `column \`${name}\``, env),
    );
    if (columns.has(name)) env.sink.report("duplicate-argument", nameSpan ?? span, { name });
    const known = parts.filter((it) => it !== undefined);
    const [only] = known;
    columns.set(name, value.kind === "list" || only === undefined ? known : only);
    ok &&= known.length === parts.length && fits(name, columns.get(name) ?? [], value, env);
  }
  return ok ? Object.fromEntries(columns) : undefined;
}

export const LABEL_COLUMNS = "a name, a string or a place: labels are taken as the loss needs them";

/** Whether labels can be made of columns. */
export const areLabels = (columns: InputColumns[string]): boolean =>
  partsOf(columns).every((part) => (isReading(part) ? isSequence(part) : typeof part !== "object" || !("except" in part)));

/** Whether the values of these columns can stand beside each other. */
function fits(name: string, columns: InputColumns[string], value: Ast.Expr, env: Environment): boolean {
  const parts: readonly ColumnPart[] = partsOf(columns);
  const words = parts.filter(isReading);
  const refuse = (wanted: string): false => {
    env.sink.report("wrong-type", value.span, { what: `column \`${name}\``, wanted, got: describeExpr(value) });
    return false;
  };
  if (name === LABEL && !areLabels(columns)) return refuse(LABEL_COLUMNS);
  const alone = words.find((word) => isSequence(word) || isPlaceOfCategory(word));
  if (alone === undefined) return true;
  const isAlone = !Array.isArray(columns) && parts.length === 1 && (alone.args["columns"] as readonly ColumnPick[]).length === 1;
  return isAlone || refuse(`\`${alone.word}\` of one column, alone: what it reads does not stand beside other numbers`);
}

const isSequence = ({ word }: WordPlan): boolean => readingNamed(word).kind === "sequence";

const isPlaceOfCategory = ({ word }: WordPlan): boolean => {
  const reading = readingNamed(word);
  return reading.kind === "category" && !reading.isOneHot;
};
