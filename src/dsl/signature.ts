// Which argument fills which parameter: one rule for layers, blocks, networks, optimizers, losses and data steps.

import { didYouMean, oneOf } from "../diagnostics.ts";
import type { DiagnosticSink, Span } from "../diagnostics.ts";
import type { Arg, Expr } from "./ast.ts";
import type { Callable } from "./values.ts";

export interface Signature {
  readonly name: string;
  readonly params: readonly { readonly name: string; readonly required: boolean }[];
  /** Arguments that can only be given by name: a network's further inputs. */
  readonly namedOnly?: readonly string[];
  readonly declaredAt?: Span;
}

/** The parameters of `it` that are still to be given. */
export function signatureOf(it: Callable): Signature {
  if (it.kind === "layer") {
    const params = Object.entries(it.layer.args).map(([name, spec]) => ({ name, required: !("default" in spec) }));
    return { name: it.layer.name, params };
  }
  const { declaration } = it;
  const bound = it.kind === "network" ? it.bound : undefined;
  // An alias's arguments can be given anew by name, but positional ones go on behind them.
  const params = declaration.params
    .filter(({ name }) => bound?.has(name) !== true)
    .map((param) => ({ name: param.name, required: param.default === undefined }));
  const inputs = declaration.kind === "network" ? declaration.body.statements.filter((it) => it.kind === "input").map((it) => it.name) : [];
  return { name: declaration.name, params, namedOnly: [...(bound?.keys() ?? []), ...inputs.slice(1)], declaredAt: declaration.nameSpan };
}

/** Expressions by parameter name. Reports what does not fit, and leaves it out; missing ones only where `complete`. */
export function bindArguments(
  signature: Signature,
  args: readonly Arg[],
  callSpan: Span,
  sink: DiagnosticSink,
  complete = true,
): { readonly bound: ReadonlyMap<string, Expr>; readonly ok: boolean } {
  const bound = new Map<string, Expr>();
  const known = [...signature.params.map(({ name }) => name), ...(signature.namedOnly ?? [])];
  const notes = signature.declaredAt === undefined ? [] : [{ span: signature.declaredAt, text: `\`${signature.name}\` is declared here` }];
  let ok = true;
  let named = false;
  let next = 0;
  for (const arg of args) {
    let name = arg.name;
    const span = arg.nameSpan ?? arg.value.span;
    if (name === undefined && named && arg.value.kind === "ref") name = arg.value.name;
    if (name === undefined) {
      const param = signature.params[next++];
      if (param === undefined) {
        if (next === signature.params.length + 1) {
          const given = args.filter((it) => it.name === undefined).length;
          const parameters =
            signature.params.length === 0 ? undefined : `it takes ${signature.params.map((it) => `\`${it.name}\``).join(", ")}`;
          sink.report(
            "too-many-arguments",
            arg.span,
            { of: signature.name, most: signature.params.length, given },
            { notes, hint: parameters },
          );
        }
        ok = false;
        continue;
      }
      bound.set(param.name, arg.value);
      continue;
    }
    named = true;
    if (!known.includes(name)) {
      const hint = didYouMean(name, known) ?? (known.length > 0 ? `it takes ${oneOf(known)}` : "it takes no arguments");
      sink.report("unknown-argument", span, { name, of: signature.name }, { notes, hint });
      ok = false;
    } else if (bound.has(name)) {
      const first = bound.get(name)?.span;
      sink.report("duplicate-argument", span, { name }, first === undefined ? {} : { notes: [{ span: first, text: "given here first" }] });
      ok = false;
    } else bound.set(name, arg.value);
  }
  // A misspelt name is most likely the one that is missing.
  const misspelt = args.some(({ name }) => name !== undefined && !known.includes(name));
  const missing = complete && !misspelt ? signature.params.filter(({ name, required }) => required && !bound.has(name)) : [];
  for (const { name } of missing) {
    sink.report(
      "missing-argument",
      callSpan,
      { name, of: signature.name },
      { notes, hint: args.length === 0 ? `write \`${signature.name}(${name}: …)\`` : `add \`${name}: …\`` },
    );
    ok = false;
  }
  return { bound, ok };
}
