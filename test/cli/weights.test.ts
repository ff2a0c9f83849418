// Recipes that begin with published weights, from the command line: what of them arrives in the network, to the bit, and what is said where
// they do not fit. The compiler and the device are real.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { runCli } from "../../src/cli/program.ts";
import { readSafetensors, writeSafetensors, type SafetensorsDType, type Tensor } from "../../src/runtime/weights/safetensors.ts";
import { toFloat32 } from "../../src/runtime/weights/tensor-values.ts";

let root: string;
const before = process.cwd();
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "tlspec-published-"));
  for (const [i, name] of ["dark", "light"].entries()) {
    mkdirSync(join(root, "data", name), { recursive: true });
    for (let n = 0; n < 4; n++)
      await sharp(Buffer.alloc(48, 40 + 150 * i + n), { raw: { width: 4, height: 4, channels: 3 } })
        .png()
        .toFile(join(root, "data", name, `${n}.png`));
  }
  process.chdir(root);
});
afterAll(() => {
  process.chdir(before);
  rmSync(root, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly objects: readonly Record<string, unknown>[];
}

async function cli(...args: readonly string[]): Promise<Outcome> {
  const text = { out: "", err: "" };
  const io = {
    stdout: { write: (it: string) => (text.out += it) },
    stderr: { write: (it: string) => (text.err += it) },
    env: {},
    toolchain,
  };
  const code = await runCli(args, io);
  const objects = args.includes("--json")
    ? text.out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    : [];
  return { code, ...text, objects };
}

/** Value i of a tensor is (i - 3) / 8, which every dtype here has exactly. */
const values = (shape: readonly number[]): Float32Array =>
  Float32Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, (_, i) => ((i % 32) - 3) / 8);
const f32 = (...shape: number[]): Tensor => ({ dtype: "F32", shape, data: new Uint8Array(values(shape).buffer) });
const NET: Readonly<Record<string, Tensor>> = {
  "stem.0.weight": f32(2, 3, 3, 3),
  "stem.1.weight": f32(2),
  "stem.1.bias": f32(2),
  "stem.1.running_mean": f32(2),
  "stem.1.running_var": { ...f32(2), data: new Uint8Array(Float32Array.of(1, 2).buffer) },
  "stem.1.num_batches_tracked": { dtype: "I64", shape: [], data: new Uint8Array(8) },
  "fc.weight": f32(2, 2),
  "fc.bias": f32(2),
};

const save = (name: string, tensors: Readonly<Record<string, Tensor>>): void =>
  writeFileSync(join(root, name), writeSafetensors(new Map(Object.entries(tensors))));

const renamed = (tensors: Readonly<Record<string, Tensor>>, rename: (name: string) => string): Readonly<Record<string, Tensor>> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [rename(name), tensor]));

/** A spec that trains `fc` alone, so that all else stays what it was given. */
function spec(name: string, settings: string, { channels = 3, net = "", network = "net" } = {}): string {
  const file = `${name}.tlspec`;
  writeFileSync(
    join(root, file),
    `network net(classes = 2) {
  input image: f32[${channels}, 4, 4]
  stem: { 0: conv2d(2, kernel: 3, padding: 1, bias: false) -> 1: batch_norm } -> relu
  global_avg_pool
  fc: linear(classes)
}
${net}
dataset shades {
  train images("data")
  test images("data")
  ${channels === 1 ? "preprocess grayscale" : ""}
}
recipe ${name} {
  network ${network}
  data shades
  loss cross_entropy
  metrics accuracy
  batch 4
  optimizer sgd(lr: 0.1)
  epochs 1
  freeze ** except fc
  ${settings}
}
`,
  );
  return file;
}

/** Trains, and gives what was saved. */
async function trained(file: string): Promise<ReadonlyMap<string, Tensor>> {
  const out = file.replace(".tlspec", ".trained.safetensors");
  const { code, err } = await cli("run", file, "-d", "reference", "-o", out);
  if (code !== 0) throw new Error(err);
  return readSafetensors(new Uint8Array(readFileSync(join(root, out)))).tensors;
}

const floats = (tensors: ReadonlyMap<string, Tensor>, name: string): number[] => [...toFloat32(name, tensors.get(name)!)];
const STEM = Object.keys(NET).filter((name) => name.startsWith("stem") && !name.endsWith("tracked"));

describe("weights of a file", () => {
  const asDType = (dtype: SafetensorsDType, to: (value: number) => ArrayBufferView): Readonly<Record<string, Tensor>> =>
    Object.fromEntries(
      Object.entries(NET).map(([name, tensor]) => {
        if (tensor.dtype !== "F32") return [name, tensor];
        const parts = [...toFloat32(name, tensor)].map((value) => Buffer.from(to(value).buffer as ArrayBuffer));
        return [name, { dtype, shape: tensor.shape, data: new Uint8Array(Buffer.concat(parts)) }];
      }),
    );

  it.each([
    ["as they are", NET, ""],
    ["as f64", asDType("F64", (value) => Float64Array.of(value)), ""],
    ["as bf16", asDType("BF16", (value) => Uint16Array.of(new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16)), ""],
    ["of DataParallel", renamed(NET, (name) => `module.${name}`), ""],
    ["of a compiled model in DataParallel", renamed(NET, (name) => `module._orig_mod.${name}`), ""],
    ["of a part of such a model", renamed(NET, (name) => `module._orig_mod.part.${name}`), ""],
    ["with old names of norms", renamed(NET, (name) => name.replace("1.weight", "1.gamma").replace("1.bias", "1.beta")), ""],
    ["in a scope of the file's own", renamed(NET, (name) => `backbone.${name}`), ""],
    ["under other names", renamed(NET, (name) => name.replace("stem", "body.layers")), "rename body.layers.** to stem.**"],
    [
      "under other names, each by itself",
      renamed(NET, (name) => name.replace(/stem\.1\.(?!num)/, "norm.a_")),
      "rename norm.a_* to stem.1.*",
    ],
    ["with more than the network has", { ...NET, "extra.weight": f32(7), "extra.bias": f32(1) }, "drop extra"],
    ["without the head", Object.fromEntries(Object.entries(NET).filter(([name]) => !name.startsWith("fc"))), "new fc"],
  ])("%s arrive", async (name, tensors, clauses) => {
    const stem = name.replaceAll(/\W/g, "_");
    save(`${stem}.safetensors`, tensors);
    const result = await trained(spec(stem, `weights "${stem}.safetensors" ${clauses}`));
    for (const parameter of STEM)
      expect([parameter, floats(result, parameter)]).toEqual([parameter, floats(new Map(Object.entries(NET)), parameter)]);
    // The head has trained from what it was given.
    if (clauses !== "new fc")
      floats(result, "fc.weight").forEach((value, i) =>
        expect(Math.abs(value - floats(new Map(Object.entries(NET)), "fc.weight")[i]!)).toBeLessThan(0.5),
      );
  });

  it("with a scope that only the network has arrive", async () => {
    save("bare.safetensors", NET);
    const file = spec("scoped", `weights "bare.safetensors"`, {
      network: "whole",
      net: "network whole {\n  input image: f32[3, 4, 4]\n  body: net\n}\n",
    });
    writeFileSync(join(root, file), readFileSync(join(root, file), "utf8").replace("except fc", "except body.fc"));
    const result = await trained(file);
    for (const name of STEM) expect(floats(result, `body.${name}`)).toEqual(floats(new Map(Object.entries(NET)), name));
  });

  it("are adapted to other channels", async () => {
    save("colour.safetensors", NET);
    const kernel = (ins: number, how: (channel: number) => number): number[] =>
      Array.from({ length: 2 * ins * 9 }, (_, i) => {
        const [out, channel, at] = [Math.floor(i / (ins * 9)), Math.floor(i / 9) % ins, i % 9];
        return how(channel) < 0
          ? [0, 1, 2].reduce((sum, c) => sum + values([54])[(out * 3 + c) * 9 + at]!, 0)
          : (values([54])[(out * 3 + how(channel)) * 9 + at]! * 3) / ins;
      });
    const sum = await trained(spec("sum", `weights "colour.safetensors" adapt stem.0 with sum`, { channels: 1 }));
    expect(floats(sum, "stem.0.weight")).toEqual(kernel(1, () => -1));
    const repeat = await trained(spec("repeat", `weights "colour.safetensors" adapt stem.0.weight with repeat`, { channels: 1 }));
    expect(floats(repeat, "stem.0.weight")).toEqual(kernel(1, () => 0));
  });

  it("are for what is not replaced", async () => {
    save("net.safetensors", NET);
    const result = await trained(
      spec("replaced", `weights "net.safetensors"\n  replace fc with 0: linear(3) -> relu -> 1: linear(shades.classes)`),
    );
    expect(floats(result, "stem.0.weight")).toEqual([...values([2, 3, 3, 3])]);
    expect([...result.keys()].filter((name) => name.startsWith("fc")).sort()).toEqual([
      "fc.0.bias",
      "fc.0.weight",
      "fc.1.bias",
      "fc.1.weight",
    ]);
    expect(result.get("fc.1.weight")!.shape).toEqual([2, 3]);
  });

  it("stay in the spec's folder, but for what the user names", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "tlspec-elsewhere-"));
    writeFileSync(join(elsewhere, "w.safetensors"), writeSafetensors(new Map(Object.entries(NET))));
    symlinkSync(join(elsewhere, "w.safetensors"), join(root, "link.safetensors"));
    const file = spec("inside", `weights "link.safetensors"`);
    expect(await cli("inspect", file)).toMatchObject({ code: 2, err: expect.stringContaining("leads out of") as string });
    expect((await cli("inspect", file, "--set", `weights="${join(elsewhere, "w.safetensors")}"`)).code).toBe(0);
    rmSync(elsewhere, { recursive: true });
  });
});

describe("what does not fit", () => {
  beforeAll(() => save("wrong.safetensors", { ...NET, "fc.weight": f32(1000, 2), "fc.bias": f32(1000), "cls.weight": f32(1) }));

  it.each([["check"], ["inspect"], ["eval"], ["run"], ["compile"]])("is said by `tlc %s` before anything is compiled", async (verb) => {
    const file = spec("unfit", `weights "wrong.safetensors"`);
    const { code, err } = await cli(
      verb,
      file,
      ...(verb === "compile" ? ["-o", "unfit"] : []),
      ...(["eval", "run"].includes(verb) ? ["-d", "reference"] : []),
    );
    expect(code).toBe(2);
    expect(err).toContain("TL0602");
    expect(err).toContain("add to `weights`: `drop cls.weight, fc.** new fc.**`");
    expect(existsSync(join(root, "unfit"))).toBe(false);
  });

  it("goes away with what the diagnostic says", async () => {
    const file = spec("fixed", `weights "wrong.safetensors" drop cls.weight, fc.** new fc.**`);
    expect((await cli("check", file)).code).toBe(0);
    const { objects } = await cli("inspect", file, "--json");
    expect(objects[0]!["weights"]).toEqual({
      source: "wrong.safetensors",
      taken: 5,
      dropped: 3,
      new: ["fc.weight", "fc.bias"],
    });
  });

  it("is suggested by order and shape where a file numbers its layers, and fits then", async () => {
    const numbered = renamed(NET, (name) => name.replace("stem.0", "0").replace("stem.1", "3").replace("fc", "5"));
    save("numbered.safetensors", numbered);
    const { code, err } = await cli("check", spec("numbered", `weights "numbered.safetensors"`));
    const remedy = /add to `weights`: `(rename [^`]*)`/.exec(err)?.[1] ?? "";
    expect([code, remedy]).toEqual([2, "rename 0.weight to stem.0.weight, 3.** to stem.1.**, 5.** to fc.**"]);
    expect((await cli("check", spec("numbered", `weights "numbered.safetensors" ${remedy}`))).code).toBe(0);
  });

  it("is not known of a head whose classes only the data knows", async () => {
    save("seven.safetensors", { ...NET, "fc.weight": f32(7, 2), "fc.bias": f32(7) });
    const file = spec("open", `weights "seven.safetensors"`, { network: "net(classes: shades.classes)" });
    const { code, err } = await cli("check", file);
    expect([code, err]).toEqual([2, expect.stringContaining("fc.weight")]);
    writeFileSync(join(root, file), readFileSync(join(root, file), "utf8").replaceAll('images("data")', 'images("absent")'));
    expect((await cli("check", file)).code).toBe(0);
  });

  it("may be that there is no such file", async () => {
    const file = spec("absent", `weights "absent.safetensors"`);
    expect((await cli("check", file)).code).toBe(0);
    expect(await cli("eval", file, "-d", "reference")).toMatchObject({ code: 2, err: expect.stringContaining("TL0601") as string });
  });

  it("may be a number that is none", async () => {
    save("nan.safetensors", { ...NET, "fc.bias": { ...f32(2), data: new Uint8Array(Float32Array.of(1, NaN).buffer) } });
    const { code, err } = await cli("eval", spec("nan", `weights "nan.safetensors"`), "-d", "reference");
    expect([code, err]).toEqual([2, expect.stringContaining("the weight fc.bias is NaN at [1]")]);
  });
});

describe("verbs that answer", () => {
  it("take published weights that are the whole network, and say so", async () => {
    save("whole.safetensors", NET);
    const file = spec("answers", `weights "whole.safetensors"`);
    const { code, err, objects } = await cli("eval", file, "-d", "reference", "--json");
    expect([code, err]).toEqual([0, expect.stringContaining("weights of whole.safetensors: 7 tensors")]);
    expect(objects[0]).toMatchObject({ event: "eval", examples: 8 });
    expect((await cli("predict", file, "data/dark/0.png", "-d", "reference")).code).toBe(0);
  });

  it("do not guess a head", async () => {
    save("headless.safetensors", NET);
    const file = spec("headless", `weights "headless.safetensors" drop fc new fc`);
    const { code, err } = await cli("eval", file, "-d", "reference");
    expect([code, err]).toEqual([2, expect.stringContaining("2 of its tensors are not in the published ones")]);
  });
});

describe("a compiled folder", () => {
  it("holds the weights that it begins with, under the network's names", async () => {
    save(
      "packed.safetensors",
      renamed(NET, (name) => `module.${name.replace("stem", "body")}`),
    );
    const file = spec("packed", `weights "packed.safetensors" rename body to stem drop fc new fc`);
    expect((await cli("compile", file, "-o", "folder", "-t", "reference")).code).toBe(0);
    rmSync(join(root, "packed.safetensors"));
    const { tensors } = readSafetensors(new Uint8Array(readFileSync(join(root, "folder/weights.safetensors"))));
    expect([...tensors.keys()].sort()).toEqual([...STEM].sort());
    const { code, err } = await cli("run", "folder", "-d", "reference", "-o", "folder.safetensors");
    expect([code, err]).toEqual([0, expect.stringContaining("5 tensors, 2 begin at random")]);
    const saved = readSafetensors(new Uint8Array(readFileSync(join(root, "folder.safetensors")))).tensors;
    for (const name of STEM) expect(floats(saved, name)).toEqual(floats(new Map(Object.entries(NET)), name));
    expect((await cli("eval", "folder", "-d", "reference")).code).toBe(2);
    expect((await cli("eval", "folder", "-d", "reference", "-w", "folder.safetensors")).code).toBe(0);
    // Named or not, first weights are none to answer from where a part of them is random.
    for (const verb of [["eval"], ["predict", "data/dark/0.png"]]) {
      const first = await cli(verb[0]!, "folder", ...verb.slice(1), "-d", "reference", "-w", "folder/weights.safetensors");
      const message = "folder/weights.safetensors has the weights that packed begins with: 2 of its tensors are not among them";
      expect([first.code, first.err]).toEqual([2, expect.stringContaining(message)]);
    }
  });
});

describe("convert", () => {
  const fixture = (name: string): string => join(before, "test/fixtures/weights", name);
  it.each(["zip.pth", "legacy.pth", "views.pth", "dtypes.pth"])("%s has the same tensors as safetensors", async (name) => {
    const { code, objects } = await cli("convert", fixture(name), "-o", "out.safetensors", "--json");
    expect(code).toBe(0);
    const { openWeights } = await import("../../src/runtime/weights/open.ts");
    const source = await openWeights(fixture(name));
    const { tensors } = readSafetensors(new Uint8Array(readFileSync(join(root, "out.safetensors"))));
    expect(objects[0]).toMatchObject({ event: "converted", tensors: tensors.size });
    expect([...tensors.keys()].sort()).toEqual([...source.tensors.keys()].sort());
    for (const [key, tensor] of tensors) {
      const { dtype, shape, data } = await source.read(key);
      expect([tensor.dtype, [...tensor.shape], [...tensor.data]]).toEqual([dtype, [...shape], [...data]]);
    }
    await source.close();
  });

  it("refuses what is no weights, and does not write over what is none", async () => {
    expect(await cli("convert", fixture("plain.pickle"), "-o", "x.safetensors")).toMatchObject({ code: 2 });
    expect(existsSync(join(root, "x.safetensors"))).toBe(false);
    writeFileSync(join(root, "letter.txt"), "dear");
    expect(await cli("convert", fixture("zip.pth"), "-o", "letter.txt")).toMatchObject({ code: 2 });
    expect(readFileSync(join(root, "letter.txt"), "utf8")).toBe("dear");
  });
});
