// Files and their imports: reads the main spec and what it imports, and gives each file the names it can use. Knows no file
// system; the host brings one.

import { didYouMean } from "../diagnostics.ts";
import type { Span, DiagnosticSink } from "../diagnostics.ts";
import type * as Ast from "./ast.ts";
import { LAYER_BY_NAME } from "./layers/index.ts";
import { LIMITS } from "./limits.ts";
import type { Binding, Module } from "./module.ts";
import { notText } from "./not-text.ts";
import { noSpec, parseSpec, unread, type ParsedSpec } from "./parse.ts";
import { folderOf, joinPath } from "./paths.ts";

/** What the language needs from the world around it. */
export interface SpecHost {
  /** Text of a file, why it may not be read, or undefined where it cannot be. */
  readFile(path: string): string | { readonly refused: string } | undefined;
  /** The folder of `tlc:zoo/…`. */
  readonly zoo: string;
  /** Reads the JSON form; injected, since its validator is slow to load and rarely needed. */
  parseJson?(file: string, text: string, sink: DiagnosticSink): Ast.Spec | undefined;
}

export interface LoadedModules {
  readonly main: Module;
  /** Imported files first. */
  readonly modules: readonly Module[];
  readonly sources: Map<string, string>;
}

export function loadModules(path: string, text: string, host: SpecHost, sink: DiagnosticSink): LoadedModules {
  const loader = new Loader(host, sink);
  const main = loader.load(path, text, []);
  return { main, modules: loader.modules, sources: loader.sources };
}

class Loader {
  readonly modules: Module[] = [];
  readonly sources = new Map<string, string>();
  readonly #byPath = new Map<string, Module>();
  readonly #host: SpecHost;
  readonly #sink: DiagnosticSink;

  constructor(host: SpecHost, sink: DiagnosticSink) {
    this.#host = host;
    this.#sink = sink;
  }

  load(path: string, text: string, importers: readonly string[]): Module {
    this.sources.set(path, text);
    const { spec, broken, partial, misspelt } = this.#read(path, text, importers.length === 0);
    const names = new Map<string, Binding>();
    const recipes = new Map<string, Ast.RecipeDeclaration>();
    const module: Module = { path, text, spec, names, recipes, partial, misspelt };
    for (const it of spec.imports) this.#bindImport(it, module, names, [...importers, path]);
    for (const declaration of spec.declarations) {
      if (declaration.kind === "recipe") this.#declare(declaration.name, declaration, declaration.nameSpan, recipes, (it) => it.nameSpan);
      else
        this.#declare(declaration.name, { module, declaration, span: declaration.nameSpan }, declaration.nameSpan, names, (it) => it.span);
      if (LAYER_BY_NAME.has(declaration.name) && declaration.kind !== "recipe")
        this.#sink.report(
          "reserved-name",
          declaration.nameSpan,
          { name: declaration.name, meaning: "a layer" },
          { hint: "choose another name" },
        );
    }
    for (const name of broken) if (!names.has(name)) names.set(name, { module, span: spec.span });
    this.#byPath.set(path, module);
    this.modules.push(module);
    return module;
  }

  #read(path: string, text: string, isNamedByUser: boolean): ParsedSpec {
    const reason = notText(text);
    if (reason === undefined) return path.endsWith(".json") ? this.#readJson(path, text, isNamedByUser) : parseSpec(path, text, this.#sink);
    const spec = noSpec(path, text);
    this.#sink.report("not-text", spec.span, { reason }, { hint: "save it as text in UTF-8" });
    // Nobody can read a line of it.
    this.sources.delete(path);
    return unread(path, text, spec);
  }

  #readJson(path: string, text: string, isNamedByUser: boolean): ParsedSpec {
    const spec = this.#host.parseJson?.(path, text, this.#sink);
    // What is no spec may be anything, and a diagnostic would show its first line. The file that the user named is theirs to see.
    if (spec === undefined && !isNamedByUser) this.sources.delete(path);
    return unread(path, "", spec);
  }

  #declare<T>(name: string, value: T, span: Span, into: Map<string, T>, spanOf: (value: T) => Span): void {
    const before = into.get(name);
    if (before === undefined) into.set(name, value);
    else this.#sink.report("duplicate-declaration", span, { name }, { notes: [{ span: spanOf(before), text: "declared here first" }] });
  }

  #bindImport(it: Ast.Import, module: Module, names: Map<string, Binding>, importers: readonly string[]): void {
    const imported = this.#open(it, module, importers);
    for (const { name, nameSpan, as } of it.names) {
      const local = as ?? name;
      const binding = imported?.names.get(name);
      const own = binding?.module === imported ? binding : undefined;
      if (imported !== undefined && own === undefined) {
        const candidates = [...imported.names].filter(([, b]) => b.module === imported).map(([n]) => n);
        this.#sink.report(
          "import-name-missing",
          nameSpan,
          { name, path: it.from },
          {
            hint: binding === undefined ? didYouMean(name, candidates) : "it is imported there: import it from the file that declares it",
          },
        );
      }
      this.#declare(local, { ...(own ?? { module }), span: nameSpan }, nameSpan, names, (b) => b.span);
    }
  }

  #open(it: Ast.Import, module: Module, importers: readonly string[]): Module | undefined {
    const reason = badPath(it.from);
    if (reason !== undefined) {
      this.#sink.report("bad-import-path", it.fromSpan, { path: it.from, reason }, { hint: this.#fileMeant(it, module) });
      return undefined;
    }
    const path = it.from.startsWith(ZOO) ? this.#zooFile(it.from.slice(ZOO.length)) : joinPath(folderOf(module.path), it.from);
    if (importers.includes(path)) {
      this.#sink.report("import-cycle", it.fromSpan, { path: it.from });
      return undefined;
    }
    const known = this.#byPath.get(path);
    if (known !== undefined) return known;
    if (importers.length > LIMITS.importDepth) {
      this.#sink.report("import-too-deep", it.fromSpan, { most: LIMITS.importDepth });
      return undefined;
    }
    const text = this.#host.readFile(path);
    if (text === undefined) {
      this.#sink.report("import-not-found", it.fromSpan, { path: it.from }, { hint: `it would be at \`${path}\`` });
      return undefined;
    }
    if (typeof text !== "string") {
      this.#sink.report("bad-import-path", it.fromSpan, { path: it.from, reason: text.refused });
      return undefined;
    }
    return this.load(path, text, importers);
  }

  /** For a path that lacks its ending, as modules of Python do: the file that is there with it, or the one of the zoo. */
  #fileMeant({ from, names }: Ast.Import, module: Module): string | undefined {
    const [, name] = /(?:^|\/)([\w-]+)$/.exec(from) ?? [];
    if (name === undefined || outsideReason(from) !== undefined) return undefined;
    const isThere = (path: string): boolean => typeof this.#host.readFile(path) === "string";
    const whole = ENDINGS.map((ending) => from + ending).find((path) => isThere(joinPath(folderOf(module.path), path)));
    if (whole !== undefined) return `with its ending it is there: \`"${whole}"\``;
    // A file of the zoo has a family: `resnet18` is in `resnet`.
    const wanted = [name, ...names.map((it) => it.name)].flatMap((it) => [it, it.replace(/_?\d+$/, "")]);
    const ofZoo = wanted.find((it) => isThere(this.#zooFile(it)));
    return ofZoo === undefined ? `a path has its ending, as in \`"${from}.tlspec"\`` : `did you mean \`"${ZOO}${ofZoo}"\`?`;
  }

  #zooFile(name: string): string {
    return joinPath(this.#host.zoo, `${name}.tlspec`);
  }
}

const ZOO = "tlc:zoo/";
const ENDINGS = [".tlspec", ".json"];

function badPath(path: string): string | undefined {
  const outside = outsideReason(path);
  if (outside !== undefined || path.startsWith(ZOO)) return outside;
  return ENDINGS.some((ending) => path.endsWith(ending)) ? undefined : "it is not a `.tlspec` or `.json` file";
}

/** Why nothing below the importing file is meant, whatever its ending. */
function outsideReason(path: string): string | undefined {
  if (path.startsWith(ZOO))
    return /^[\w-]+$/.test(path.slice(ZOO.length)) ? undefined : "a name of the zoo is letters, digits, `_` and `-`";
  if (path.startsWith("tlc:")) return "only `tlc:zoo/NAME` comes with tlc";
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f]/.test(path)) return "it contains a control character";
  if (path.includes("\\")) return "folders are parted by `/`";
  return /^([A-Za-z]:|\/)/.test(path) || path.includes("://") ? "it is not relative to the importing file" : undefined;
}
