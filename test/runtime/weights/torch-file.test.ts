// Files of PyTorch: what torch.save wrote (scripts/make-weights.py) is read to the value, and what a stranger would have written instead is
// refused by the name of what it asks for, without anything being run or room being made for what is not there.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { DataError } from "../../../src/runtime/errors.ts";
import { openWeights, weightsIn } from "../../../src/runtime/weights/open.ts";
import { toFloat32 } from "../../../src/runtime/weights/tensor-values.ts";
import { bytes, FOUR, fourTensor, openBytes, P, pickle, readAll, torchLegacy, torchZip, u32, zip } from "../../support/torch-files.ts";

const FIXTURES = "test/fixtures/weights";
const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(join(FIXTURES, name)));

/** Values by name, in rows. */
async function valuesIn(file: Uint8Array): Promise<Record<string, { dtype: string; shape: readonly number[]; values: number[] }>> {
  const source = await openBytes(file);
  const found: Record<string, { dtype: string; shape: readonly number[]; values: number[] }> = Object.create(null) as never;
  for (const name of source.tensors.keys()) {
    const tensor = await source.read(name);
    found[name] = { dtype: tensor.dtype, shape: tensor.shape, values: [...toFloat32(name, tensor)] };
  }
  return found;
}

/** What scripts/make-weights.py fills tensors with. */
const filled = (count: number): number[] => Array.from({ length: count }, (_, i) => (i - 3) / 4);

const refusal = async (file: Uint8Array): Promise<string> => {
  try {
    await readAll(file);
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as DataError).message;
  }
  return "accepted";
};

describe("files of torch.save", () => {
  it.each(["zip.pth", "legacy.pth", "protocol4.pth"])("%s", async (name) => {
    expect(await valuesIn(fixture(name))).toEqual({
      "fc.weight": { dtype: "F32", shape: [2, 3], values: filled(6) },
      "fc.bias": { dtype: "F32", shape: [2], values: filled(2) },
    });
  });

  it("have all dtypes", async () => {
    const found = await valuesIn(fixture("dtypes.pth"));
    for (const [name, dtype] of Object.entries({ float64: "F64", float16: "F16", bfloat16: "BF16" }))
      expect(found[name]).toEqual({ dtype, shape: [2, 4], values: filled(8) });
    for (const [name, dtype] of Object.entries({ int8: "I8", int16: "I16", int32: "I32", int64: "I64" }))
      expect(found[name]).toEqual({ dtype, shape: [3], values: [-3, 0, 7] });
    expect(found["uint8"]).toEqual({ dtype: "U8", shape: [3], values: [3, 0, 7] });
    expect(found["uint16"]).toEqual({ dtype: "U16", shape: [3], values: [3, 0, 7] });
    expect(found["bool"]).toEqual({ dtype: "BOOL", shape: [3], values: [1, 0, 1] });
  });

  it.each(["views.pth", "views-legacy.pth"])("%s: tensors that are parts of one another", async (name) => {
    const found = await valuesIn(fixture(name));
    const base = filled(24);
    const at = (row: number, column: number): number => base[row * 6 + column]!;
    const grid = (rows: number[], columns: number[]): number[] => rows.flatMap((row) => columns.map((column) => at(row, column)));
    expect(found["whole"]!.values).toEqual(base);
    expect(found["rows"]).toEqual({ dtype: "F32", shape: [2, 6], values: grid([1, 2], [0, 1, 2, 3, 4, 5]) });
    expect(found["transposed"]!.values).toEqual([0, 1, 2, 3, 4, 5].flatMap((column) => [0, 1, 2, 3].map((row) => at(row, column))));
    expect(found["columns"]).toEqual({ dtype: "F32", shape: [4, 3], values: grid([0, 1, 2, 3], [0, 2, 4]) });
    expect(found["last"]).toEqual({ dtype: "F32", shape: [], values: [at(3, 5)] });
    expect(found["none"]).toEqual({ dtype: "F32", shape: [0, 6], values: [] });
    expect(found["channels_last"]!.values).toEqual(filled(24));
  });

  it("hold the weights of a checkpoint, and leave optimizer and counters", async () => {
    const { tensors } = await openBytes(fixture("checkpoint.pth"));
    const names = ["0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"];
    expect([...tensors.keys()]).toEqual(names.map((name) => `module.${name}`));
  });

  it("hold parameters, and dictionaries in dictionaries", async () => {
    expect(await valuesIn(fixture("parameters.pth"))).toEqual({ "deep.er": { dtype: "F32", shape: [2, 2], values: filled(4) } });
  });

  it("hold arrays of numpy, by rows and by columns", async () => {
    const array = { dtype: "F32", shape: [2, 3], values: filled(6) };
    expect(await valuesIn(fixture("numpy.pth"))).toEqual({ rows: array, columns: array });
  });

  it("have names that mean something to JavaScript, which mean nothing here", async () => {
    const { tensors } = await openBytes(fixture("proto.pth"));
    expect([...tensors.keys()]).toEqual(["__proto__.polluted", "constructor", "toString.length"]);
    expect("polluted" in {}).toBe(false);
  });

  it("are not TorchScript, nor just any pickle", async () => {
    expect(await refusal(fixture("script.pt"))).toContain("TorchScript");
    expect(await refusal(fixture("plain.pickle"))).toContain("not one that torch.save wrote");
  });
});

describe("a published file", () => {
  const path = "../shared/data/pretrained/cifar10-resnet20-12fca82f.th";
  it.skipIf(!existsSync(path))("of the time before zip archives: a ResNet-20 (skipped where ../shared is absent)", async () => {
    const { tensors, format, close } = await openWeights(path);
    await close();
    expect(format).toContain("before 1.6");
    expect(tensors.size).toBe(97);
    expect(tensors.get("module.layer3.2.conv2.weight")).toMatchObject({ dtype: "F32", shape: [64, 64, 3, 3] });
  });
});

describe("what is taken for weights", () => {
  const folder = mkdtempSync(join(tmpdir(), "tlspec-weights-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  it.each([
    ["a pointer of Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "Git LFS"],
    ["a page", "<!DOCTYPE html><title>404</title>", "web page"],
    ["HDF5", "\u0089HDF\r\n\u001a\n        ", "HDF5"],
    ["GGUF", "GGUF    0000000000000", "GGUF"],
    ["nothing", "", "it is empty"],
  ])("%s is named", async (_, content, said) => {
    const path = join(folder, "x.bin");
    writeFileSync(path, content, "latin1");
    await expect(openWeights(path)).rejects.toThrow(said);
    await expect(openWeights(path)).rejects.toThrow(path);
  });
});

// --- hostile ------------------------------------------------------------------------------------------------------------

const os = (name: string, ...args: readonly string[]): Uint8Array => pickle(P.call(P.global("os", name), ...args.map(P.str)));
const nested = (depth: number): Uint8Array =>
  bytes(0x80, 2, new Uint8Array(depth).fill(0x5d), new Uint8Array(Math.max(0, depth - 1)).fill(0x61), ".");
/** Lists of twice the one before: 2^28 values in some hundred bytes. */
const laughs = pickle(
  ["]", P.memo(0), P.str("ha"), "a0"],
  Array.from({ length: 28 }, (_, i) => ["]", P.memo(i + 1), P.recall(i), "a", P.recall(i), "a0"]),
  P.recall(28),
);
const view = (offset: number, shape: readonly number[], strides: readonly number[]): Uint8Array =>
  pickle(P.dict(["w", P.tensor(P.storage("FloatStorage", "0", P.int(4)), P.long(offset), shape.map(P.long), strides.map(P.long))]));

const MALICIOUS: readonly (readonly [what: string, data: Uint8Array, said: string])[] = [
  ["os.system", os("system", "touch /tmp/owned"), "`os.system`"],
  ["posix.system", pickle(P.call(P.global("posix", "system"), P.str("id"))), "`posix.system`"],
  ["nt.system", pickle(P.call(P.global("nt", "system"), P.str("calc"))), "`nt.system`"],
  ["builtins.eval", pickle(P.call(P.global("builtins", "eval"), P.str("1"))), "`builtins.eval`"],
  ["__builtin__.exec", pickle(P.call(P.global("__builtin__", "exec"), P.str("1"))), "`__builtin__.exec`"],
  [
    "a chain of getattr",
    pickle(P.call(P.call(P.global("builtins", "getattr"), P.global("torch", "Tensor"), P.str("__reduce__")))),
    "`builtins.getattr`",
  ],
  ["subprocess by the stack", bytes(0x80, 4, P.stackGlobal("subprocess", "Popen"), "."), "`subprocess.Popen`"],
  ["a module of ours", pickle(P.global("torch.hub", "load")), "`torch.hub.load`"],
  ["torch.load", pickle(P.global("torch.serialization", "load")), "`torch.serialization.load`"],
  ["a function of an allowed module", pickle(P.global("collections", "namedtuple")), "`collections.namedtuple`"],
  ["a class of a model", pickle(P.global("torchvision.models.resnet", "ResNet")), "`torchvision.models.resnet.ResNet`"],
  ["a property of all objects", pickle(P.global("__proto__", "constructor")), "`__proto__.constructor`"],
  ["a call of a dictionary", pickle("}", ")", "R"), "calls what is no function"],
  ["a call of a type", pickle(P.call(P.global("torch", "Tensor"))), "`torch.Tensor`"],
  ["attributes of a function", pickle(P.global("torch", "Size"), "}", "b"), "gives attributes"],
  ["INST", pickle("(", "ios\nsystem\n"), "instruction 0x69"],
  ["OBJ", pickle("(", P.global("torch", "Size"), "o"), "instruction 0x6f"],
  ["EXT1", pickle(0x82, 1), "instruction 0x82"],
  ["a memo of four billion", pickle("}", P.memo(0xffffffff), P.recall(7)), "not remembered"],
  ["billion laughs", laughs, "more than"],
  ["a nest of 100,000", nested(100_000), "nested more than"],
  ["a nest of three million", nested(3_000_000), "nested without end"],
  ["a circle", pickle("}", P.memo(0), P.str("model"), P.recall(0), "s"), "nested more than"],
  ["a text of four gigabytes", pickle("X", u32(0xfffffff0)), "ends within a pickle"],
  ["a text of 2^63", bytes(0x80, 4, 0x8d, 0, 0, 0, 0, 0, 0, 0, 0x80, "."), "a length of"],
  ["a number of four gigabytes", pickle(0x8b, u32(0xffffffff)), "a number of"],
  ["a tensor outside of its storage", view(1, [4], [1]), "lies outside"],
  ["a tensor far outside", view(0, [2], [2 ** 40]), "lies outside"],
  ["a tensor of a thousand gigabytes", view(0, [2 ** 19, 2 ** 19], [0, 0]), "repeats"],
  ["a shape that overflows", view(0, [2 ** 50, 2 ** 50, 2 ** 50], [0, 0, 0]), "repeats"],
  ["a negative offset", pickle(P.dict(["w", P.tensor(P.storage("FloatStorage", "0", P.int(4)), P.int(-1), [], [])])), "begins nowhere"],
  [
    "a negative extent",
    pickle(P.dict(["w", P.tensor(P.storage("FloatStorage", "0", P.int(4)), P.int(0), [P.int(-1)], [P.int(1)])])),
    "natural numbers",
  ],
  ["a storage of eight exabytes", pickle(P.dict(["w", P.storage("FloatStorage", "0", P.long(2 ** 52))])), "does not have"],
  ["a storage that is not there", pickle(P.dict(["w", fourTensor("../../etc/passwd")])), "does not have"],
  ["a storage as a tensor's size", pickle(P.call(P.global("torch", "Size"), P.storage("FloatStorage", "0", P.int(4)))), "no tuple"],
];

describe("malicious pickles", () => {
  it.each(MALICIOUS)("%s is refused", async (_, data, said) => {
    expect(await refusal(torchZip(data))).toContain(said);
    const legacy = await refusal(torchLegacy(data));
    expect(legacy).not.toBe("accepted");
  });

  it("are over twenty, and none of them was run", () => {
    expect(MALICIOUS.length).toBeGreaterThan(20);
    expect(existsSync("/tmp/owned")).toBe(false);
  });

  it("share a gigabyte under a thousand names", async () => {
    const storage = new Uint8Array(4 << 20);
    const tensor = P.tensor(P.storage("FloatStorage", "0", P.int(1 << 20)), P.int(0), [P.int(1 << 20)], [P.int(1)]);
    const tied = (count: number): Uint8Array => pickle(P.dict(...Array.from({ length: count }, (_, i) => [`w${i}`, tensor] as const)));
    expect((await openBytes(torchZip(tied(2), { 0: storage }))).tensors.size).toBe(2);
    expect(await refusal(torchZip(tied(1000), { 0: storage }))).toContain("of a file of");
  });
});

describe("malicious archives", () => {
  const good = pickle(P.dict(["w", fourTensor()]));
  it("one that is good, for comparison", async () => {
    expect((await readAll(torchZip(good))).get("w")).toEqual(FOUR);
    expect((await readAll(torchLegacy(good))).get("w")).toEqual(FOUR);
  });

  it.each([
    ["a compressed pickle", zip([{ name: "a/data.pkl", data: good, method: 8 }]), "compressed"],
    ["a path that leads out", torchZip(good, { 0: FOUR }, [{ name: "../../.bashrc", data: FOUR }]), "leads out"],
    ["a path from the root", torchZip(good, { 0: FOUR }, [{ name: "/etc/passwd", data: FOUR }]), "leads out"],
    ["a path of Windows", torchZip(good, { 0: FOUR }, [{ name: "..\\x", data: FOUR }]), "leads out"],
    ["entries over one another", torchZip(good, { 0: FOUR }, [{ name: "archive/x", data: FOUR, at: 0 }]), "lies over another"],
    [
      "an entry larger than the file",
      torchZip(good, { 0: FOUR }, [{ name: "archive/x", data: FOUR, size: 0x7fffffff }]),
      "lies over another",
    ],
    ["two entries of one name", torchZip(good, { 0: FOUR }, [{ name: "archive/data.pkl", data: good }]), "two entries"],
    [
      "numbers with the high byte first",
      zip([
        { name: "a/data.pkl", data: good },
        { name: "a/byteorder", data: bytes("big") },
        { name: "a/data/0", data: FOUR },
      ]),
      "high byte first",
    ],
    ["no pickle", zip([{ name: "a/other", data: good }]), "without a `data.pkl`"],
  ])("%s", async (_, file, said) => {
    expect(await refusal(file)).toContain(said);
  });

  it("legacy files whose storages are not as they say", async () => {
    expect(await refusal(torchLegacy(good, [["0", 5, FOUR]]))).toContain("another number");
    expect(await refusal(torchLegacy(good, [["1", 4, FOUR]]))).toContain("nothing uses");
    expect(
      await refusal(
        torchLegacy(good, [
          ["0", 4, FOUR],
          ["0", 4, FOUR],
        ]),
      ),
    ).toContain("two storages");
    expect(await refusal(torchLegacy(good, [["0", 4, FOUR.slice(1)]]))).toContain("ends before");
    expect(await refusal(torchLegacy(good, []))).toContain("there is no tensor");
  });
});

describe("damaged files", () => {
  const files = ["zip.pth", "legacy.pth", "views.pth", "views-legacy.pth", "numpy.pth"];

  it.each(files)("every prefix of %s is refused", async (name) => {
    const file = fixture(name);
    for (let length = 0; length < file.length; length++)
      expect([length, (await refusal(file.subarray(0, length))) === "accepted"]).toEqual([length, false]);
  });

  it.each(files)("every single bit of %s: refused, or read within its size", async (name) => {
    const file = fixture(name);
    for (let bit = 0; bit < 8 * file.length; bit++) {
      const changed = Uint8Array.from(file);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      try {
        const asked: number[] = [];
        const source = await weightsIn({
          size: changed.length,
          read: (at, length) => {
            asked.push(at + length);
            return Promise.resolve(changed.slice(at, at + length));
          },
        });
        let total = 0;
        for (const tensor of source.tensors.keys()) total += (await source.read(tensor)).data.length;
        expect(Math.max(...asked)).toBeLessThanOrEqual(changed.length);
        expect(total).toBeLessThanOrEqual(4 * changed.length);
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
      }
    }
  });
});
