// Compiled folders as they come: whole, of a stranger who knows checksums, damaged, not complete. Over the real compiler and the reference
// device, which makes program text of kernels.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { writeFolder } from "../../src/cli/folder.ts";
import { runCli } from "../../src/cli/program.ts";
import { ARTIFACT_VERSION, artifactFile } from "../../src/ir/artifact.ts";
import { readExact, writeExact } from "../../src/ir/exact-json.ts";

let root = "";
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "tlspec-folder-"));
  writeFileSync(join(root, "d.csv"), `a,b\n${Array.from({ length: 12 }, (_, i) => `0.${i} 0.5,${i % 2}`).join("\n")}\n`);
  writeFileSync(
    join(root, "r.tlspec"),
    `network n(classes = 2) {
  input given: f32[2]
  fc: linear(classes)
}
dataset d { train table("d.csv", given: a, label: b) }
recipe r { network n data d loss cross_entropy batch 4 optimizer adam(lr: 1e-2) epochs 1 }\n`,
  );
  expect((await cli("compile", spec(), "-t", "reference", "-o", folder())).code).toBe(0);
});
afterAll(() => rmSync(root, { recursive: true }));

const spec = (): string => join(root, "r.tlspec");
const folder = (name = "good"): string => join(root, name);
const ARTIFACT = artifactFile("reference");

async function cli(...args: readonly string[]): Promise<{ readonly code: number; readonly err: string; readonly out: string }> {
  const texts = { out: "", err: "" };
  const stream = (name: "out" | "err") => ({ write: (text: string) => void (texts[name] += text) });
  const code = await runCli(args, { stdout: stream("out"), stderr: stream("err"), env: {}, toolchain });
  return { code, ...texts };
}

const run = (path: string): ReturnType<typeof cli> => cli("run", path, "-o", join(root, "w.safetensors"));

interface Kernel {
  name: string;
  axes: { name: unknown; extent: unknown }[];
  params: { length: unknown; dtype: unknown }[];
  stages: {
    kind: unknown;
    axes: { extent: unknown }[];
    op?: unknown;
    value?: unknown;
    writes: { buffer: unknown; index: unknown; value: unknown }[];
  }[];
}
interface Parts {
  readonly artifact: { parameters: unknown[]; outputShape: unknown; recipe: { batch: unknown } };
  readonly program: {
    readonly buffers: { name: string; role: string; offset: unknown; bytes: unknown; shape: unknown }[];
    readonly kernels: { kernel?: Kernel; parts?: { kernel: Kernel }[] }[];
    readonly entries: Record<string, { kernel: number; buffers: unknown[] }[]>;
  };
  /** The first kernel with an axis. */
  readonly kernel: Kernel;
}

/** Those that have a launch for themselves, and those that share one. */
const kernelsOf = ({ kernels }: Parts["program"]): Kernel[] =>
  kernels.flatMap(({ kernel, parts = [] }) => [...(kernel ? [kernel] : []), ...parts.map((part) => part.kernel)]);

let copies = 0;

/** The folder with something changed by somebody who writes a checksum too. */
async function changed(change: (parts: Parts) => void): Promise<string> {
  const artifact = readExact(readFileSync(join(folder(), ARTIFACT), "utf8")) as Parts["artifact"] & {
    stages: { program: Parts["program"] }[];
  };
  const { program } = artifact.stages[0]!;
  change({ artifact, program, kernel: kernelsOf(program).find(({ axes }) => axes.length > 0)! });
  const path = folder(`changed-${copies++}`);
  await writeFolder(path, new Map([[ARTIFACT, writeExact(artifact)]]));
  return path;
}

describe("a compiled folder", () => {
  it("trains, for its device only and without --set", async () => {
    expect(await run(folder())).toMatchObject({ code: 0, err: "" });
    const wrong = await cli("run", folder(), "--device", "webgpu");
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("was compiled for reference, not webgpu")]);
    const set = await cli("run", folder(), "--set", "batch=1");
    expect([set.code, set.err]).toEqual([2, expect.stringContaining("a compiled folder is fixed")]);
  });

  const CODE = "1; globalThis.attacked = true; //";
  it.each<[string, (parts: Parts) => void, RegExp]>([
    ["an extent that is program text", ({ kernel }) => (kernel.axes[0]!.extent = CODE), /axes\/0\/extent must be integer/],
    ["an axis that is no name", ({ kernel }) => (kernel.axes[0]!.name = "i = 0; globalThis.attacked = true; let j"), /must match/],
    [
      "an index that is program text",
      ({ kernel }) => (kernel.stages.at(-1)!.writes[0]!.index = { kind: "const", dtype: "i32", value: CODE }),
      /fits none/,
    ],
    [
      "an operation that is program text",
      ({ kernel }) => (kernel.stages.at(-1)!.writes[0]!.value = { kind: "unary", dtype: "f32", op: CODE, x: {} }),
      /must be one of "neg"/,
    ],
    ["a parameter that is program text", ({ kernel }) => (kernel.stages.at(-1)!.writes[0]!.buffer = CODE), /must be integer/],
    ["an unknown kind of stage", ({ kernel }) => (kernel.stages[0]!.kind = "__proto__"), /cannot be of kind/],
    ["a write to what is read only", ({ kernel }) => (kernel.stages.at(-1)!.writes[0]!.buffer = kernel.params.length), /writes parameter/],
    ["more points than elements", ({ kernel }) => (kernel.axes[0]!.extent = 2 ** 31 - 1), /axis|elements/],
    [
      "a kernel without end",
      ({ program }) =>
        kernelsOf(program).forEach((kernel) =>
          kernel.stages.forEach((stage) => {
            if (stage.kind === "reduce")
              stage.axes = [
                { name: "r", extent: 2 ** 31 - 1 },
                { name: "q", extent: 2 ** 31 - 1 },
              ] as never;
          }),
        ),
      /used outside|elements in one launch/,
    ],
    ["a launch of too few buffers", ({ program }) => program.entries["train"]![0]!.buffers.pop(), /buffers, it takes/],
    ["a launch of other buffers", ({ program }) => program.entries["train"]![0]!.buffers.reverse(), /which is not what parameter/],
    [
      "a shorter buffer",
      ({ program }) => program.buffers.filter(({ role }) => role === "temp").forEach((it) => Object.assign(it, { shape: [], bytes: 4 })),
      /which is not what parameter/,
    ],
    [
      "a buffer over another",
      ({ program }) => program.buffers.filter(({ offset }) => offset !== -1).forEach((it) => (it.offset = 0)),
      /lies over another|lies across a pack/,
    ],
    ["a buffer beside the arena", ({ program }) => (program.buffers[0]!.offset = 2 ** 40), /outside the arena/],
    ["bytes that its type does not take", ({ program }) => (program.buffers[0]!.bytes = 2 ** 20), /not what its type takes/],
    ["a batch of another size", ({ artifact }) => (artifact.recipe.batch = 2 ** 31 - 1), /predict\/(given|image|output) is/],
    [
      "no parameters' states",
      ({ artifact }) => (artifact.parameters = [{ name: "a", state: "a", dtype: "f32", shape: [1], kind: "weight" }]),
      /no state holds the parameter a/,
    ],
  ])("with %s is refused", async (_, change, reason) => {
    const path = await changed(change);
    for (const verb of ["run", "eval", "inspect"]) {
      const { code, err } = await cli(verb, path);
      expect([code, err]).toEqual([2, expect.stringMatching(/is damaged: /)]);
      expect(err).toMatch(reason);
      expect(err).not.toMatch(/\n\s+at /);
    }
    expect("attacked" in globalThis).toBe(false);
  });

  it("is refused where its checksum does not hold, or it is not complete", async () => {
    const path = await changed(() => undefined);
    const file = join(path, ARTIFACT);
    expect((await run(path)).code).toBe(0);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace('"batch":4', '"batch":5'));
    const edited = await run(path);
    expect([edited.code, edited.err]).toEqual([2, expect.stringContaining("its checksum is not that of complete.json")]);
    writeFileSync(file, text);
    for (const marker of [undefined, "[", "null", "{}", '{"format":"tlc-folder","files":3}']) {
      rmSync(join(path, "complete.json"), { force: true });
      if (marker !== undefined) writeFileSync(join(path, "complete.json"), marker);
      const incomplete = await run(path);
      expect([incomplete.code, incomplete.err]).toEqual([2, expect.stringContaining("is not complete")]);
    }
    rmSync(file);
    expect([(await run(path)).code, (await run(path)).err]).toEqual([2, expect.stringContaining("is not a compiled folder")]);
  });

  it.each([
    ["[", "is damaged"],
    ["[".repeat(200_000), "nested more than 1000 levels"],
    [`{"format":"tlc-artifact","version":${ARTIFACT_VERSION},"x":"\\\\\\"${"[".repeat(2000)}"}`, "needs the property"],
    ['{"format":"tlc-artifact","version":9}', "another version"],
    ['{"format":"something"}', "not an artifact"],
    ["null", "not an artifact"],
  ])("that holds %.40s is refused", async (text, message) => {
    const path = folder(`text-${copies++}`);
    await writeFolder(path, new Map([[ARTIFACT, text]]));
    const { code, err } = await run(path);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe("a folder for several targets", () => {
  const several = (): string => folder("several");
  beforeAll(async () => {
    const compiled = await cli("compile", spec(), "-t", "reference,wasm", "-o", several(), "--json");
    expect([compiled.code, JSON.parse(compiled.out)]).toEqual([0, expect.objectContaining({ targets: ["wasm", "reference"] })]);
  });

  it("runs on each of them, and by itself on the best", async () => {
    const adapter = async (...args: readonly string[]): Promise<unknown> => {
      const { out } = await cli("run", several(), "-o", join(root, "w.safetensors"), "--json", ...args);
      return (JSON.parse(out.split("\n")[0]!) as { readonly device: unknown }).device;
    };
    expect([await adapter(), await adapter("-d", "wasm"), await adapter("-d", "reference")]).toEqual(["wasm", "wasm", "reference"]);
    const none = await cli("run", several(), "-d", "webgpu");
    expect([none.code, none.err]).toEqual([2, expect.stringContaining("was compiled for wasm and reference, not webgpu")]);
  });

  it("is looked at as the target that was asked for, where it has that", async () => {
    const target = async (...args: readonly string[]): Promise<unknown> =>
      (JSON.parse((await cli("inspect", several(), "--json", ...args)).out) as { readonly target: unknown }).target;
    expect([await target(), await target("-t", "reference")]).toEqual(["wasm", "reference"]);
  });

  it("looks at the data once, and says what is to be said once", async () => {
    const descriptions: unknown[] = [];
    const counting: typeof toolchain = {
      ...toolchain,
      compileSpec: (file, request) =>
        toolchain.compileSpec(file, {
          ...request,
          describeData: async (plan, labels) => {
            const description = await request.describeData(plan, labels);
            descriptions.push(description);
            return description;
          },
        }),
    };
    const texts: string[] = [];
    const stream = { write: (text: string) => void texts.push(text) };
    const args = ["compile", spec(), "-t", "wasm,reference", "-o", folder("counted"), "--set", "batch=100"];
    expect(await runCli(args, { stdout: stream, stderr: stream, env: {}, toolchain: counting })).toBe(0);
    expect([descriptions.length, new Set(descriptions).size]).toEqual([2, 1]);
    const lines = texts.join("").split("\n");
    expect(new Set(lines).size).toBe(lines.length);
  });

  it("has the targets of all options, where several are given", async () => {
    const path = folder("twice");
    expect((await cli("compile", spec(), "-t", "wasm", "-t", "webgpu", "-o", path)).code).toBe(0);
    expect(readdirSync(path)).toEqual(expect.arrayContaining(["wasm", "webgpu"]));
  });

  it("leaves nothing of the targets before", async () => {
    const OF_ALL = ["checkpoints.mjs", "complete.json", "r.d.mts", "r.mjs", "runtime.mjs", "training.mjs"];
    const path = folder("again");
    expect((await cli("compile", spec(), "-t", "webgpu,wasm", "-o", path)).code).toBe(0);
    expect(readdirSync(path).sort()).toEqual([...OF_ALL, "wasm", "webgpu"]);
    expect((await cli("compile", spec(), "-t", "wasm", "-o", path)).code).toBe(0);
    expect(readdirSync(path).sort()).toEqual([...OF_ALL, "wasm"]);
    expect((await cli("compile", spec(), "-t", "reference", "-o", path)).code).toBe(0);
    expect(readdirSync(path, { recursive: true }).sort()).toEqual(["complete.json", "reference", join("reference", "artifact.json")]);
  });

  it("is refused where the artifact of one is another's, or another tlc wrote it", async () => {
    const path = folder("mixed");
    await writeFolder(path, new Map([[artifactFile("wasm"), readFileSync(join(several(), ARTIFACT))]]));
    const mixed = await run(path);
    expect([mixed.code, mixed.err]).toEqual([2, expect.stringContaining("is damaged: it is for reference")]);
    await writeFolder(path, new Map([["artifact.json", "{}"]]));
    expect(await run(path)).toMatchObject({ code: 2, err: expect.stringContaining("written by another version of tlc") as string });
    await writeFolder(path, new Map([[artifactFile("tpu"), "{}"]]));
    expect(await run(path)).toMatchObject({
      code: 2,
      err: expect.stringContaining("compiled for tpu, which this tlc does not") as string,
    });
  });
});
