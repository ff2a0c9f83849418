// Bundles the package. The command line and the library for Node are one script, tlc.cjs: Node opens one file faster than hundreds, who installs the
// package installs few others, and what V8 compiled of one script can be kept (src/cli/kept-code.ts). A module of it runs when it is first imported, late imports
// among them, so that `tlc check` runs nothing of passes, targets and data. The runtime, which pages load too, is a module. Native and
// optional packages stay outside.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { precompiled } from "./precompile.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Native packages. */
export const NOT_BUILT_IN = ["sharp", "webgpu", "koffi"];

// Not names, which errors show, and with lines: a process that breaks shows the one where it did.
const common = () => ({
  absWorkingDir: root,
  bundle: true,
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 160,
  platform: "node",
  target: "node20",
  external: NOT_BUILT_IN,
  // In THIRD-PARTY.txt, whole.
  legalComments: "none",
  logLevel: "error",
  metafile: true,
});

// Packages written for CommonJS ask for Node's modules by `require`. Pages load some of these files, too, and have neither.
const REQUIRE = 'const require = globalThis.process?.getBuiltinModule?.("node:module").createRequire(import.meta.url);';

/** Modules, split where the source imports late. Returns the files that they are made of. */
export async function bundleModules(folder, entries) {
  const { metafile } = await build({
    ...common(),
    entryPoints: entries,
    outdir: folder,
    chunkNames: "chunks/[name]-[hash]",
    splitting: true,
    format: "esm",
    banner: { js: REQUIRE },
    plugins: [await precompiled()],
  });
  return Object.keys(metafile.inputs);
}

/** More than a third of the script otherwise, of which most runs need nothing: each would read it. What asks for it, and what it is. */
const APART = {
  "validators.cjs": { asked: /[\\/]schema-validator\.ts$/, entry: "src/ir/schema-validator.ts" },
  "hub.cjs": { asked: /^@huggingface\/hub$/, entry: "@huggingface/hub" },
};

const APART_FROM_SCRIPT = {
  name: "apart-from-script",
  setup({ onResolve }) {
    for (const [name, { asked }] of Object.entries(APART)) onResolve({ filter: asked }, () => ({ path: `./${name}`, external: true }));
  },
};

/** What tlc.cjs has: the process of the command line, and the library, which runs when it is asked for. */
const SCRIPT = `
export { main } from "./src/cli/process.ts";
export const library = () => require("./src/index.ts");
`;

/** Commander can start programs as verbs, which nothing here is: Node's part for that would be loaded with every verb. */
const NO_OTHER_PROGRAMS = {
  name: "no-other-programs",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]/.test(importer) ? { path: "none", namespace: "no-other-programs" } : undefined,
    );
    onLoad({ filter: /./, namespace: "no-other-programs" }, () => ({ contents: "" }));
  },
};

/** The command line: tlc.cjs, what lies apart from it, and cli/main.js, which runs them. Returns the files that it is made of. */
export async function bundleCommand(folder) {
  const { metafile } = await build({
    ...common(),
    stdin: { contents: SCRIPT, resolveDir: root, loader: "ts" },
    outfile: join(folder, "tlc.cjs"),
    format: "cjs",
    define: { "import.meta.url": "scriptUrl" },
    // Code that was kept has no way to import. What is late is a function here, or asked for by `require`.
    supported: { "dynamic-import": false },
    banner: { js: 'const scriptUrl = require("node:url").pathToFileURL(__filename).href;' },
    plugins: [APART_FROM_SCRIPT, await precompiled(), NO_OTHER_PROGRAMS],
  });
  const inputs = Object.keys(metafile.inputs);
  for (const [name, { entry }] of Object.entries(APART)) {
    const apart = await build({
      ...common(),
      // No error shows their names.
      minifyIdentifiers: true,
      entryPoints: [entry],
      outfile: join(folder, name),
      format: "cjs",
      plugins: [await precompiled()],
    });
    inputs.push(...Object.keys(apart.metafile.inputs));
  }
  const script = readFileSync(resolve(root, folder, "tlc.cjs"));
  const hash = createHash("sha256").update(script).digest("hex").slice(0, 16);
  // CommonJS as well: getting ready for a module takes Node a tenth of the time that `tlc check` has.
  await build({
    ...common(),
    entryPoints: ["src/cli/main.ts"],
    outfile: join(folder, "cli/main.js"),
    format: "cjs",
    define: { SCRIPT_HASH: JSON.stringify(hash), "import.meta.dirname": "__dirname" },
  });
  writeFileSync(resolve(root, folder, "cli/package.json"), '{ "type": "commonjs" }\n');
  return inputs;
}

/** All that the package's manifest names. Returns the files that it is made of. */
export async function bundlePackage(folder) {
  const modules = { "runtime/index": "src/runtime/index.ts", "picture-worker": "src/runtime/data/picture-worker.ts" };
  const inputs = [...(await bundleCommand(folder)), ...(await bundleModules(folder, modules))];
  await libraryModule(join(folder, "index.js"));
  return inputs;
}

/** The library's names, for `import`. */
async function libraryModule(path) {
  const { metafile } = await build({ ...common(), entryPoints: ["src/index.ts"], format: "esm", write: false, outfile: "index.js" });
  const [{ exports }] = Object.values(metafile.outputs);
  // `import` of a CommonJS file reads all of its text for names of exports, which takes longer than to run it.
  const start = 'import { createRequire } from "node:module";\nconst { library } = createRequire(import.meta.url)("./tlc.cjs");';
  writeFileSync(resolve(root, path), `${start}\nexport const { ${exports.join(", ")} } = library();\n`);
}
