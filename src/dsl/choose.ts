// Reads one word of a recipe or data set: a name, or a call of it with arguments, checked by the word's own definition.

import { didYouMeanOneOf, oneOf } from "../diagnostics.ts";
import type { DiagnosticSink, ReportExtra, Span } from "../diagnostics.ts";
import type { PlainValue, WordPlan } from "../ir/plan.ts";
import type { ArgSpecs, ArgType } from "../ir/recipe/arguments.ts";
import { READINGS } from "../ir/recipe/columns/index.ts";
import type { Problem, Word } from "../ir/recipe/define.ts";
import type * as Ast from "./ast.ts";
import { evaluate } from "./evaluate.ts";
import type { Environment, Reporter } from "./evaluate.ts";
import { columnsFrom, picksFrom } from "./columns.ts";
import { wordMeant } from "./hints.ts";
import { checkArguments } from "./layer-call.ts";
import { folderOf, isAbsolute, isCommandLine, joinPath } from "./paths.ts";
import { bindArguments } from "./signature.ts";
import { describeExpr, pathOf, UNKNOWN } from "./values.ts";
import type { Value } from "./values.ts";

/** A word with its plan. */
export interface Choice<W extends Word = Word> {
  readonly word: W;
  readonly plan: WordPlan;
}

/** Words that could be meant and belong elsewhere, with what to say then. */
export interface Elsewhere {
  readonly words: readonly Word[];
  readonly hint: string;
}

type Arguments = Readonly<Record<string, PlainValue>>;

/** The name and arguments of `sgd` or `sgd(lr: 0.1)`. */
export function headOf(it: Ast.Expr): { readonly name: Ast.RefExpr; readonly args: readonly Ast.Arg[] } | undefined {
  if (it.kind === "ref") return { name: it, args: [] };
  return it.kind === "call" && it.callee.kind === "ref" ? { name: it.callee, args: it.args } : undefined;
}

/** @param what the kind of word, as a message names it: `loss` */
export function choose<W extends Word>(
  what: string,
  it: Ast.Expr,
  words: readonly W[],
  env: Environment,
  elsewhere?: Elsewhere,
): Choice<W> | undefined {
  const head = headOf(it);
  const names = words.map(({ name }) => name);
  if (head === undefined) {
    const problem = { what: `the ${what}`, wanted: oneOf(names), got: describeExpr(it) };
    env.sink.report("wrong-type", it.span, problem, { hint: hintForWord(it, words) });
    return undefined;
  }
  const { name, span } = head.name;
  const word = words.find((candidate) => candidate.name === name);
  if (word === undefined) {
    const isElsewhere = elsewhere?.words.some((candidate) => candidate.name === name) === true;
    env.sink.report(
      "unknown-choice",
      span,
      { what, name },
      { hint: isElsewhere ? elsewhere.hint : (wordMeant(name, names) ?? didYouMeanOneOf(name, names)) },
    );
    return undefined;
  }
  const args = word.presets === undefined ? undefined : presetOf(word.name, word.presets, head.args, env);
  const checked = args ?? argumentsOf(word, head, it.span, env);
  return checked === undefined || checked === "unknown" ? undefined : { word, plan: { word: word.name, args: checked } };
}

/** For what stands in the place of a word. */
function hintForWord(it: Ast.Expr, words: readonly Word[]): string | undefined {
  if (it.kind === "list") return "names stand one after the other, parted by `,`, without brackets";
  if (it.kind !== "string") return undefined;
  const named = words.find(({ name }) => name === it.value.toLowerCase());
  if (named !== undefined) return `names stand without quotes: \`${named.name}\``;
  const [first] = words;
  return first !== undefined && "path" in first.args ? `write \`${first.name}("${it.value}")\`` : undefined;
}

/** What `word(NAME)` stands for; undefined where the arguments are no such name. */
function presetOf(
  word: string,
  presets: Readonly<Record<string, object>>,
  args: readonly Ast.Arg[],
  env: Environment,
): Arguments | "unknown" | undefined {
  const [only, more] = args;
  if (only?.value.kind !== "ref" || only.name !== undefined || more !== undefined) return undefined;
  const { name, span } = only.value;
  if (Object.hasOwn(presets, name)) return presets[name] as Arguments;
  env.sink.report("unknown-choice", span, { what: `\`${word}\` preset`, name }, { hint: didYouMeanOneOf(name, Object.keys(presets)) });
  return "unknown";
}

function argumentsOf(
  { name, args: specs, check }: Word,
  head: { readonly name: Ast.RefExpr; readonly args: readonly Ast.Arg[] },
  span: Span,
  env: Environment,
): Arguments | undefined {
  const { others, columns } = partColumns(name, specs, head);
  const params = Object.entries(specs).flatMap(([key, spec]) =>
    key === columns?.name ? [] : [{ name: key, required: !("default" in spec) }],
  );
  const { bound, ok } = bindArguments({ name, params }, others, head.name.span, env.sink as DiagnosticSink);
  // Names such as `mean` stand for themselves where a word takes them, also those that it does not know; and `images(data/train)` is no
  // division.
  const valueOf = (expr: Ast.Expr, type: ArgType): Value => {
    if ((type === "fill" || type === "word" || type === "measure") && expr.kind === "ref") return expr.name;
    const path = type === "measure" && expr.kind === "member" ? pathOf(expr) : undefined;
    if (path) return path.join(".");
    return type === "path" ? pathValue(expr, env) : evaluate(expr, env);
  };
  const values = checkArguments(name, specs, bound, valueOf, env.sink);
  const read = columns?.read(env);
  if (!ok || values === undefined || (columns && read === undefined)) return undefined;
  const args = { ...values } as Record<string, PlainValue>;
  if (columns && read) args[columns.name] = read;
  if (!resolvePaths(specs, args, bound, span, env.sink)) return undefined;
  const problem = check?.(args);
  if (problem === undefined) return args;
  reportProblem(env.sink, span, problem);
  return undefined;
}

function pathValue(it: Ast.Expr, env: Environment): Value {
  if (!["ref", "member", "binary"].includes(it.kind)) return evaluate(it, env);
  const problem = { what: "a path", wanted: "a string", got: describeExpr(it) };
  env.sink.report("wrong-type", it.span, problem, { hint: 'a path stands in quotes: `"data/train"`' });
  return UNKNOWN;
}

/** The arguments of a word that takes columns, apart from those that it has beside them. */
function partColumns(
  of: string,
  specs: ArgSpecs,
  { name: place, args }: { readonly name: Ast.RefExpr; readonly args: readonly Ast.Arg[] },
): {
  readonly others: readonly Ast.Arg[];
  readonly columns?: { readonly name: string; readonly read: (env: Environment) => PlainValue | undefined };
} {
  const [name, spec] = Object.entries(specs).find(([, { type }]) => type === "columns" || type === "picks") ?? [];
  if (name === undefined || spec === undefined) return { others: args };
  const others = Object.keys(specs).filter((key) => key !== name);
  const byPlace = others.filter((key) => specs[key] && !("default" in specs[key])).length;
  const isOther = (arg: Ast.Arg, i: number): boolean =>
    arg.name === undefined ? i < byPlace : others.includes(arg.name) || (spec.type === "picks" && arg.name !== name);
  const own = args.filter((arg, i) => !isOther(arg, i));
  const read = (env: Environment): PlainValue | undefined => {
    if (spec.type === "columns") return columnsFrom(own, (reading) => choose("word for columns", reading, READINGS, env)?.plan, env);
    if (own.length === 0 && !("default" in spec)) {
      env.sink.report("missing-argument", place.span, { name, of }, { hint: `write \`${of}(COLUMN)\`` });
      return undefined;
    }
    return picksFrom(own, env);
  };
  return { others: args.filter(isOther), columns: { name, read } };
}

/** Paths of a spec are relative to its folder, those of `--set` to the working directory. False after a report. */
function resolvePaths(
  specs: ArgSpecs,
  args: Record<string, PlainValue>,
  bound: ReadonlyMap<string, Ast.Expr>,
  place: Span,
  sink: Reporter,
): boolean {
  for (const [key, { type }] of Object.entries(specs)) {
    const path = args[key];
    if (type !== "path" || typeof path !== "string") continue;
    const resolved = resolvePath(path, bound.get(key)?.span ?? place, sink);
    if (resolved === undefined) return false;
    args[key] = resolved;
  }
  return true;
}

/** Undefined after a report. */
export function resolvePath(path: string, span: Span, sink: Reporter): string | undefined {
  // eslint-disable-next-line no-control-regex
  const hasControls = /[\u0000-\u001f]/.test(path);
  const reason = path === "" ? "it is empty" : hasControls ? "it contains a control character" : otherEncoding(path);
  if (reason === undefined) return isAbsolute(path) || isCommandLine(span.file) ? path : joinPath(folderOf(span.file), path);
  const hint = hasControls ? "folders are parted by `/`, on Windows too; in a string `\\t` is a tab" : undefined;
  sink.report("bad-path", span, { path, reason }, { hint });
  return undefined;
}

const otherEncoding = (path: string): string | undefined => (path.includes("\ufffd") ? "the file of the spec is not in UTF-8" : undefined);

/** Reports what a word found, at the place where it was asked for. */
export function reportProblem(sink: Reporter, span: Span, { name, params, hint }: Problem, extra: ReportExtra = {}): void {
  sink.report(name, span, params, { ...extra, hint: hint ?? extra.hint });
}
