// `tlc explain`: what a diagnostic's code means, with a wrong and a right example; what a layer or a word of a recipe or data set does
// and takes; without either, the list of all.

import { CATALOGUE, didYouMean, entryOfCode, explain as explainCode, type DiagnosticName } from "../diagnostics.ts";
import { hintForSetting, layerMeant, wordMeant } from "../dsl/hints.ts";
import { LAYERS } from "../dsl/layers/index.ts";
import { DATASET_KEYS, RECIPE_KEYS } from "../dsl/setting-keys.ts";
import { describeArgument } from "../ir/recipe/argument-rules.ts";
import type { ArgSpecs } from "../ir/recipe/arguments.ts";
import { GLOSSARY } from "../ir/recipe/index.ts";
import { EXIT, UsageError } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** A layer or a word, as it is explained. */
interface Entry {
  readonly kind: string;
  /** What a spec calls the place where it may stand. */
  readonly setting: string;
  readonly name: string;
  readonly doc: string;
  readonly args: ArgSpecs;
  /** Names that stand for arguments. */
  readonly presets: readonly string[];
}

const ENTRIES: readonly Entry[] = [
  ...LAYERS.map(({ name, doc, takes, args }) => ({
    kind: "layer",
    setting: "layer",
    name,
    doc: `${doc}; takes ${takes}`,
    args,
    presets: [],
  })),
  ...GLOSSARY.flatMap(({ kind, setting = kind, words }) =>
    words.map(({ name, doc, args, presets = {} }) => ({ kind, setting, name, doc, args, presets: Object.keys(presets) })),
  ),
];

export function explain(what: string | undefined, terminal: Terminal): number {
  if (what === undefined) list(terminal);
  else if (entryOfCode(what) !== undefined) explainDiagnostic(what, terminal);
  else explainWord(what, terminal);
  return EXIT.ok;
}

const diagnostics = (): readonly (typeof CATALOGUE)[DiagnosticName][] =>
  (Object.keys(CATALOGUE) as DiagnosticName[]).map((name) => CATALOGUE[name]).sort((a, b) => (a.code < b.code ? -1 : 1));

function list(terminal: Terminal): void {
  for (const { code, severity, title } of diagnostics()) {
    terminal.object({ event: "explain", kind: "diagnostic", code, severity, title });
    terminal.line(`${terminal.paintOut("bold", code)}  ${title}`);
  }
  for (const { kind, name, doc } of ENTRIES) {
    terminal.object({ event: "explain", kind, name, doc });
    terminal.line(`${terminal.paintOut("bold", name)}  ${kind}: ${doc}`);
  }
}

function explainDiagnostic(given: string, terminal: Terminal): void {
  const entry = entryOfCode(given);
  if (entry === undefined) return;
  const { code, severity, title, explanation, wrong, right } = entry;
  terminal.object({ event: "explain", kind: "diagnostic", code, severity, title, explanation, wrong, right });
  terminal.line((explainCode(given) ?? "").trimEnd());
}

/** A setting, which is no word, and what other frameworks call a setting or a layer. */
function meantBy(given: string): string | undefined {
  const layer = layerMeant(given);
  if (layer !== undefined) return layer;
  const names = ENTRIES.map(({ name }) => name);
  const word = wordMeant(given, names);
  if (word !== undefined) return word;
  const part = RECIPE_KEYS.includes(given) ? "Recipes" : DATASET_KEYS.includes(given) ? "Data sets" : undefined;
  return part === undefined ? hintForSetting(given) : `it is a setting: see ${part} in docs/language.md of the package`;
}

/** A name can mean several things: `linear` is a layer and a schedule. That of a setting, which is no word, means all that it takes. */
function explainWord(given: string, terminal: Terminal): void {
  const named = ENTRIES.filter(({ name }) => name === given);
  const found = named.length > 0 ? named : ENTRIES.filter(({ setting }) => setting === given);
  if (found.length === 0) {
    const meant = meantBy(given);
    if (meant !== undefined) throw new UsageError(`there is no diagnostic, layer or word ${given}`, meant);
    const known = [...diagnostics().map(({ code }) => code), ...new Set(ENTRIES.map(({ name }) => name))];
    const suggestion = didYouMean(given, known) ?? didYouMean(given.toUpperCase(), known) ?? "";
    throw new UsageError(`there is no diagnostic, layer or word ${given}`, `${suggestion} \`tlc explain\` lists them all`.trim());
  }
  for (const [i, { kind, name, doc, args, presets }] of found.entries()) {
    const described = Object.entries(args).map(([key, spec]) => ({
      name: key,
      takes: describeArgument(spec),
      ...("default" in spec && { default: spec.default }),
      doc: spec.doc,
    }));
    terminal.object({ event: "explain", kind, name, doc, arguments: described, presets });
    if (i > 0) terminal.line();
    terminal.line(`${terminal.paintOut("bold", name)} (${kind}): ${doc}`);
    if (described.length > 0) terminal.line();
    const heads = described.map((it) => (it.default === undefined ? it.name : `${it.name} = ${JSON.stringify(it.default)}`));
    const width = Math.max(0, ...heads.map(({ length }) => length));
    for (const [at, it] of described.entries()) terminal.line(`    ${(heads[at] ?? "").padEnd(width)}  ${it.doc} (${it.takes})`);
    if (presets.length > 0) terminal.line(`\n    or a name: ${presets.map((it) => `${name}(${it})`).join(", ")}`);
  }
}
