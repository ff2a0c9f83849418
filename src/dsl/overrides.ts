// `--set path=value`: each override is a small spec text of its own, parsed by the same rules and put in the place of what the file
// says, so that it is checked like everything else and faults point into it.

import { didYouMean, oneOf } from "../diagnostics.ts";
import type { DiagnosticSink, Span } from "../diagnostics.ts";
import type { Word } from "../ir/recipe/define.ts";
import { AVERAGES } from "../ir/recipe/averages/index.ts";
import { CACHES } from "../ir/recipe/caches/index.ts";
import { LOSSES } from "../ir/recipe/losses/index.ts";
import { OPTIMIZERS } from "../ir/recipe/optimizers/index.ts";
import { PRECISIONS } from "../ir/recipe/precisions/index.ts";
import { SCHEDULES } from "../ir/recipe/schedules/index.ts";
import { SOURCES } from "../ir/recipe/sources/index.ts";
import type * as Ast from "./ast.ts";
import { headOf } from "./choose.ts";
import { hintForSetting } from "./hints.ts";
import type { Module } from "./module.ts";
import { commandLine } from "./paths.ts";
import { parseDatasetSetting, parseExpression, parseRecipeSetting } from "./parse.ts";
import { callableOf } from "./resolve.ts";
import { signatureOf } from "./signature.ts";
import { DATASET_KEYS, RECIPE_KEYS } from "./setting-keys.ts";

export interface Overridden {
  readonly recipe: Ast.RecipeDeclaration;
  /** Settings of the recipe's data set that stand in for those of the file, by key. */
  readonly data: ReadonlyMap<string, DataOverride>;
  /** Texts of the overrides, for code frames. */
  readonly sources: ReadonlyMap<string, string>;
}

export type DataOverride =
  { readonly kind: "setting"; readonly setting: Ast.DatasetSetting } | { readonly kind: "path"; readonly path: Ast.StringExpr };

/** Settings whose value is a word with arguments of its own, and the words. */
const WORDS: ReadonlyMap<string, readonly Word[]> = new Map<string, readonly Word[]>([
  ["loss", LOSSES],
  ["optimizer", OPTIMIZERS],
  ["schedule", SCHEDULES],
  ["average", AVERAGES],
  ["precision", PRECISIONS],
  ["features", CACHES],
]);

/** A whole source, rather than the path of one. */
const SOURCE_CALL = new RegExp(`^(${SOURCES.map(({ name }) => name).join("|")})\\s*\\(`);

export function applyOverrides(recipe: Ast.RecipeDeclaration, texts: readonly string[], module: Module, sink: DiagnosticSink): Overridden {
  const sources = new Map<string, string>();
  const data = new Map<string, DataOverride>();
  let current = recipe;
  for (const [i, text] of texts.entries()) {
    const file = commandLine(i);
    sources.set(file, text);
    current = new Override(file, text, module, sink).apply(current, data);
  }
  return { recipe: current, data, sources };
}

class Override {
  readonly #file: string;
  readonly #text: string;
  readonly #module: Module;
  readonly #sink: DiagnosticSink;
  readonly #equals: number;

  constructor(file: string, text: string, module: Module, sink: DiagnosticSink) {
    this.#file = file;
    this.#text = text;
    this.#module = module;
    this.#sink = sink;
    this.#equals = text.indexOf("=");
  }

  apply(recipe: Ast.RecipeDeclaration, data: Map<string, DataOverride>): Ast.RecipeDeclaration {
    const path = this.#text.slice(0, this.#equals).trim();
    const reason =
      this.#equals === -1
        ? "there is no `=`"
        : !/^\w+(\.\w+)*$/.test(path)
          ? "what stands before the `=` is no path"
          : this.#text.slice(this.#equals + 1).trim() === ""
            ? "there is no value"
            : undefined;
    if (reason !== undefined) {
      this.#sink.report(
        "bad-override",
        this.#span(),
        { text: this.#text, reason },
        { hint: "write `path=value`, for example `--set batch=32`" },
      );
      return recipe;
    }
    const segments = path.split(".");
    if (segments[0] === "data" && segments.length > 1) {
      this.#data(segments.slice(1), data);
      return recipe;
    }
    if (segments[0] !== "stage") {
      const settings = this.#settings(segments, recipe.settings, recipe.stages, true);
      // A stage's own value would otherwise win over what the command line asks for.
      const stages = recipe.stages.map((it) =>
        it.settings.some(({ key }) => key === segments[0]) ? { ...it, settings: this.#settings(segments, it.settings, [], false) } : it,
      );
      return { ...recipe, settings, stages };
    }
    const stage = recipe.stages.find(({ name }) => name === segments[1]);
    if (stage === undefined || segments.length < 3) {
      const names = recipe.stages.map(({ name }) => name);
      this.#unknown(
        path,
        stage === undefined ? `the recipe has no stage \`${segments[1] ?? ""}\`` : "a setting must follow",
        didYouMean(segments[1] ?? "", names),
      );
      return recipe;
    }
    const changed = { ...stage, settings: this.#settings(segments.slice(2), stage.settings, [], true) };
    return { ...recipe, stages: recipe.stages.map((it) => (it === stage ? changed : it)) };
  }

  /** The settings with one set, or with one argument of one set. `add`: also where it is not there yet. */
  #settings(
    segments: readonly string[],
    settings: readonly Ast.RecipeSetting[],
    stages: readonly Ast.Stage[],
    add: boolean,
  ): readonly Ast.RecipeSetting[] {
    const [key = "", argument] = segments;
    const path = segments.join(".");
    if (!RECIPE_KEYS.includes(key)) {
      const hint = this.#argumentHint(segments, settings) ?? hintForSetting(key) ?? didYouMean(key, RECIPE_KEYS);
      this.#unknown(path, `there is no setting \`${key}\``, hint);
      return settings;
    }
    const at = settings.findIndex((it) => it.key === key);
    if (argument === undefined) {
      // The same length, so that offsets are those of what was typed.
      const setting = parseRecipeSetting(
        this.#file,
        this.#text.replace(/^[\w.]+(?=\s*=)/, (it) => key.padStart(it.length)).replace("=", " "),
        this.#sink,
      );
      if (setting === undefined) return settings;
      return at !== -1
        ? settings.with(at, setting)
        : add && !stages.some((it) => it.settings.some((s) => s.key === key))
          ? [...settings, setting]
          : settings;
    }
    const setting = settings[at];
    const inStage = stages.some((it) => it.settings.some((s) => s.key === key));
    if (setting?.key === "loss" && setting.losses) return settings.with(at, this.#ofOutput(setting, setting.losses, segments));
    if (setting === undefined || !(key === "network" || WORDS.has(key)) || segments.length > 2) {
      if (setting === undefined && inStage) return settings;
      this.#unknown(path, setting === undefined ? `the recipe sets no \`${key}\`` : `\`${key}\` has no \`${segments.slice(1).join(".")}\``);
      return settings;
    }
    const call = setting as Ast.SettingOf<"network" | "optimizer">;
    const value = this.#value();
    return value === undefined ? settings : settings.with(at, { ...call, value: this.#withArgument(key, call.value, argument, value) });
  }

  /** `loss.age=mse * 0.5`, of a recipe with a loss for each output. */
  #ofOutput(
    setting: Ast.SettingOf<"loss">,
    losses: readonly Ast.OutputLoss[],
    [, name = "", ...more]: readonly string[],
  ): Ast.RecipeSetting {
    const at = losses.findIndex((it) => it.name === name);
    const loss = losses[at];
    if (loss === undefined || more.length > 0) {
      const reason = `\`loss\` has ${oneOf(losses.map((it) => it.name))}, each with a value`;
      this.#unknown(["loss", name, ...more].join("."), reason, `write \`loss.${(loss ?? losses[0])?.name ?? "OUTPUT"}=…\``);
      return setting;
    }
    const value = this.#value();
    return value === undefined
      ? setting
      : { kind: "setting", key: "loss", span: setting.span, losses: losses.with(at, { ...loss, value }) };
  }

  /** What stands behind the `=`, at the offsets at which it was typed. */
  #value(): Ast.Expr | undefined {
    return parseExpression(this.#file, " ".repeat(this.#equals + 1) + this.#text.slice(this.#equals + 1), this.#sink);
  }

  /** Where an argument was named without the setting that it is of: `lr`, `classes`. */
  #argumentHint(segments: readonly string[], settings: readonly Ast.RecipeSetting[]): string | undefined {
    const [name = "", ...more] = segments;
    if (more.length > 0) return undefined;
    const owner = settings.find((it) => {
      const head = (it.key === "network" || WORDS.has(it.key)) && "value" in it ? headOf(it.value) : undefined;
      return head !== undefined && this.#parametersOf(it.key, head.name.name).includes(name);
    });
    return owner === undefined ? undefined : `it is an argument of the ${owner.key}: \`--set ${owner.key}.${name}=…\``;
  }

  #withArgument(key: string, it: Ast.Expr, name: string, value: Ast.Expr): Ast.Expr {
    const head = headOf(it);
    if (head === undefined) return it;
    const names = this.#parametersOf(key, head.name.name);
    // By name, so that the one that is set can be taken out from among them.
    const kept = head.args.map((arg, i) => nameArgument(arg, names[i])).filter((arg) => arg.name !== name);
    const start = this.#text.slice(0, this.#equals).lastIndexOf(".") + 1;
    const nameSpan = { file: this.#file, start, end: start + name.length };
    return { kind: "call", span: it.span, callee: head.name, args: [...kept, { kind: "arg", span: value.span, name, nameSpan, value }] };
  }

  #parametersOf(key: string, name: string): readonly string[] {
    const word = WORDS.get(key)?.find((it) => it.name === name);
    if (word !== undefined) return Object.keys(word.args);
    const callable = callableOf(name, this.#module);
    return callable === undefined ? [] : signatureOf(callable).params.map((param) => param.name);
  }

  #data(segments: readonly string[], data: Map<string, DataOverride>): void {
    const [key = "", ...more] = segments;
    const value = this.#text.slice(this.#equals + 1).trim();
    if (!DATASET_KEYS.includes(key) || more.length > 0) {
      this.#unknown(`data.${segments.join(".")}`, `a data set has ${oneOf(DATASET_KEYS)}`, didYouMean(key, DATASET_KEYS));
      return;
    }
    if (["train", "val", "test"].includes(key) && !SOURCE_CALL.test(value)) {
      const start = this.#text.length - this.#text.slice(this.#equals + 1).trimStart().length;
      const path = value.replace(/^"(.*)"$/, "$1");
      data.set(key, { kind: "path", path: { kind: "string", span: { file: this.#file, start, end: start + value.length }, value: path } });
      return;
    }
    const text = this.#text.replace(/^[\w.]+(?=\s*=)/, (it) => key.padStart(it.length)).replace("=", " ");
    const setting = parseDatasetSetting(this.#file, text, this.#sink);
    if (setting !== undefined) data.set(key, { kind: "setting", setting });
  }

  #unknown(path: string, reason: string, hint?: string): void {
    this.#sink.report("unknown-override", { ...this.#span(), end: Math.max(1, this.#equals) }, { path, reason }, { hint });
  }

  #span(): Span {
    return { file: this.#file, start: 0, end: Math.max(1, this.#text.length) };
  }
}

function nameArgument(arg: Ast.Arg, name: string | undefined): Ast.Arg {
  return arg.name !== undefined || name === undefined ? arg : { ...arg, name, nameSpan: arg.span };
}

/** The data set as overridden. */
export function overrideData(
  declaration: Ast.DatasetDeclaration,
  overrides: ReadonlyMap<string, DataOverride>,
  sink: DiagnosticSink,
): Ast.DatasetDeclaration {
  let { settings } = declaration;
  for (const [key, override] of overrides) {
    const at = settings.findIndex((it) => it.key === key);
    if (override.kind === "setting") settings = at === -1 ? [...settings, override.setting] : settings.with(at, override.setting);
    else {
      const setting = settings[at];
      const source = setting !== undefined && "value" in setting ? setting.value : undefined;
      if (setting === undefined || source?.kind !== "call") {
        const example = settings.flatMap((it) =>
          "value" in it && it.value.kind === "call" && it.value.callee.kind === "ref" ? [it.value.callee.name] : [],
        );
        const hint = `give the whole source: \`data.${key}=${example[0] ?? "images"}("${override.path.value.replaceAll('"', "")}")\``;
        sink.report(
          "unknown-override",
          override.path.span,
          { path: `data.${key}`, reason: `data set \`${declaration.name}\` has no \`${key}\`` },
          { hint },
        );
        continue;
      }
      const first = source.args.findIndex((arg) => arg.name === undefined || arg.name === "path");
      const arg: Ast.Arg = { kind: "arg", span: override.path.span, value: override.path };
      const args = first === -1 ? [arg, ...source.args] : source.args.with(first, arg);
      settings = settings.with(at, { ...setting, value: { ...source, args } } as Ast.DatasetSetting);
    }
  }
  return { ...declaration, settings };
}
