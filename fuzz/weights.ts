// Files of weights with bytes changed: each is refused with a reason, or is what the format says, to the byte.

import { fromHostArray, toHostArray } from "../src/runtime/weights/tensor-values.ts";
import { readSafetensors, writeSafetensors, type Tensor } from "../src/runtime/weights/safetensors.ts";
import { DataError } from "../src/runtime/errors.ts";
import { Failure, below, pick, type Case, type Fuzzer } from "./fuzzer.ts";
import { mutateBytes, mutateText } from "./mutate-bytes.ts";

const WORDS = [
  ...[
    '"dtype"',
    '"shape"',
    '"data_offsets"',
    '"__metadata__"',
    '"__proto__"',
    '"F32"',
    '"F64"',
    '"I64"',
    '"BOOL"',
    '"F4"',
    '"X"',
    "null",
    "true",
  ],
  ...["0", "1", "-1", "1e3", "0.5", "9007199254740993", "99999999999999999999", "{", "}", "[", "]", ",", ":", '"', "\\u0000", "\\ud800"],
];

function seeds(): readonly Uint8Array[] {
  const tensors = new Map<string, Tensor>([
    ["a.weight", fromHostArray(Float32Array.of(1, 2, 3, 4, 5, 6), "f32", [2, 3])],
    ["a.bias", fromHostArray(Float32Array.of(0.5, -1), "f32", [2])],
    ["steps", fromHostArray(Int32Array.of(7), "i32", [])],
    ["mask", fromHostArray(Uint8Array.of(1, 0, 1), "bool", [3])],
  ]);
  return [writeSafetensors(tensors), writeSafetensors(tensors, new Map([["format", "pt"]])), writeSafetensors(new Map())];
}

/** The header changed as text, with a length that fits it: else all but the first bytes would be refused for their length. */
function withHeader(file: Uint8Array, change: (header: string) => string): Uint8Array {
  const length = new DataView(file.buffer, file.byteOffset).getUint32(0, true);
  const header = new TextEncoder().encode(change(new TextDecoder().decode(file.subarray(8, 8 + length))));
  const changed = new Uint8Array(8 + header.length + file.length - 8 - length);
  new DataView(changed.buffer).setUint32(0, header.length, true);
  changed.set(header, 8);
  changed.set(file.subarray(8 + length), 8 + header.length);
  return changed;
}

export const weights: Fuzzer = {
  doc: "files of weights with bytes or words of their header changed",
  count: 200_000,
  prepare: (): Case => {
    const files = seeds();
    return (random) => {
      const file = pick(random, files);
      const bytes = below(random, 2) === 0 ? mutateBytes(file, random) : withHeader(file, (header) => mutateText(header, WORDS, random));
      try {
        const { tensors } = readSafetensors(bytes);
        let total = 0;
        for (const [name, tensor] of tensors) {
          total += tensor.data.length;
          try {
            toHostArray(name, tensor, pick(random, ["f32", "i32", "u32", "u8", "bool", "f16"] as const));
          } catch (error) {
            if (!(error instanceof DataError)) throw error;
          }
        }
        if (total > bytes.length) throw new Failure(`tensors of ${total} bytes in a file of ${bytes.length}`);
        return "accepted";
      } catch (error) {
        if (error instanceof DataError) return "refused";
        throw error;
      }
    };
  },
};
