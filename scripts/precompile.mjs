// What Ajv and Handlebars make functions of when the source runs, made when it is built: so the package runs where text may not become
// code (`node --disallow-code-generation-from-strings`), and starts faster. And what the parser finds out of its grammar, for the start alone.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Ajv } from "ajv";
import standalone from "ajv/dist/standalone/index.js";
import { build, transform } from "esbuild";
import Handlebars from "handlebars";

const root = fileURLToPath(new URL("..", import.meta.url));
const standaloneCode = standalone.default ?? standalone;

const TEMPLATE = /[\\/]codegen[\\/]template\.ts$/;
const GRAMMAR = /[\\/]dsl[\\/]grammar-table\.ts$/;
const VALIDATOR = /[\\/]ir[\\/]schema-validator\.ts$/;

/** What uses templates and schemas; each makes what it needs when it is loaded. */
const USERS = `
export * as targets from "./src/codegen/targets.ts";
export * as module from "./src/codegen/module/emit.ts";
export * as artifact from "./src/ir/artifact-schema.ts";
export { OPTIONS as ajvOptions } from "original:src/ir/schema-validator.ts";
export { grammarTable } from "./src/dsl/parser.ts";
export { OPTIONS as handlebarsOptions } from "original:src/codegen/template.ts";
`;

/** Runs the users with files in place of Handlebars' and Ajv's that write down what they are asked for. */
async function recorded() {
  const recorder = {
    name: "recorder",
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /^original:/ }, ({ path }) => ({ path: join(root, path.slice("original:".length)), suffix: "?original" }));
      onLoad({ filter: TEMPLATE }, ({ suffix }) =>
        suffix === "?original"
          ? undefined
          : { contents: "export const template = (source) => void globalThis.recordedTemplates.push(source);" },
      );
      onLoad({ filter: VALIDATOR }, ({ suffix }) =>
        suffix === "?original"
          ? undefined
          : { contents: "export const validatorOf = (schema) => void globalThis.recordedSchemas.push(schema);" },
      );
    },
  };
  const folder = mkdtempSync(join(root, "node_modules", ".precompile-"));
  try {
    const outfile = join(folder, "users.mjs");
    await build({
      stdin: { contents: USERS, resolveDir: root, loader: "ts" },
      ...{ outfile, bundle: true, format: "esm", platform: "node", packages: "external", logLevel: "error", plugins: [recorder] },
    });
    globalThis.recordedTemplates = [];
    globalThis.recordedSchemas = [];
    const { ajvOptions, handlebarsOptions, grammarTable } = await import(pathToFileURL(outfile).href);
    const [templates, schemas, grammar] = [globalThis.recordedTemplates, globalThis.recordedSchemas, grammarTable()];
    return { templates, schemas, grammar, ajvOptions, handlebarsOptions };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const templateModule = (templates, options) => `
import Handlebars from "handlebars/runtime";
const known = new Map([${templates.map((it) => `[${JSON.stringify(it)}, ${Handlebars.precompile(it, options)}]`).join(",\n")}]);
export function template(source) {
  const made = known.get(source);
  if (made === undefined) throw new Error("a template that the build did not find");
  return Handlebars.template(made);
}
`;

function validatorModule(schemas, options) {
  const ajv = new Ajv({ ...options, schemas, inlineRefs: false, code: { source: true, esm: true, optimize: 2 } });
  const names = Object.fromEntries(schemas.map(({ $id }, i) => [`validate${i}`, $id]));
  return `
${standaloneCode(ajv, names)}
const known = new Map([${schemas.map(({ $id }, i) => `[${JSON.stringify($id)}, validate${i}]`).join(", ")}]);
export function validatorOf({ $id }) {
  const made = known.get($id);
  if (made === undefined) throw new Error("a schema that the build did not find");
  return made;
}
`;
}

let contentsMade;

/** The plugin of esbuild that puts them in place. */
export async function precompiled() {
  const contents = await (contentsMade ??= makeContents());
  return {
    name: "precompiled",
    setup({ onLoad }) {
      onLoad({ filter: TEMPLATE }, () => ({ contents: contents.template, resolveDir: root, loader: "js" }));
      onLoad({ filter: VALIDATOR }, () => ({ contents: contents.validator, resolveDir: root, loader: "js" }));
      onLoad({ filter: GRAMMAR }, () => ({ contents: contents.grammar, loader: "js" }));
    },
  };
}

async function makeContents() {
  const { templates, schemas, grammar, ajvOptions, handlebarsOptions } = await recorded();
  const spec = JSON.parse(readFileSync(join(root, "specs/schema/tlspec.schema.json"), "utf8"));
  // A third of the package otherwise, and no error shows its names.
  const { code: validator } = await transform(validatorModule([spec, ...schemas], ajvOptions), { minify: true, format: "esm" });
  return {
    template: templateModule(templates, handlebarsOptions),
    validator,
    grammar: `export const GRAMMAR = JSON.parse(${JSON.stringify(JSON.stringify(grammar))});`,
  };
}
