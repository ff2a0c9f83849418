// A network mentioned outside of bodies: by name, by an alias, or with some of its arguments. Nothing is built; arguments are
// collected until an elaboration asks for them all.

import { didYouMean, didYouMeanOneOf } from "../diagnostics.ts";
import type { DiagnosticSink } from "../diagnostics.ts";
import type * as Ast from "./ast.ts";
import { evaluate } from "./evaluate.ts";
import type { Aliases, Environment } from "./evaluate.ts";
import { LAYER_BY_NAME } from "./layers/index.ts";
import { LIMITS } from "./limits.ts";
import type { Module } from "./module.ts";
import { callableOf, describeKind } from "./resolve.ts";
import { bindArguments, signatureOf } from "./signature.ts";
import type { NetworkValue, Value } from "./values.ts";
import { describeExpr, isCallable, nameOfCallable, UNKNOWN } from "./values.ts";

/** The network that `it` names, or undefined after a report. */
export function networkValue(it: Ast.Expr, module: Module, env: Environment): NetworkValue | undefined {
  if (it.kind === "call") {
    const network = networkValue(it.callee, module, env);
    if (network === undefined) return undefined;
    const { bound, ok } = bindArguments(signatureOf(network), it.args, it.callee.span, env.sink as DiagnosticSink, false);
    const values = new Map(network.bound);
    for (const [name, value] of bound) values.set(name, evaluate(value, env));
    return ok ? { ...network, bound: values } : undefined;
  }
  if (it.kind !== "ref") {
    env.sink.report("wrong-type", it.span, { what: "this", wanted: "the name of a network", got: describeExpr(it) });
    return undefined;
  }
  const binding = module.names.get(it.name);
  if (binding === undefined) {
    if (LAYER_BY_NAME.has(it.name)) env.sink.report("wrong-kind", it.span, { name: it.name, is: "a layer", wanted: "a network" });
    else {
      const networks = [...module.names]
        .filter(([, b]) => b.declaration?.kind === "network" || b.declaration?.kind === "alias")
        .map(([name]) => name);
      env.sink.report("unknown-name", it.span, { name: it.name, what: "network" }, { hint: didYouMeanOneOf(it.name, networks) });
    }
    return undefined;
  }
  const { declaration } = binding;
  // Left out because it could not be read: reported there.
  if (declaration === undefined) return undefined;
  switch (declaration.kind) {
    case "network":
      return { kind: "network", declaration, module: binding.module, bound: new Map() };
    case "alias":
      return aliasValue(declaration, binding.module, it, env);
    default:
      env.sink.report(
        "wrong-kind",
        it.span,
        { name: it.name, is: describeKind(declaration), wanted: "a network" },
        {
          notes: [{ span: declaration.nameSpan, text: "declared here" }],
        },
      );
      return undefined;
  }
}

function aliasValue(declaration: Ast.NetworkAlias, module: Module, it: Ast.Expr, env: Environment): NetworkValue | undefined {
  const { aliases, sink } = env;
  const known = aliases.get(declaration);
  if (known === "open") {
    sink.report("recursive", declaration.nameSpan, { name: declaration.name });
    return undefined;
  }
  if (known !== undefined || aliases.has(declaration)) return known;
  if ([...aliases.values()].filter((value) => value === "open").length > LIMITS.depth) {
    sink.report("too-deep", it.span, { most: LIMITS.depth });
    return undefined;
  }
  aliases.set(declaration, "open");
  const value = networkValue(declaration.value, module, plainEnvironment(module, env));
  aliases.set(declaration, value);
  return value;
}

/** For arguments of aliases and recipes: declarations by name, and nothing that needs a current value. */
export function plainEnvironment(
  module: Module,
  outer: Pick<Environment, "sink" | "classes"> & Partial<Pick<Environment, "aliases">>,
): Environment {
  const env: Environment = {
    sink: outer.sink,
    aliases: outer.aliases ?? (new Map() as Aliases),
    // Nothing here repeats: what is evaluated is what is written.
    spend: () => undefined,
    name: (it) => declaredValue(it, module, env) ?? unknownName(it, module, env),
    call: (callable, it) => {
      if (callable.kind === "network") return networkValue(it, module, env) ?? UNKNOWN;
      outer.sink.report("wrong-type", it.span, {
        what: "an argument here",
        wanted: "a value",
        got: `a call of \`${nameOfCallable(callable)}\``,
      });
      return UNKNOWN;
    },
    tap: () => undefined,
    body: (body) => {
      outer.sink.report("wrong-type", body.span, { what: "an argument here", wanted: "a value", got: "steps of a network" });
      return UNKNOWN;
    },
    stateOf: () => undefined,
    // There are no tensors without a current value.
    operate: () => UNKNOWN,
    unchanged: () => UNKNOWN,
    classes: (it, data, input) => outer.classes(it, data, input),
  };
  return env;
}

/** A layer or declaration as a value. */
export function declaredValue(it: Ast.RefExpr, module: Module, env: Environment): Value | undefined {
  const callable = callableOf(it.name, module);
  if (callable !== undefined) return callable;
  const binding = module.names.get(it.name);
  if (binding === undefined) return undefined;
  switch (binding.declaration?.kind) {
    case "alias":
      return networkValue(it, module, env) ?? UNKNOWN;
    case "dataset":
      return { kind: "dataset", declaration: binding.declaration };
    default:
      return UNKNOWN;
  }
}

function unknownName(it: Ast.RefExpr, module: Module, env: Environment): Value {
  env.sink.report(
    "unknown-name",
    it.span,
    { name: it.name, what: "declaration" },
    { hint: didYouMean(it.name, [...module.names.keys(), ...LAYER_BY_NAME.keys()]) },
  );
  return UNKNOWN;
}

export { isCallable };
