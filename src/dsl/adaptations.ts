// `adapt layer4.** with lora(rank: 8)`: which layers of a network get an adapter beside them. Its patterns are held to layers while the network
// is built, since only then it is known which there are; its weights stand under the layer's name, as PEFT writes them.

import { didYouMean, oneOf, type Span } from "../diagnostics.ts";
import { globsCover, namesAndScopes } from "../ir/glob.ts";
import type { Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import type { WordPlan } from "../ir/plan.ts";
import { adapterOf } from "../ir/recipe/adapters/index.ts";
import type * as Ast from "./ast.ts";
import type { Reporter } from "./evaluate.ts";
import { dropped } from "./layers/dropout.ts";
import type { AnyLayer, LayerContext } from "./layers/define.ts";
import { LAYERS } from "./layers/index.ts";
import { reportUnmatched } from "./patterns.ts";

export interface AdapterRule {
  readonly setting: Ast.SettingOf<"adapt">;
  readonly plan: WordPlan;
}

/** What a recipe says of adapters. */
export interface AdapterRules {
  readonly rules: readonly AdapterRule[];
  /** What begins with random values is trained whole, by its name. */
  readonly isNew: (parameter: string) => boolean;
}

/** As in PEFT: where there are adapters, all that the network had before them stays as it is. */
export const isLeftByAdapters =
  ({ rules, isNew }: AdapterRules) =>
  ({ name, adapter }: Pick<Parameter, "name" | "adapter">): boolean =>
    rules.length > 0 && adapter === undefined && !isNew(name);

const weightOf = (path: string): string => (path === "" ? "weight" : `${path}.weight`);

/** What is to be added to a layer's value, and how the weights of that are known. */
export interface Adapted {
  readonly scale: number;
  readonly add: (context: LayerContext, x: Node) => Node;
}

/** The adapters of a network while it is built. */
export class Adaptations {
  readonly #rules: readonly {
    readonly rule: AdapterRule;
    readonly covers: readonly ((name: string) => boolean)[];
    readonly met: boolean[];
  }[];
  readonly #isSpared: readonly ((name: string) => boolean)[];
  readonly #isNew: AdapterRules["isNew"];
  /** Where layers are that can be adapted. */
  readonly #layers: string[] = [];

  constructor({ rules, isNew }: AdapterRules = { rules: [], isNew: () => false }) {
    this.#rules = rules.map((rule) => ({
      rule,
      covers: rule.setting.globs.map(({ pattern }) => globsCover([pattern])),
      met: rule.setting.globs.map(() => false),
    }));
    this.#isSpared = rules.map(({ setting }) => globsCover(setting.except.map(({ pattern }) => pattern)));
    this.#isNew = isNew;
  }

  /** Asked once for each layer; undefined where it stays alone. */
  of({ lowRank }: AnyLayer, args: unknown, path: string, sink: Reporter): Adapted | undefined {
    const name = weightOf(path);
    if (lowRank === undefined || this.#rules.length === 0 || this.#isNew(name)) return undefined;
    this.#layers.push(path);
    const found = this.#rules.filter(({ covers, met }, at) => {
      const covering = covers.map((cover) => cover(name));
      covering.forEach((is, i) => (met[i] ||= is));
      return covering.includes(true) && this.#isSpared[at]?.(name) !== true;
    });
    const [first, second] = found.map(({ rule }) => rule);
    if (first && second)
      sink.report(
        "two-groups",
        second.setting.span,
        { setting: "adapt", name: path },
        { notes: [{ span: first.setting.span, text: "and this" }] },
      );
    if (!first) return undefined;
    const word = adapterOf(first.plan);
    const { args: values } = first.plan;
    return {
      scale: word.scale(values),
      add: (context, x) => {
        const given = x.type.dtype === "f32" ? dropped(context, x, word.dropout(values)) : x;
        return context.b.mul(lowRank(context, given, args as never, word.rank(values)), word.scale(values));
      },
    };
  }

  /** Patterns that meet nothing that could be adapted. */
  lint(parameters: readonly Parameter[], sink: Reporter): void {
    for (const { rule, met } of this.#rules) {
      const { globs, except } = rule.setting;
      for (const [i, glob] of globs.entries()) if (met[i] !== true) this.#reportIdle(glob, rule.plan, parameters, sink);
      for (const glob of except) reportUnmatched(glob, parameters, sink);
    }
  }

  #reportIdle(
    { pattern, span }: { readonly pattern: string; readonly span: Span },
    { word }: WordPlan,
    parameters: readonly Parameter[],
    sink: Reporter,
  ): void {
    const covered = parameters.find(({ name }) => globsCover([pattern])(name));
    const names = LAYERS.filter(({ lowRank }) => lowRank).map((layer) => layer.name);
    const stem = pattern.replace(/(\.\*\*?)+$/, "");
    const hint = covered
      ? this.#isNew(covered.name)
        ? `\`${covered.name}\` is new: it is trained whole`
        : `\`${word}\` is for ${oneOf(names)}`
      : (didYouMean(stem, namesAndScopes(this.#layers)) ??
        (this.#layers.length > 0 ? `there are ${oneOf(this.#layers.slice(0, 4))}` : undefined));
    sink.report("adapts-nothing", span, { pattern, adapter: word }, { hint });
  }
}
