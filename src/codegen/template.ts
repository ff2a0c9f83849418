// The one caller of Handlebars: fills the skeleton of a generated file. Nothing is escaped (it would turn `vec4<f32>` into
// `vec4&lt;f32&gt;`), a missing field is an error instead of nothing, and all that a template can do is repeat: what decides is typed code.
//
// Handlebars reads the template; the walk over what it read is ours, since its own compiler makes functions of text, which Node and pages
// may forbid (`--disallow-code-generation-from-strings`, `unsafe-eval`).

import Handlebars from "handlebars";
import { InternalError } from "../ir/types.ts";

/** A part of a template, as a function of what it is filled with. */
type Part = (value: unknown) => string;

/** Reads a template once; the result fills it with data. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller says which fields the template has
export const template = <T>(source: string): ((data: T) => string) => partsOf(Handlebars.parse(source).body);

function partsOf(statements: readonly hbs.AST.Statement[]): Part {
  const parts = statements.map(partOf);
  return (value) => parts.map((part) => part(value)).join("");
}

function partOf(statement: hbs.AST.Statement): Part {
  switch (statement.type) {
    case "ContentStatement": {
      const { value: text } = statement as hbs.AST.ContentStatement;
      return () => text;
    }
    case "MustacheStatement": {
      const { path, params } = statement as hbs.AST.MustacheStatement;
      return params.length === 0 ? fieldOf(path) : refuse(path);
    }
    case "BlockStatement": {
      const { path, params, program } = statement as hbs.AST.BlockStatement;
      const { inverse } = statement as Partial<hbs.AST.BlockStatement>;
      const [list, ...rest] = params;
      if (path.original !== "each" || !list || rest.length > 0 || inverse) return refuse(path);
      const [items, body] = [valueOf(list), partsOf(program.body)];
      return (value) => (items(value) as readonly unknown[]).map(body).join("");
    }
    default:
      throw new InternalError(`a template with a ${statement.type}`);
  }
}

function fieldOf(path: hbs.AST.Expression): Part {
  const value = valueOf(path);
  return (data) => String(value(data));
}

/** A field, by a name or several with dots; `this` has none. */
function valueOf(expression: hbs.AST.Expression): (data: unknown) => unknown {
  const { type, parts, data: isData, depth } = expression as Omit<hbs.AST.PathExpression, "type"> & { readonly type: string };
  if (type !== "PathExpression" || isData || depth > 0) return refuse(expression);
  return (value) =>
    parts.reduce((from: unknown, name) => {
      const fields = Object(from) as Readonly<Record<string, unknown>>;
      if (!Object.hasOwn(fields, name)) throw new InternalError(`a template asks for ${name}, which is not there`);
      return fields[name];
    }, value);
}

function refuse(expression: hbs.AST.Expression): never {
  throw new InternalError(`a template may only repeat: unknown helper ${(expression as Partial<hbs.AST.PathExpression>).original ?? ""}`);
}
