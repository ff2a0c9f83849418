// Concrete to abstract syntax: drops the punctuation, gives every node its span, sorts out operator precedence, and reports what
// the grammar lets pass but the language does not have.

import type * as Ast from "./ast.ts";
import { bodyFromCst, expressionFromCst, statementFromCst } from "./to-ast-body.ts";
import { all, Incomplete, nameOf, node, spanOf, token, tokenSpan, tokens } from "./to-ast-cst.ts";
import type { AstContext } from "./to-ast-cst.ts";
import { datasetSettingFromCst, recipeSettingFromCst } from "./to-ast-settings.ts";
import { stringValue } from "./to-ast-body.ts";
import type { CstNode } from "./tokens.ts";

export { expressionFromCst } from "./to-ast-body.ts";
export { datasetSettingFromCst, recipeSettingFromCst } from "./to-ast-settings.ts";
export type { AstContext } from "./to-ast-cst.ts";

export function specFromCst(
  cst: CstNode,
  context: AstContext,
  text: string,
): {
  readonly spec: Ast.Spec;
  readonly broken: ReadonlySet<string>;
  readonly partial: readonly Ast.PartialDeclaration[];
  readonly misspelt: readonly Ast.MisspeltSetting[];
} {
  const { file } = context;
  const imports: Ast.Import[] = [];
  const declarations: Ast.Declaration[] = [];
  const broken = new Set<string>(context.strays);
  const partial: Ast.PartialDeclaration[] = [];
  const items = all(cst, "declaration");
  for (const [i, item] of items.entries()) {
    const start = item.location?.startOffset ?? 0;
    const end = items[i + 1]?.location?.startOffset ?? Infinity;
    const inner = Object.values(item.children)[0]?.[0];
    if (inner === undefined || !("children" in inner)) continue;
    const faulty = (): boolean => context.faultAt.some((offset) => offset >= start && offset < end);
    const converted = faulty()
      ? undefined
      : attempt(() => (inner.name === "importDeclaration" ? importFromCst(inner, context) : declarationFromCst(inner, context)));
    if (converted === undefined || faulty()) {
      for (const name of declaredNames(inner, context)) broken.add(name);
      const rest = context.isBalanced ? attempt(() => partialFromCst(inner, context, Math.min(end, text.length))) : undefined;
      if (rest !== undefined) partial.push(rest);
    } else if (converted.kind === "import") imports.push(converted);
    else declarations.push(converted);
  }
  return {
    spec: { kind: "spec", span: { file, start: 0, end: text.length }, imports, declarations },
    broken,
    partial,
    misspelt: context.misspelt,
  };
}

function partialFromCst(cst: CstNode, context: AstContext, end: number): Ast.PartialDeclaration | undefined {
  const [body] = all(cst, "body");
  if ((cst.name !== "network" && cst.name !== "block") || body === undefined) return undefined;
  const { text, faultAt, file } = context;
  const start = cst.location?.startOffset ?? 0;
  const isIntact = (it: CstNode): boolean => {
    const { startOffset = 0, endOffset = Infinity } = it.location ?? {};
    const [from, to] = [text.lastIndexOf("\n", startOffset), text.indexOf("\n", endOffset)];
    return !faultAt.some((offset) => offset > from && (to === -1 || offset < to));
  };
  const statements = all(body, "statement")
    .filter(isIntact)
    .flatMap((it) => attempt(() => statementFromCst(it, context)) ?? []);
  let rest = text.slice(start, end);
  for (const { span } of statements)
    rest = `${rest.slice(0, span.start - start)}${" ".repeat(span.end - span.start)}${rest.slice(span.end - start)}`;
  const span = { file, start, end };
  const declared = { span, ...nameOf(cst, context), params: [], body: { kind: "body" as const, span, statements } };
  return { declaration: { kind: cst.name, ...declared }, words: new Set(rest.match(/[A-Za-z_]\w*/g)) };
}

function attempt<T>(convert: () => T): T | undefined {
  try {
    return convert();
  } catch (error) {
    if (error instanceof Incomplete) return undefined;
    throw error;
  }
}

/** What a declaration that cannot be read would have declared. */
function declaredNames(cst: CstNode, context: AstContext): string[] {
  if (cst.name === "importDeclaration")
    return all(cst, "importedName").map((name) => (tokens(name, "alias")[0] ?? tokens(name, "Identifier")[0])?.image ?? "");
  const quoted = /^"(\w+)"/.exec(context.text.slice((tokens(cst, `'${cst.name}'`)[0]?.endOffset ?? -1) + 1).trimStart())?.[1];
  return [...tokens(cst, "Identifier").map(({ image }) => image), ...(quoted === undefined ? [] : [quoted])];
}

function importFromCst(cst: CstNode, context: AstContext): Ast.Import {
  const from = token(cst, "StringLiteral");
  return {
    kind: "import",
    span: spanOf(cst, context),
    names: all(cst, "importedName").map((name) => {
      const alias = tokens(name, "alias")[0];
      return { ...nameOf(name, context), ...(alias === undefined ? {} : { as: alias.image }) };
    }),
    from: stringValue(from, context),
    fromSpan: tokenSpan(context, from),
  };
}

function declarationFromCst(cst: CstNode, context: AstContext): Ast.Declaration {
  const span = spanOf(cst, context);
  const doc = docBefore(cst, context);
  const declared = { span, ...nameOf(cst, context), ...(doc === undefined ? {} : { doc }) };
  switch (cst.name) {
    case "network":
      if (all(cst, "expression").length > 0)
        return { kind: "alias", ...declared, value: expressionFromCst(node(cst, "expression"), context) };
      return { kind: "network", ...declared, params: paramsFromCst(cst, context), body: bodyFromCst(node(cst, "body"), context) };
    case "block":
      return { kind: "block", ...declared, params: paramsFromCst(cst, context), body: bodyFromCst(node(cst, "body"), context) };
    case "dataset":
      return {
        kind: "dataset",
        ...declared,
        settings: all(cst, "datasetSetting").flatMap((setting) => datasetSettingFromCst(setting, context) ?? []),
      };
    case "recipe":
      return {
        kind: "recipe",
        ...declared,
        settings: settingsFromCst(cst, context, "a recipe"),
        stages: all(cst, "stage").map((stage) => ({
          kind: "stage" as const,
          span: spanOf(stage, context),
          ...nameOf(stage, context),
          settings: settingsFromCst(stage, context, "a stage"),
        })),
      };
    default:
      throw new Incomplete();
  }
}

const settingsFromCst = (cst: CstNode, context: AstContext, where: string): Ast.RecipeSetting[] =>
  all(cst, "recipeSetting").flatMap((setting) => recipeSettingFromCst(setting, context, where) ?? []);

function paramsFromCst(cst: CstNode, context: AstContext): Ast.Param[] {
  return all(cst, "params")
    .flatMap((params) => all(params, "param"))
    .map((param) => {
      const value = all(param, "expression")[0];
      return { ...nameOf(param, context), ...(value === undefined ? {} : { default: expressionFromCst(value, context) }) };
    });
}

/** The `///` lines directly above. */
function docBefore(cst: CstNode, context: AstContext): string | undefined {
  const lines: string[] = [];
  for (let line = (cst.location?.startLine ?? 0) - 1; ; line--) {
    const text = context.docs.get(line);
    if (text === undefined) break;
    lines.unshift(text);
  }
  return lines.length === 0 ? undefined : lines.join("\n");
}
