// Reading chevrotain's concrete syntax: children by name, tokens, spans. A missing child means that the parser had to skip
// something; the declaration around it is then given up by one exception.

import type { DiagnosticName, DiagnosticSink, ParamsOf, ReportExtra, Span } from "../diagnostics.ts";
import type * as Ast from "./ast.ts";
import type { CstNode, Token } from "./tokens.ts";

export interface AstContext {
  readonly file: string;
  readonly text: string;
  readonly sink: DiagnosticSink;
  /** Doc comments by line. */
  readonly docs: ReadonlyMap<number, string>;
  /** Offsets of faults of syntax: what is around one is not read further. */
  readonly faultAt: number[];
  /** Names behind misspelt declarations. */
  readonly strays: ReadonlySet<string>;
  readonly tokens: readonly Token[];
  /** Settings that are there under another name, added as they are found: those are not missing as well. */
  readonly misspelt: Ast.MisspeltSetting[];
  /** Whether every bracket is closed; where one is not, what stands behind it may be anything. */
  readonly isBalanced: boolean;
}

/** Reports a fault after which the declaration around it would only give more. */
export function refuse<N extends DiagnosticName>(
  { sink, faultAt }: AstContext,
  name: N,
  span: Span,
  params: ParamsOf<N>,
  extra?: ReportExtra,
): void {
  sink.report(name, span, params, extra);
  faultAt.push(span.start);
}

/** Thrown where the parser recovered over a hole; it never leaves to-ast. */
export class Incomplete extends Error {}

export const all = (cst: CstNode, name: string): CstNode[] =>
  (cst.children[name] ?? []).filter((child): child is CstNode => "children" in child);

export const tokens = (cst: CstNode, name: string): Token[] =>
  (cst.children[name] ?? []).filter((child): child is Token => !("children" in child));

export function node(cst: CstNode, name: string): CstNode {
  const found = all(cst, name)[0];
  if (found === undefined) throw new Incomplete();
  return found;
}

export function token(cst: CstNode, name: string): Token {
  const found = tokens(cst, name)[0];
  if (found === undefined || Number.isNaN(found.startOffset)) throw new Incomplete();
  return found;
}

export const tokenSpan = ({ file }: AstContext, { startOffset, endOffset }: Token): Span => ({
  file,
  start: startOffset,
  end: (endOffset ?? startOffset) + 1,
});

export function spanOf(cst: CstNode, { file }: AstContext): Span {
  const { startOffset, endOffset } = cst.location ?? {};
  if (startOffset === undefined || endOffset === undefined || Number.isNaN(startOffset) || Number.isNaN(endOffset)) throw new Incomplete();
  return { file, start: startOffset, end: endOffset + 1 };
}

export const join = (from: Span, to: Span): Span => ({ file: from.file, start: from.start, end: to.end });

/** The `name` and `nameSpan` of a node whose first identifier is its name. */
export function nameOf(cst: CstNode, context: AstContext, child = "Identifier"): { readonly name: string; readonly nameSpan: Span } {
  const name = token(cst, child);
  return { name: name.image, nameSpan: tokenSpan(context, name) };
}
