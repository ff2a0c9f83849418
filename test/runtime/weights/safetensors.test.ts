// The safetensors reader against good files, every truncation, every bit flip of a header, and the hostile headers that a JSON.parse
// would let through.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { hostArrayFrom } from "../../../src/ir/arrays.ts";
import { InternalError, type DType } from "../../../src/ir/types.ts";
import { DataError } from "../../../src/runtime/errors.ts";
import { writeFileAtomic } from "../../../src/runtime/atomic-file.ts";
import { readSafetensorsFile, readSafetensorsHeader } from "../../../src/runtime/weights/files.ts";
import {
  MAX_HEADER_BYTES,
  parseSafetensorsHeader,
  readSafetensors,
  writeSafetensors,
  type Tensor,
  type SafetensorsDType,
} from "../../../src/runtime/weights/safetensors.ts";
import { parseStrictJson } from "../../../src/runtime/weights/strict-json.ts";
import { fromHostArray, toFloat32, toHostArray } from "../../../src/runtime/weights/tensor-values.ts";

const f32 = (shape: number[], ...values: number[]): Tensor => ({
  dtype: "F32",
  shape,
  data: new Uint8Array(Float32Array.from(values).buffer),
});

const small = (): Uint8Array =>
  writeSafetensors(
    new Map<string, Tensor>([
      ["fc.weight", f32([2, 3], 1, 2, 3, 4, 5, 6)],
      ["fc.bias", f32([2], -1, -2)],
      ["scalar", f32([], 7)],
      ["empty", f32([0, 4])],
      ["labels", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) }],
    ]),
    new Map([["format", "pt"]]),
  );

/** A file with this header text and `dataBytes` zeros. */
function file(header: string, dataBytes = 0): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 8);
  return bytes;
}

const refused = (bytes: Uint8Array): string => {
  try {
    readSafetensors(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as Error).message;
  }
  return "accepted";
};

describe("writing and reading", () => {
  it("gives back names, shapes, values and metadata", () => {
    const { tensors, metadata } = readSafetensors(small());
    expect([...tensors.keys()].sort()).toEqual(["empty", "fc.bias", "fc.weight", "labels", "scalar"]);
    expect(toFloat32("fc.weight", tensors.get("fc.weight")!)).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(tensors.get("fc.weight")!.shape).toEqual([2, 3]);
    expect(toFloat32("scalar", tensors.get("scalar")!)).toEqual(Float32Array.of(7));
    expect(metadata.get("format")).toBe("pt");
  });

  it("writes the same bytes whatever the order of insertion, aligned to eight", () => {
    const tensors = [...readSafetensors(small()).tensors];
    const again = writeSafetensors(new Map(tensors.reverse()), new Map([["format", "pt"]]));
    expect(again).toEqual(small());
    expect(parseSafetensorsHeader(again).dataStart % 8).toBe(0);
  });

  it("keeps any names, also those of Object.prototype", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.oneof(fc.constantFrom("__proto__", "constructor", "toString", ""), fc.string()), { maxLength: 8 }),
        (names) => {
          const kept = names.filter((name) => name !== "__metadata__");
          const read = readSafetensors(writeSafetensors(new Map(kept.map((name, i) => [name, f32([1], i)]))));
          expect([...read.tensors.keys()].sort()).toEqual([...kept].sort());
          kept.forEach((name, i) => expect(toFloat32(name, read.tensors.get(name)!)[0]).toBe(i));
        },
      ),
    );
    expect(({} as Record<string, unknown>)["dtype"]).toBeUndefined();
  });

  it("refuses to write what it would not read", () => {
    expect(() => writeSafetensors(new Map([["__metadata__", f32([1], 1)]]))).toThrow(InternalError);
    expect(() => writeSafetensors(new Map([["w", f32([3], 1)]]))).toThrow(InternalError);
  });

  it.each<DType>(["f32", "f16", "i32", "u32", "u8", "bool"])("gives back what a device holds as %s", (dtype) => {
    const held = hostArrayFrom([1, 0, 1], dtype);
    const { tensors } = readSafetensors(writeSafetensors(new Map([["x", fromHostArray(held, dtype, [3])]])));
    expect(toHostArray("x", tensors.get("x")!, dtype)).toEqual(held);
  });

  it("widens half precision and narrows integers only where they fit", () => {
    const half: Tensor = { dtype: "F16", shape: [5], data: new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0x3555).buffer) };
    expect([...toFloat32("x", half)]).toEqual([1, -2, 2 ** -24, Infinity, Math.fround(0.333251953125)]);
    const brain: Tensor = { dtype: "BF16", shape: [2], data: new Uint8Array(Uint16Array.of(0x3f80, 0xc040).buffer) };
    expect([...toFloat32("x", brain)]).toEqual([1, -3]);
    const long = (n: bigint): Tensor => ({ dtype: "I64", shape: [1], data: new Uint8Array(BigInt64Array.of(n).buffer) });
    expect([...toHostArray("x", long(-5n), "i32")]).toEqual([-5]);
    expect(() => toHostArray("x", long(2n ** 40n), "i32")).toThrow(DataError);
    expect(() => toHostArray("x", half, "i32")).toThrow("F16");
  });

  it.each<[SafetensorsDType, ArrayBuffer, DType, string]>([
    ["U32", Uint32Array.of(7, 2 ** 32 - 1).buffer, "i32", "tensor x holds 4294967295, which is no i32"],
    ["U64", BigUint64Array.of(2n ** 64n - 1n).buffer, "i32", "tensor x holds 18446744073709551615, which is no i32"],
    ["I32", Int32Array.of(-1).buffer, "u32", "tensor x holds -1, which is no u32"],
    ["I64", BigInt64Array.of(2n ** 32n).buffer, "u32", "which is no u32"],
    ["U8", Uint8Array.of(2).buffer, "bool", "tensor x holds 2, which is no bool"],
    ["F64", Float64Array.of(1, 1e39).buffer, "f32", "tensor x holds 1e+39, which is beyond the numbers of f32"],
  ])("refuses %s that the network's numbers cannot hold", (dtype, buffer, wanted, message) => {
    const data = new Uint8Array(buffer);
    expect(() => toHostArray("x", { dtype, shape: [data.length], data }, wanted)).toThrow(message);
  });

  it("keeps what PyTorch keeps: infinities of f64, and integers at the ends of their range", () => {
    const tensor = (dtype: SafetensorsDType, buffer: ArrayBuffer): Tensor => ({ dtype, shape: [2], data: new Uint8Array(buffer) });
    expect([...toHostArray("x", tensor("F64", Float64Array.of(-Infinity, 3.4028234e38).buffer), "f32")]).toEqual([
      -Infinity,
      Math.fround(3.4028234e38),
    ]);
    expect([...toHostArray("x", tensor("U32", Uint32Array.of(0, 2 ** 32 - 1).buffer), "u32")]).toEqual([0, 2 ** 32 - 1]);
    expect([...toHostArray("x", tensor("I16", Int16Array.of(-300, 300).buffer), "i32")]).toEqual([-300, 300]);
  });
});

describe("corruption", () => {
  it("refuses every prefix and every extension", () => {
    const bytes = small();
    for (let length = 0; length < bytes.length; length++) expect(refused(bytes.subarray(0, length))).not.toBe("accepted");
    expect(refused(Uint8Array.from([...bytes, 0]))).toContain("describes");
  });

  it("survives every single-bit flip of length and header: refused with a reason, or a well-formed file", () => {
    const bytes = small();
    const end = parseSafetensorsHeader(bytes).dataStart;
    for (let bit = 0; bit < end * 8; bit++) {
      const flipped = Uint8Array.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const message = refused(flipped);
      if (message !== "accepted") continue;
      const total = [...readSafetensors(flipped).tensors.values()].reduce((sum, t) => sum + t.data.length, 0);
      expect(total).toBe(bytes.length - end);
    }
  });

  it.each([
    [
      "a header past the limit",
      (() => {
        const b = file("{}");
        new DataView(b.buffer).setUint32(0, MAX_HEADER_BYTES + 1, true);
        return b;
      })(),
      "header is over",
    ],
    [
      "a 64-bit length",
      (() => {
        const b = file("{}");
        new DataView(b.buffer).setUint32(4, 1, true);
        return b;
      })(),
      "header is over",
    ],
    ["space before the header", file(" {}"), "does not start"],
    ["an array", file("[]"), "does not start"],
    ["a byte order mark", file("\ufeff{}"), "does not start"],
    ["text after the header", file("{} x"), "unexpected text"],
    [
      "bad UTF-8",
      (() => {
        const b = file('{"aaaa":1}');
        b[11] = 0xff;
        return b;
      })(),
      "bad encoding",
    ],
    [
      "duplicate names",
      file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1),
      "duplicate key",
    ],
    [
      "escaped duplicates",
      file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1),
      "duplicate key",
    ],
    ["a hole at the start", file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', 2), "hole"],
    [
      "a hole between",
      file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}', 3),
      "hole",
    ],
    [
      "overlap",
      file('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}', 3),
      "overlaps",
    ],
    ["a reversed range", file('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,-1]}}'), "natural numbers"],
    [
      "an end before its begin",
      file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[0],"data_offsets":[1,0]}}', 1),
      "hole",
    ],
    ["bytes nobody owns", file("{}", 4), "describes 0 bytes"],
    ["a shape that does not fill its range", file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4), "does not fill"],
    ["an overflowing shape", file('{"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}'), "overflows"],
    ["an inexact offset", file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,9007199254740993]}}', 1), "natural numbers"],
    ["a fractional extent", file('{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}', 1), "shape"],
    ["half a byte", file('{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}', 1), "whole bytes"],
    ["an unknown dtype", file('{"a":{"dtype":"toString","shape":[1],"data_offsets":[0,1]}}', 1), "unknown dtype"],
    ["no offsets", file('{"a":{"dtype":"U8","shape":[1]}}', 1), "data_offsets"],
    ["three offsets", file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}', 1), "data_offsets"],
    ["metadata that is no map", file('{"__metadata__":[1]}'), "not an object"],
    ["metadata with numbers", file('{"__metadata__":{"a":1}}'), "something else than strings"],
    ["a nesting bomb", file(`{"a":${"[".repeat(100_000)}`), "too deep"],
    ["an unterminated string", file('{"a'), "unterminated"],
    ["a raw control character", file('{"a\n":1}'), "malformed string"],
  ])("refuses %s", (_, bytes, message) => {
    expect(refused(bytes)).toContain(message);
  });

  it("accepts what the crate accepts: no tensors, scalars, trailing space, null metadata", () => {
    expect(readSafetensors(file("{}")).tensors.size).toBe(0);
    expect(readSafetensors(file('{"__metadata__":null}   ')).metadata.size).toBe(0);
    expect(readSafetensors(file('{"a":{"dtype":"F4","shape":[4],"data_offsets":[0,2]}}', 2)).tensors.get("a")!.data.length).toBe(2);
  });

  it("never fails otherwise on random headers", () => {
    const json = fc.json({ maxDepth: 4 });
    fc.assert(
      fc.property(fc.oneof(json, fc.string({ unit: "binary" }), fc.string()), (text) => void refused(file(text, 4))),
      { numRuns: 500 },
    );
  });
});

describe("strict JSON", () => {
  it("agrees with JSON.parse on values without duplicate keys", () => {
    const plain = (value: unknown): unknown =>
      value instanceof Map
        ? Object.fromEntries([...value].map(([k, v]) => [k, plain(v)]))
        : Array.isArray(value)
          ? value.map(plain)
          : value;
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(plain(parseStrictJson(text)))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it.each(["", "01", "1.", "+1", ".5", "tru", "[1,]", '{"a":1,}', "{a:1}", "[1 2]", "1 2", "'a'", '"\\x"', "NaN", "-"])(
    "refuses %j as JSON.parse does",
    (text) => {
      expect(() => JSON.parse(text) as unknown).toThrow();
      expect(() => parseStrictJson(text)).toThrow(SyntaxError);
    },
  );
});

describe("files", () => {
  const folder = mkdtempSync(join(tmpdir(), "tlc-weights-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("writes whole files, makes folders, leaves no temporary file", async () => {
    const path = join(folder, "a/b/w.safetensors");
    await writeFileAtomic(path, small());
    await writeFileAtomic(path, small());
    expect(readdirSync(join(folder, "a/b"))).toEqual(["w.safetensors"]);
    expect((await readSafetensorsFile(path)).tensors.size).toBe(5);
    expect((await readSafetensorsHeader(path)).tensors.get("fc.weight")!.shape).toEqual([2, 3]);
  });

  it("leaves the old file and no temporary one when the write fails", async () => {
    const target = join(folder, "folder-in-the-way");
    await writeFileAtomic(join(target, "x"), "1");
    await expect(writeFileAtomic(target, "2")).rejects.toThrow();
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("names the file in its errors, and reads no further than a false header length", async () => {
    const path = join(folder, "bad.safetensors");
    writeFileSync(path, file("{}").subarray(0, 9));
    await expect(readSafetensorsHeader(path)).rejects.toThrow("bad.safetensors: not a valid safetensors file");
    await expect(readSafetensorsFile(path)).rejects.toThrow("bad.safetensors");
    await expect(readSafetensorsFile(join(folder, "none"))).rejects.toThrow("there is no such file");
  });

  it("reads more than 2 GiB, and checks the header before", async () => {
    const path = join(folder, "large.safetensors");
    const size = 1100 * 2 ** 20;
    const header = `{"a":{"dtype":"U8","shape":[${size}],"data_offsets":[0,${size}]},"b":{"dtype":"U8","shape":[${size}],"data_offsets":[${size},${2 * size}]}}`;
    writeFileSync(path, file(header));
    // Of holes, which take no room on disk.
    truncateSync(path, file(header).length + 2 * size);
    const check = (): never => {
      throw new DataError("it does not fit");
    };
    await expect(readSafetensorsFile(path, { check })).rejects.toThrow("it does not fit");
    const { tensors } = await readSafetensorsFile(path);
    expect([...tensors.values()].map(({ data }) => data.length)).toEqual([size, size]);
  });

  const golden = "../shared/golden";
  it.skipIf(!existsSync(golden))("reads files that PyTorch's writer made, and writes them back byte for byte (needs ../shared)", () => {
    for (const name of readdirSync(golden).filter((f) => f.endsWith(".safetensors"))) {
      const bytes = new Uint8Array(readFileSync(join(golden, name)));
      const { tensors, metadata } = readSafetensors(bytes);
      expect(tensors.size).toBeGreaterThan(0);
      expect(Buffer.compare(writeSafetensors(tensors, metadata), bytes), name).toBe(0);
    }
  });
});
