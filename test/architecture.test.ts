// The shape of the source, read with the TypeScript compiler: who may import whom, which package stands behind which file, no cycles,
// no long files, and no knowledge of operations outside their definitions.

import { NOT_BUILT_IN } from "../scripts/bundle-package.mjs";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { template } from "../src/codegen/template.ts";
import { GLOSSARY } from "../src/ir/recipe/index.ts";

interface Import {
  readonly from: string;
  /** A file below src/, or a package. */
  readonly to: string;
  /** `import("…")`: a cycle through it does no harm while modules load. */
  readonly late: boolean;
}

interface Source {
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
const sources: readonly Source[] = files.map((file) => {
  const path = `src/${file.split(sep).join("/")}`;
  const text = readFileSync(path, "utf8");
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
});
const imports = sources.flatMap(importsOf);

function importsOf({ path, tree }: Source): Import[] {
  const found: Import[] = [];
  const add = (module: ts.Node | undefined, late = false): void => {
    if (module === undefined || !ts.isStringLiteral(module)) return;
    const to = module.text.startsWith(".")
      ? relative(".", join(dirname(path), module.text))
          .split(sep)
          .join("/")
      : module.text;
    found.push({ from: path, to, late });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], true);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** The first folder below src/, or the file itself where it lies at the top. */
const layerOf = (path: string): string => path.split("/")[1]?.replace(/\.ts$/, "") ?? path;

/** Files of this layer may import these layers, and their own. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  diagnostics: [],
  ir: ["diagnostics"],
  dsl: ["diagnostics", "ir"],
  passes: ["diagnostics", "ir"],
  codegen: ["diagnostics", "ir"],
  runtime: ["diagnostics", "ir", "package-root"],
  "package-root": [],
};
/** What ties the layers together may import every one of them. */
const FREE = ["index", "compile", "check", "cli"];

describe("layers", () => {
  it("are all in the table", () => {
    const layers = new Set(sources.map(({ path }) => layerOf(path)));
    expect([...layers].filter((layer) => !(layer in MAY_IMPORT) && !FREE.includes(layer))).toEqual([]);
    expect([...Object.keys(MAY_IMPORT), ...FREE].filter((layer) => !layers.has(layer))).toEqual([]);
  });

  it("import only what is below them, types included", () => {
    const wrong = imports.filter(({ from, to }) => {
      const [layer, target] = [layerOf(from), layerOf(to)];
      if (!to.startsWith("src/") || FREE.includes(layer) || layer === target) return false;
      return !(MAY_IMPORT[layer] ?? []).includes(target);
    });
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it("are not reached out of src/", () => {
    expect(imports.filter(({ to }) => to.startsWith("..")).map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });
});

/** Who may import a package, as the beginning of a path. Everything else of src/ uses Node and itself. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  chevrotain: [
    "src/dsl/tokens.ts",
    "src/dsl/parser.ts",
    "src/dsl/lookahead.ts",
    "src/dsl/settings-parser.ts",
    "src/dsl/body-parser.ts",
    "src/dsl/to-ast",
  ],
  commander: ["src/cli/"],
  "csv-parse": ["src/runtime/data/"],
  "@huggingface/hub": ["src/runtime/hub/"],
  ajv: ["src/ir/schema-validator.ts", "src/ir/schema-problem.ts"],
  handlebars: ["src/codegen/template.ts"],
  sharp: ["src/runtime/data/"],
  webgpu: ["src/runtime/webgpu/"],
};

describe("packages", () => {
  it("stand each behind the files that are for them", () => {
    const wrong = imports.filter(({ from, to }) => {
      if (to.startsWith("src/") || to.startsWith("node:")) return false;
      const owner = Object.keys(PACKAGES).find((name) => to === name || to.startsWith(`${name}/`));
      return owner === undefined || !PACKAGES[owner]?.some((path) => from.startsWith(path));
    });
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it("are declared: for users to install what is not built in, for us the others", () => {
    const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Record<string, Record<string, string>>;
    const installed = Object.keys({
      ...{ ...manifest["dependencies"], ...manifest["optionalDependencies"], ...manifest["peerDependencies"] },
    });
    expect(installed.sort()).toEqual([...NOT_BUILT_IN].sort());
    expect(Object.keys(PACKAGES).filter((name) => !installed.includes(name) && manifest["devDependencies"]?.[name] === undefined)).toEqual(
      [],
    );
  });
});

describe("modules", () => {
  it("form no cycle, types included", () => {
    const edges = new Map<string, string[]>();
    for (const { from, to, late } of imports) if (!late && to.startsWith("src/")) edges.set(from, [...(edges.get(from) ?? []), to]);
    expect(findCycle(edges)).toBeUndefined();
  });

  it("find a cycle where there is one", () => {
    expect(
      findCycle(
        new Map([
          ["a", ["b"]],
          ["b", ["c"]],
          ["c", ["b"]],
        ]),
      ),
    ).toBe("b -> c -> b");
  });
});

function findCycle(edges: ReadonlyMap<string, readonly string[]>): string | undefined {
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path].join(" -> ");
    if (done.has(path)) return undefined;
    for (const next of edges.get(path) ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle !== undefined) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const path of edges.keys()) {
    const cycle = visit(path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

describe("files", () => {
  it("have at most 400 lines", () => {
    const lengths = sources.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }));
    expect(lengths.filter(({ lines }) => lines > 400)).toEqual([]);
  });

  it("open with a comment that says what they are", () => {
    const silent = sources.filter(({ text }) => !/^(#!.*\n\n?)?(\/\/ |\/\*)/.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  it("are named in lower case with hyphens", () => {
    expect(sources.filter(({ path }) => !/^src(\/[a-z0-9-]+)+\.ts$/.test(path)).map(({ path }) => path)).toEqual([]);
  });
});

describe("operations", () => {
  it("are asked for properties, never for their names, outside ir/ops", () => {
    const asking = sources
      .filter(({ path }) => !path.startsWith("src/ir/ops/"))
      .flatMap(({ path, text }) => text.split("\n").flatMap((line, i) => (/\bop\.name\s*[!=]==?/.test(line) ? [`${path}:${i + 1}`] : [])));
    expect(asking).toEqual([]);
  });
});

describe("templates", () => {
  /** `{{#if …}}`, `{{#unless …}}`, `{{^…}}`, `{{else}}`: whatever is in braces and no field, list or end of one. */
  const LOGIC = /\{\{~?\s*(?:#(?!each\b)|\^|else\b)/;

  /** Texts of the source with something that a template would decide. */
  function deciding({ path, tree }: Pick<Source, "path" | "tree">): string[] {
    const found: string[] = [];
    const visit = (node: ts.Node): void => {
      const isText = ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateExpression(node);
      if (isText && LOGIC.test(node.getText(tree)))
        found.push(`${path}:${tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1}`);
      else ts.forEachChild(node, visit);
    };
    visit(tree);
    return found;
  }

  it("repeat, and decide nothing", () => {
    expect(sources.flatMap(deciding)).toEqual([]);
  });

  it.each([
    ["`a\n{{#if b}}c{{/if}}`", 1],
    ["`${HEAD} {{#each b}}{{this}}{{else}}nothing{{/each}}`", 1],
    ["'{{^b}}c{{/b}}'", 1],
    ["`{{#each b}}{{name}}{{/each}} {{elsewhere}}`", 0],
  ])("would be found: %s", (text, count) => {
    expect(deciding({ path: "it.ts", tree: ts.createSourceFile("it.ts", text, ts.ScriptTarget.Latest, true) })).toHaveLength(count);
  });

  it("cannot", () => {
    expect(() => template("{{#if b}}c{{/if}}")({ b: true })).toThrow("unknown helper if");
  });
});

describe("output", () => {
  it("goes through the terminal's filter", () => {
    const direct = sources.filter(({ path, tree }) => {
      if (["src/cli/terminal.ts", "src/cli/program.ts", "src/cli/process.ts"].includes(path)) return false;
      return /\bstd(?:out|err)\.write\(|\bconsole\s*\./.test(tree.text);
    });
    expect(direct.map(({ path }) => path)).toEqual([]);
  });
});

describe("errors", () => {
  // A fault of ours is an InternalError; what a user can meet has a class that says what it is and, where there is one, a way out.
  // A SyntaxError is what JSON.parse throws, and so does our own reader of JSON.
  const PLAIN = new Set(["Error", "RangeError", "TypeError", "ReferenceError", "EvalError", "AggregateError"]);

  it("have a class of their own", () => {
    const plain = sources.flatMap(({ path, tree }) => {
      const found: string[] = [];
      const visit = (node: ts.Node): void => {
        if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && ts.isIdentifier(node.expression) && PLAIN.has(node.expression.text))
          found.push(
            `${path}:${String(tree.getLineAndCharacterOfPosition(node.getStart()).line + 1)} makes a plain ${node.expression.text}`,
          );
        ts.forEachChild(node, visit);
      };
      visit(tree);
      return found;
    });
    expect(plain).toEqual([]);
  });
});

describe("words of recipes and data sets", () => {
  const names: ReadonlySet<string> = new Set(GLOSSARY.flatMap(({ words }) => words.map(({ name }) => name)));

  /** Comparisons of something called `name` or `word` with a word, or of any plan's `word` with anything. */
  function asks({ path, tree }: Source): string[] {
    const found: string[] = [];
    const lineOf = (node: ts.Node): number => tree.getLineAndCharacterOfPosition(node.getStart()).line + 1;
    const isWord = (node: ts.Node): boolean => ts.isStringLiteral(node) && names.has(node.text);
    const isName = (node: ts.Node): boolean => /\b(name|word)$/.test(node.getText().replaceAll(/["'\]]/g, ""));
    const equality = [ts.SyntaxKind.EqualsEqualsEqualsToken, ts.SyntaxKind.ExclamationEqualsEqualsToken];
    const visit = (node: ts.Node): void => {
      const compared =
        ts.isBinaryExpression(node) && equality.includes(node.operatorToken.kind)
          ? [node.left, node.right]
          : ts.isSwitchStatement(node)
            ? [node.expression, ...node.caseBlock.clauses.flatMap((it) => (ts.isCaseClause(it) ? [it.expression] : []))]
            : [];
      const isOfPlan = compared.some((side) => side.getText().endsWith(".word"));
      if (isOfPlan || (compared.some(isWord) && compared.some(isName))) found.push(`${path}:${lineOf(node)}`);
      ts.forEachChild(node, visit);
    };
    visit(tree);
    return found;
  }

  it("are asked for properties, never for their names, outside ir/recipe", () => {
    expect(sources.filter(({ path }) => !path.startsWith("src/ir/recipe/")).flatMap(asks)).toEqual([]);
  });

  it.each([
    ['if (plan.loss.word === "mse") f();', 1],
    ['if (word.name !== "adam") f();', 1],
    ["if (a.word === b.word) f();", 1],
    ['switch (plan.word) { case "f1": }', 1],
    ['switch (head.name) { case "table": }', 1],
    ['if (event.event === "step") f(init.kind === "constant");', 0],
  ])("would be found: %s", (text, count) => {
    const tree = ts.createSourceFile("it.ts", text, ts.ScriptTarget.Latest, true);
    expect(asks({ path: "it.ts", text, tree })).toHaveLength(count);
  });
});
