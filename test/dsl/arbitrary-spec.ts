// Random ASTs, for properties that must hold for every spec. Spans are not meaningful.

import fc from "fast-check";
import type * as Ast from "../../src/dsl/ast.ts";
import { BINARY_OPERATORS } from "../../src/dsl/ast.ts";

const span = { file: "", start: 0, end: 0 };
const RESERVED = ["let", "if", "then", "else", "for", "in", "and", "or", "not", "true", "false"];
const name = fc
  .oneof(
    fc.constantFrom("a", "planes", "x", "network", "block", "input", "__proto__", "constructor", "seed", "train", "clip"),
    fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,6}$/),
  )
  .filter((it) => !RESERVED.includes(it));
const named = name.map((it) => ({ name: it, nameSpan: span }));
const text = fc.string({ unit: "grapheme", maxLength: 8 });

const number = fc
  .record({
    value: fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true, noDefaultInfinity: true })),
    unit: fc.constantFrom(undefined, "%" as const, "x" as const),
  })
  .map(({ value, unit }): Ast.NumberExpr => ({
    kind: "number",
    span,
    // Units stand behind plain decimals.
    value: Object.is(value, -0) ? 0 : unit === undefined ? value : Math.round(value % 1000),
    ...(unit === undefined ? {} : { unit }),
  }));

const chain = (steps: Ast.Step[]): Ast.ChainStatement => ({ kind: "chain", span, steps });

// Not an interface: fast-check wants an index signature.
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
type Tied = {
  readonly expr: Ast.Expr;
  readonly body: Ast.Body;
  readonly step: Ast.Step;
};

const tied = fc.letrec<Tied>((tie) => {
  const inner = tie("expr");
  const leaf = fc.oneof(
    number,
    text.map((value): Ast.Expr => ({ kind: "string", span, value })),
    fc.boolean().map((value): Ast.Expr => ({ kind: "bool", span, value })),
    name.map((it): Ast.Expr => ({ kind: "ref", span, name: it })),
  );
  const args = fc
    .tuple(fc.array(inner, { maxLength: 2 }), fc.array(fc.tuple(named, inner), { maxLength: 2 }))
    .map(([first, rest]): Ast.Arg[] => [
      ...first.map((value): Ast.Arg => ({ kind: "arg", span, value })),
      ...rest.map(([it, value]): Ast.Arg => ({ kind: "arg", span, ...it, value })),
    ]);
  const branch = fc.oneof(inner, tie("body"));
  return {
    expr: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      leaf,
      fc.array(inner, { maxLength: 3 }).map((items): Ast.Expr => ({ kind: "list", span, items })),
      fc.option(inner, { nil: undefined }).map((except): Ast.Expr => ({ kind: "rest", span, ...(except !== undefined && { except }) })),
      fc.tuple(inner, named).map(([object, it]): Ast.Expr => ({ kind: "member", span, object, ...it })),
      fc.tuple(inner, inner).map(([object, index]): Ast.Expr => ({ kind: "index", span, object, index })),
      fc.tuple(inner, args).map(([callee, it]): Ast.Expr => ({ kind: "call", span, callee, args: it })),
      fc
        .tuple(fc.constantFrom("-" as const, "not" as const), inner)
        .map(([operator, operand]): Ast.Expr => ({ kind: "unary", span, operator, operand })),
      fc
        .tuple(fc.constantFrom(...BINARY_OPERATORS), inner, inner)
        .map(([operator, left, right]): Ast.Expr => ({ kind: "binary", span, operator, left, right })),
      fc
        .tuple(fc.array(fc.record({ condition: inner, then: branch }), { minLength: 1, maxLength: 2 }), branch)
        .map(([arms, otherwise]): Ast.Expr => ({ kind: "if", span, arms, otherwise })),
    ),
    step: fc
      .record({
        label: fc.option(
          fc.oneof(
            fc.constantFrom<readonly (string | Ast.Expr)[]>(["conv1"], ["0"], ["layer.0.conv"], [{ kind: "ref", span, name: "i" }]),
            inner.map((it): readonly (string | Ast.Expr)[] => ["layer", it, "_b"]),
          ),
          { nil: undefined },
        ),
        action: fc.oneof(
          { weight: 4, arbitrary: inner },
          { weight: 1, arbitrary: tie("body") },
          {
            weight: 1,
            arbitrary: fc
              .tuple(named, fc.option(name, { nil: undefined }), inner, tie("body"))
              .map(([it, index, list, body]): Ast.ForLoop => ({
                kind: "for",
                span,
                ...it,
                ...(index === undefined ? {} : { index, indexSpan: span }),
                list,
                body,
              })),
          },
        ),
      })
      .map(({ label, action }): Ast.Step => ({
        kind: "step",
        span,
        ...(label === undefined ? {} : { label: { kind: "label", span, parts: label } }),
        action,
      })),
    body: fc
      .array(
        fc.oneof(
          { maxDepth: 3, depthSize: "small" },
          fc.array(tie("step"), { minLength: 1, maxLength: 3 }).map(chain),
          fc
            .tuple(named, fc.array(tie("step"), { minLength: 1, maxLength: 2 }))
            .map(([it, steps]): Ast.Statement => ({ kind: "let", span, ...it, steps })),
          fc
            .tuple(named, fc.array(tie("step"), { minLength: 1, maxLength: 2 }))
            .map(([it, steps]): Ast.Statement => ({ kind: "output", span, ...it, steps })),
          fc
            .tuple(named, fc.array(inner, { maxLength: 3 }))
            .map(([it, shape]): Ast.Statement => ({ kind: "input", span, ...it, dtype: "f32", dtypeSpan: span, shape })),
        ),
        { maxLength: 3 },
      )
      .map((statements): Ast.Body => ({ kind: "body", span, statements })),
  };
});

const glob = fc
  .constantFrom("fc", "**", "*.bias", "layer1.**", "a.0.1.b", "bn*.weight", "encoder.layer.11.*")
  .map((pattern): Ast.Glob => ({ kind: "glob", span, pattern }));
const globs = fc.array(glob, { minLength: 1, maxLength: 2 });
const entries = fc.array(fc.record({ glob, factor: tied.expr }), { minLength: 1, maxLength: 2 });
const base = { kind: "setting", span } as const;
const recipeSetting: fc.Arbitrary<Ast.RecipeSetting> = fc.oneof(
  fc
    .tuple(fc.constantFrom("network", "data", "batch", "seed", "schedule", "accumulate", "average", "features"), tied.expr)
    .map(([key, value]) => ({ ...base, key, value })),
  tied.expr.map((value) => ({ ...base, key: "loss" as const, value })),
  fc
    .array(fc.tuple(named, tied.expr), { minLength: 1, maxLength: 2 })
    .map((losses) => ({ ...base, key: "loss" as const, losses: losses.map(([it, value]) => ({ span, ...it, value })) })),
  fc
    .tuple(tied.expr, fc.option(tied.expr, { nil: undefined }))
    .map(([value, clip]) => ({ ...base, key: "optimizer" as const, value, ...(clip === undefined ? {} : { clip }) })),
  fc.tuple(globs, fc.oneof(fc.constant([]), globs)).map(([it, except]) => ({ ...base, key: "freeze" as const, globs: it, except })),
  globs.map((it) => ({ ...base, key: "recompute" as const, globs: it })),
  entries.map((it) => ({ ...base, key: "rate" as const, entries: it })),
  fc.tuple(tied.expr, globs).map(([factor, it]) => ({ ...base, key: "rate" as const, entries: [], layers: { factor, globs: it } })),
  fc
    .oneof(
      fc.tuple(tied.expr, fc.oneof(fc.constant([]), globs)).map(([value, except]) => ({ value, entries: [], except })),
      fc.tuple(entries, fc.oneof(fc.constant([]), globs)).map(([it, except]) => ({ entries: it, except })),
      globs.map((except) => ({ entries: [], except })),
    )
    .map((it) => ({ ...base, key: "decay" as const, ...it })),
  fc
    .tuple(tied.expr, fc.option(globs, { nil: undefined }), fc.oneof(fc.constant([]), globs))
    .map(([value, on, except]) => ({ ...base, key: "regularize" as const, value, ...(on && { on }), except })),
  fc.tuple(fc.constantFrom("fc", "big"), tied.expr, fc.option(tied.expr, { nil: undefined })).map(([name, value, how]) => ({
    ...{ ...base, key: "distill" as const, network: { kind: "ref" as const, span, name } },
    weights: { ...base, key: "weights" as const, value, drop: [], new: [] },
    ...(how && { with: how }),
  })),
  // Behind `weights` only the name tells it from that setting's own `adapt`.
  fc.tuple(globs, fc.oneof(fc.constant([]), globs)).map(([it, except]) => ({
    ...{ ...base, key: "adapt" as const, globs: it, except },
    with: { kind: "ref" as const, span, name: "lora" },
  })),
  fc.tuple(tied.expr, fc.boolean(), fc.option(tied.expr, { nil: undefined })).map(([patience, keepBest, within]) => ({
    ...{ ...base, key: "stop" as const, metric: "val.loss", patience, keepBest },
    ...(within && { within }),
  })),
  fc.constantFrom({ ...base, key: "keep" as const }, { ...base, key: "keep" as const, metric: "val.accuracy" }),
  fc
    .tuple(
      tied.expr,
      fc.oneof(fc.constant([]), globs),
      fc.oneof(fc.constant([]), globs),
      fc.array(fc.record({ from: glob, to: glob }), { maxLength: 2 }),
      fc.array(fc.record({ target: glob, with: tied.expr }), { maxLength: 2 }),
    )
    .map(([value, drop, added, rename, adapt]) => ({
      ...{ ...base, key: "weights" as const, value, drop, new: added },
      ...(rename.length > 0 && { rename }),
      ...(adapt.length > 0 && { adapt }),
    })),
  fc
    .tuple(glob, fc.array(tied.step, { minLength: 1, maxLength: 2 }))
    .map(([target, steps]) => ({ ...base, key: "replace" as const, target, with: steps })),
  fc.array(tied.expr, { minLength: 1, maxLength: 2 }).map((values) => ({ ...base, key: "metrics" as const, values })),
);
const datasetSetting: fc.Arbitrary<Ast.DatasetSetting> = fc.oneof(
  fc
    .tuple(fc.constantFrom("train" as const, "val" as const, "test" as const, "tokenize" as const), tied.expr)
    .map(([key, value]) => ({ ...base, key, value })),
  fc
    .tuple(fc.constantFrom("preprocess" as const, "augment" as const), fc.array(tied.expr, { minLength: 1, maxLength: 2 }))
    .map(([key, steps]) => ({ ...base, key, steps })),
  fc
    .tuple(
      name,
      fc.array(
        fc
          .tuple(named, tied.expr, fc.boolean())
          .map(([it, fraction, isCounted]) => ({ ...it, fraction, ...(isCounted && { perClass: true as const }) })),
        { minLength: 1, maxLength: 2 },
      ),
      fc.option(tied.expr, { nil: undefined }),
    )
    .map(([from, parts, seed]) => ({
      ...base,
      key: "split" as const,
      from,
      fromSpan: span,
      parts,
      ...(seed === undefined ? {} : { seed }),
    })),
);
const doc = fc
  .option(fc.constantFrom("One line.", "Two\n\nparagraphs."), { nil: undefined })
  .map((it) => (it === undefined ? {} : { doc: it }));
const params = fc.array(
  fc
    .tuple(named, fc.option(tied.expr, { nil: undefined }))
    .map(([it, value]) => ({ ...it, ...(value === undefined ? {} : { default: value }) })),
  { maxLength: 2 },
);
const declaration: fc.Arbitrary<Ast.Declaration> = fc.oneof(
  fc
    .tuple(fc.constantFrom("network" as const, "block" as const), named, doc, params, tied.body)
    .map(([kind, it, docs, list, body]) => ({ kind, span, ...it, ...docs, params: list, body })),
  fc.tuple(named, doc, tied.expr).map(([it, docs, value]) => ({ kind: "alias" as const, span, ...it, ...docs, value })),
  fc
    .tuple(named, doc, fc.array(datasetSetting, { maxLength: 3 }))
    .map(([it, docs, settings]) => ({ kind: "dataset" as const, span, ...it, ...docs, settings })),
  fc
    .tuple(
      named,
      doc,
      fc.array(recipeSetting, { maxLength: 3 }),
      fc.array(fc.tuple(named, fc.array(recipeSetting, { maxLength: 2 })), { maxLength: 2 }),
    )
    .map(([it, docs, settings, stages]) => ({
      kind: "recipe" as const,
      span,
      ...it,
      ...docs,
      settings,
      stages: stages.map(([stage, own]) => ({ kind: "stage" as const, span, ...stage, settings: own })),
    })),
);
const imported: fc.Arbitrary<Ast.Import> = fc
  .tuple(
    fc.array(
      fc.tuple(named, fc.option(name, { nil: undefined })).map(([it, as]) => ({ ...it, ...(as === undefined ? {} : { as }) })),
      { maxLength: 2 },
    ),
    text,
  )
  .map(([names, from]) => ({ kind: "import", span, names, from, fromSpan: span }));

export const arbitrarySpec: fc.Arbitrary<Ast.Spec> = fc
  .tuple(fc.array(imported, { maxLength: 2 }), fc.array(declaration, { maxLength: 3 }))
  .map(([imports, declarations]) => ({ kind: "spec", span, imports, declarations }));
