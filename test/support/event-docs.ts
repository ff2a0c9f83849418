// docs/events.md, made of the types that events have in the source, with their comments: there is no second place to keep them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** Events first; the others are what those are made of. */
const FILES = [
  "src/cli/events.ts",
  "src/runtime/events.ts",
  "src/runtime/survey.ts",
  "src/runtime/cuda/survey.ts",
  "src/diagnostics/render.ts",
  "src/diagnostics/types.ts",
];
const UNION = "CliEvent";

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly isOptional: boolean;
  readonly doc: string;
}

export interface Described {
  readonly name: string;
  readonly doc: string;
  /** Inherited ones first. */
  readonly fields: readonly Field[];
  /** Whether there are fields of other names, as metrics are. */
  readonly isOpen: boolean;
}

export interface EventTypes {
  /** By what their field `event` says. */
  readonly events: ReadonlyMap<string, Described>;
  /** Of fields, by name. */
  readonly types: ReadonlyMap<string, Described>;
}

export function readEventTypes(root: string): EventTypes {
  const declarations = new Map<string, ts.InterfaceDeclaration>();
  let names: readonly string[] = [];
  for (const file of FILES) {
    const source = ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest, true);
    source.forEachChild((node) => {
      if (ts.isInterfaceDeclaration(node)) declarations.set(node.name.text, node);
      if (ts.isTypeAliasDeclaration(node) && node.name.text === UNION && ts.isUnionTypeNode(node.type))
        names = node.type.types.map((type) => type.getText());
    });
  }
  const describe = (name: string): Described => {
    const it = declarations.get(name);
    if (!it) throw new Error(`${name} is declared in none of ${FILES.join(", ")}`);
    const own = it.members.filter(ts.isPropertySignature).map(fieldOf);
    const inherited = (it.heritageClauses ?? []).flatMap(({ types }) => types.flatMap((type) => inheritedFrom(type, describe)));
    const kept = inherited.filter((field) => !own.some((other) => other.name === field.name));
    return { name, doc: docOf(it), fields: [...kept, ...own], isOpen: it.members.some(ts.isIndexSignatureDeclaration) };
  };
  const events = new Map<string, Described>();
  for (const name of names) {
    const described = describe(name);
    const event = described.fields.find((field) => field.name === "event")?.type ?? "";
    events.set(JSON.parse(event) as string, described);
  }
  const types = new Map<string, Described>();
  const mention = ({ fields }: Described): void => {
    for (const { type } of fields)
      for (const [word] of type.matchAll(/\b[A-Z]\w+/g)) {
        if (types.has(word) || !declarations.has(word) || word === "Metrics") continue;
        types.set(word, describe(word));
        mention(describe(word));
      }
  };
  for (const it of events.values()) mention(it);
  return { events, types };
}

/** `extends Other`, and `extends Omit<Other, "field">`. */
function inheritedFrom(type: ts.ExpressionWithTypeArguments, describe: (name: string) => Described): readonly Field[] {
  const [first, second] = type.typeArguments ?? [];
  if (type.expression.getText() !== "Omit" || !first || !second) return describe(type.expression.getText()).fields;
  return describe(first.getText()).fields.filter(({ name }) => !second.getText().includes(`"${name}"`));
}

const fieldOf = (it: ts.PropertySignature): Field => ({
  name: it.name.getText(),
  type: (it.type?.getText() ?? "")
    .replaceAll(/\breadonly /g, "")
    .replaceAll(/Readonly<(Record<.*?>)>/g, "$1")
    .replaceAll(/\s+/g, " "),
  isOptional: it.questionToken !== undefined,
  doc: docOf(it),
});

const docOf = (node: ts.Node): string =>
  ts
    .getJSDocCommentsAndTags(node)
    .map(({ comment }) => (typeof comment === "string" ? comment : ""))
    .join(" ")
    .replaceAll(/\s+/g, " ");

export function eventsPage({ events, types }: EventTypes): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  const table = ({ fields, isOpen }: Described): string[] => [
    "| field | type | |",
    "|---|---|---|",
    ...fields.map(
      ({ name, type, isOptional, doc }) => `| \`${name}\`${isOptional ? " (may be absent)" : ""} | \`${cell(type)}\` | ${cell(doc)} |`,
    ),
    ...(isOpen ? ["| others | `number` | |"] : []),
    "",
  ];
  return [
    "<!-- Made of src/cli/events.ts and src/runtime/events.ts by `UPDATE=1 npx vitest run test/cli/events.test.ts`. -->",
    "",
    "# Events",
    "",
    "With `--json` every verb writes one JSON object a line to stdout, and what is for people to stderr. Each object has the field `event`, which says what it is.",
    "`metrics.jsonl` of a run holds the events of its training, and the generated module gives the same to a program.",
    "",
    ...[...events].flatMap(([event, described]) => [`## \`${event}\``, "", described.doc, "", ...table(described)]),
    "# Types of fields",
    "",
    "`Metrics` are numbers by name: `loss`, and what the recipe asks for.",
    "",
    ...[...types].flatMap(([name, described]) => [`## ${name}`, "", described.doc, "", ...table(described)]),
  ]
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n");
}
