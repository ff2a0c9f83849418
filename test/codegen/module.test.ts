// Generated source keeps its shape whatever a spec's names hold, and says back exactly what went in.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import ts from "typescript";
import { afterAll, describe, expect, it } from "vitest";
import { bundleRuntime, RUNTIME_FILES } from "../../scripts/bundle-runtime.mjs";
import { emitFiles } from "../../src/codegen/module/emit.ts";
import { commentText, fileName, jsLiteral, jsString } from "../../src/codegen/module/encode.ts";
import { printDeclarations } from "../../src/codegen/module/declarations.ts";
import { printModule, printProgram } from "../../src/codegen/module/module.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Node } from "../../src/ir/node.ts";
import type { Program } from "../../src/ir/program.ts";
import { tensorType } from "../../src/ir/types.ts";
import { LibraryWork } from "../../src/runtime/cuda/library-work.ts";
import { compileGraph } from "../support/run-graph.ts";
import { readExact } from "../../src/ir/exact-json.ts";
import { fakeArtifact } from "../runtime/trainer/fake-session.ts";
import { withProgram } from "../support/stages.ts";

const HOSTILE = [
  '"',
  "'",
  "`",
  "${process.exit(1)}",
  "*/ throw 1 /*",
  "// x",
  "\n",
  "\r\n",
  "\u2028",
  "\u2029",
  "\\",
  '\\"',
  "\0",
  "\u202e",
  "</script><script>",
  "<!--",
  "__proto__",
  "constructor",
  "{{recipe}}",
  "\ud800",
  "",
];

/** With one name everywhere that a spec's author chooses one. */
function named(name: string): Artifact {
  const artifact = fakeArtifact();
  const { dataInfo } = artifact;
  return {
    ...artifact,
    name,
    target: "webgpu",
    recipe: { ...artifact.recipe, name, stages: artifact.recipe.stages.map((stage) => ({ ...stage, name })) },
    data: {
      name,
      sources: { train: { word: "table", args: { path: `/secret/${name}`, columns: Object.fromEntries([[name, name]]) } } },
      splits: [],
      preprocess: [],
      augment: [],
    },
    dataInfo: { ...dataInfo, inputs: dataInfo.inputs.map((input) => ({ ...input, name })), classes: [name, `${name}2`] },
    parameters: artifact.parameters.map((parameter) => ({ ...parameter, name: `${name}.${parameter.name}` })),
    stages: withProgram(artifact, {
      target: "webgpu",
      kernels: [{ name, source: `// ${jsString(name)}\n`, grid: [1, 1, 1] }],
    }).stages.map((stage) => ({ ...stage, name })),
  };
}

/** The kinds of all syntax nodes, without what names and numbers say. */
function shapeOf(source: string, file: string): string {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true);
  const { parseDiagnostics } = tree as unknown as { readonly parseDiagnostics: readonly ts.Diagnostic[] };
  expect(parseDiagnostics.map(({ messageText }) => messageText)).toEqual([]);
  const kinds: number[] = [];
  const walk = (node: ts.Node): void => {
    // A key may be written as an identifier or as a string.
    kinds.push(ts.isPropertyName(node) ? ts.SyntaxKind.StringLiteral : node.kind);
    if (!ts.isPropertyName(node)) ts.forEachChild(node, walk);
  };
  walk(tree);
  return kinds.join();
}

const folder = mkdtempSync(join(tmpdir(), "tlc-module-"));
mkdirSync(join(folder, "webgpu"));
writeFileSync(join(folder, "webgpu/device.mjs"), "");
writeFileSync(join(folder, "webgpu/program.mjs"), "");
writeFileSync(
  join(folder, "runtime.mjs"),
  "export const createModel = (common) => common;\nexport class DataError {}\nexport { DataError as DeviceError, DataError as NonFiniteLossError };\n",
);
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
interface Evaluated {
  readonly create: () => unknown;
  readonly classes: readonly string[];
  readonly stages: Artifact["stages"];
}
async function evaluated(source: string): Promise<Evaluated> {
  const file = join(folder, `${count++}.mjs`);
  writeFileSync(file, source);
  return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Evaluated;
}

describe("hostile names", () => {
  const benign = named("benign");
  const shapesOf = (artifact: Artifact): readonly string[] => [
    shapeOf(printModule(artifact, ["webgpu"]), "a.mjs"),
    shapeOf(printModule(artifact, ["webgpu", "wasm"]), "a.mjs"),
    shapeOf(printProgram(artifact), "a.mjs"),
    shapeOf(printDeclarations(artifact, ["webgpu", "wasm"], ""), "a.d.mts"),
  ];
  const shapes = shapesOf(benign);

  it.each(HOSTILE)("%j leaves the module as it was", async (name) => {
    const artifact = named(name);
    expect(shapesOf(artifact)).toEqual(shapes);
    const module = await evaluated(printModule(artifact, ["webgpu"]));
    const { data, target: _, stages, ...rest } = artifact;
    expect(module.create()).toEqual({ ...rest, data: { ...data, sources: {}, splits: [] } });
    expect(module.classes).toEqual([name, `${name}2`]);
    expect((await evaluated(printProgram(artifact))).stages).toEqual(stages);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it("of any kind leave the shape as it was", () => {
    const piece = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...HOSTILE));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
        const artifact = named(pieces.join(""));
        expect(shapesOf(artifact)).toEqual(shapes);
      }),
      { numRuns: 100 },
    );
  });

  it("never reach a comment, a file's name or a script element", () => {
    for (const name of HOSTILE) {
      const files = emitFiles([named(name)], () => "");
      for (const file of files.keys()) expect(file).toMatch(/^(webgpu\/(kernels\/)?)?\w[\w-]*(\.d)?\.(mjs|mts|json|wgsl)$/);
      expect(files.size).toBe(10);
      const module = printModule(named(name), ["webgpu"]);
      for (const text of [module, printProgram(named(name))]) expect(text).not.toMatch(/<\/|<!--|\/secret|\u202e|\u2028/);
      expect(commentText(name)).toMatch(/^[\w. -]*$/);
    }
  });
});

describe("a program in a module", () => {
  it("keeps what memory for libraries follows from", async () => {
    // The right operand is computed as it is read, and written down for a library; what comes after the sum is a kernel of its own.
    const b = createBuilder();
    const given = (name: string, ...shape: number[]): Node => b.input({ name, role: "batch", type: tensorType("f32", shape) });
    const y = b.tanh(b.matmul(given("x", 160, 200), b.sin(given("w", 200, 144))));
    const { program } = compileGraph({ builder: b, outputs: new Map([["y", y]]) }, "cuda");
    const module = await evaluated(printProgram(withProgram(fakeArtifact(), program)));
    const bytesOf = (of: Program): number => {
      const plan = { name: "plan", workspaceBytes: 0, enqueue: () => undefined, dispose: () => undefined };
      return new LibraryWork(of, [{ name: "", plansOf: () => [plan], dispose: () => undefined }]).bytes;
    };
    const [stage] = (module as unknown as Artifact).stages;
    expect(bytesOf(program)).toBe(4 * (200 * 144 + 160 * 144));
    expect(stage && bytesOf(stage.program)).toBe(bytesOf(program));
  });
});

describe("literals", () => {
  it("say any plain data back", async () => {
    const values = fc.jsonValue({ depthSize: "medium", stringUnit: "binary" });
    const samples = fc.sample(values, 100);
    const special = [-0, Infinity, -Infinity, NaN, 1e-45, { ["__proto__"]: { polluted: true } }, { "a-b": 1, a_b: 2, default: 3, "1": 4 }];
    const module = (await evaluated(`export const values = ${jsLiteral([...samples, ...special])};`)) as unknown as {
      readonly values: unknown;
    };
    expect(module.values).toEqual([...samples, ...special]);
    expect(Object.hasOwn((module.values as object[])[105]!, "__proto__")).toBe(true);
  });
});

const namesIn = (list = ""): string[] => list.split(",").map((it) => it.trim().split(" as ")[0]!);
const exportsOf = (text: string): string[] =>
  [...text.matchAll(/export\{([^}]*)\}/g)].flatMap(([, list = ""]) => list.split(",").map((it) => it.trim().split(" as ").at(-1)!));

describe("the files of a compiled folder", () => {
  it("read no files, but times of kernels that an earlier run measured", async () => {
    for (const name of RUNTIME_FILES) {
      const text = await bundleRuntime(name);
      if (["cuda-device.mjs", "cuda-tuning.mjs", "webgpu-tuning.mjs"].includes(name)) continue;
      expect(text, name).not.toMatch(/readFile|createReadStream|openSync|fs\/promises|from "node:|require\(/);
      // WebGPU in Node looks whether there is a GPU, and for a driver; nothing opens what it finds.
      expect(text.includes("node:fs"), name).toBe(name === "webgpu-device.mjs");
    }
  });

  it("take from the runtime what it has", async () => {
    const exported = new Set(exportsOf(await bundleRuntime("runtime.mjs")));
    const late = RUNTIME_FILES.filter((name) => name !== "runtime.mjs");
    for (const name of late) {
      const taken = [...(await bundleRuntime(name)).matchAll(/import\{([^}]*)\}from"\.\.?\/runtime\.mjs"/g)].flatMap(([, list]) =>
        namesIn(list),
      );
      expect(
        taken.filter((it) => !exported.has(it)),
        name,
      ).toEqual([]);
    }
    expect(exported.size).toBeGreaterThan(30);
  });

  it("have names that every system takes", () => {
    expect(["cnn", "", "-x", "a/../b", "nul", "runtime", "Training", "checkpoints", "artifact", "ä ö"].map(fileName)).toEqual([
      "cnn",
      "_model",
      "_x",
      "a____b",
      "nul_model",
      "runtime_model",
      "Training_model",
      "checkpoints_model",
      "artifact_model",
      "___",
    ]);
  });

  it("are the artifact alone where applications cannot run it", () => {
    const artifact = fakeArtifact();
    const kernel = { name: "k", params: [], axes: [], stages: [], start: -Infinity, zero: -0 };
    const program = { target: "reference", kernels: [{ name: "k", kernel: kernel as never }] };
    const whole = { ...withProgram(artifact, program), target: "reference" };
    const files = emitFiles([whole], () => "");
    expect([...files.keys()]).toEqual(["reference/artifact.json"]);
    expect(readExact(String(files.get("reference/artifact.json")))).toEqual(whole);
  });

  it("are one module for all targets, and a folder for each, which is loaded when it is chosen", () => {
    const built = (file: string): string => `// ${file}\n`;
    const [webgpu, wasm, reference] = ["webgpu", "wasm", "reference"].map((target): Artifact => ({ ...fakeArtifact(), target }));
    const files = emitFiles([wasm!, webgpu!, reference!], built);
    expect([...files.keys()].sort()).toEqual(
      [
        ...["checkpoints.mjs", "fake.d.mts", "fake.mjs", "runtime.mjs", "training.mjs", "reference/artifact.json"],
        ...["wasm/artifact.json", "wasm/device.mjs", "wasm/program.mjs", "wasm/worker-text.mjs", "wasm/worker.mjs"],
        ...["webgpu/artifact.json", "webgpu/device.mjs", "webgpu/program.mjs", "webgpu/tuning.mjs"],
      ].sort(),
    );
    const module = String(files.get("fake.mjs"));
    expect(module).toContain('webgpu: { device: () => import("./webgpu/device.mjs"), program: () => import("./webgpu/program.mjs") }');
    expect(module).not.toMatch(/^import .*(?:device|program)/m);
    expect(String(files.get("fake.d.mts"))).toContain('readonly device?: "auto" | "webgpu" | "wasm" | undefined;');
    // Nothing is late where there is no choice: an application may be one file.
    expect(String(emitFiles([wasm!], built).get("fake.mjs"))).not.toContain("import(");
    expect(() => emitFiles([wasm!, { ...webgpu!, outputShape: [3] }], built)).toThrow("one recipe");
    expect(() => emitFiles([wasm!, wasm!], built)).toThrow("once for each target");
  });
});
