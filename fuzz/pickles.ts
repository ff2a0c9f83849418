// Files of PyTorch with bytes, lengths or instructions changed: each is refused with a reason, or is read within its size, and nothing of it is run.

import { readFileSync } from "node:fs";
import { toFloat32 } from "../src/runtime/weights/tensor-values.ts";
import { weightsIn } from "../src/runtime/weights/open.ts";
import { DataError } from "../src/runtime/errors.ts";
import { bytes, fourTensor, P, pickle, torchLegacy, torchZip } from "../test/support/torch-files.ts";
import { Failure, below, pick, type Case, type Fuzzer, type Random } from "./fuzzer.ts";
import { mutateBytes } from "./mutate-bytes.ts";

const FIXTURES = ["zip", "legacy", "views", "views-legacy", "dtypes", "checkpoint", "parameters", "numpy", "proto", "protocol4"];

/** Instructions and values, which stand in a pickle wherever chance puts them. */
const PIECES: readonly Uint8Array[] = [
  ...["(", ".", "N", "}", "]", ")", "t", "u", "e", "s", "a", "R", "b", "Q", "0", "1", "2", "q\u0000", "h\u0000", "K\u0001"].map((it) =>
    bytes(it),
  ),
  ...[0x85, 0x86, 0x87, 0x81, 0x88, 0x89, 0x8f, 0x90, 0x93, 0x94].map((it) => bytes(it)),
  ...[0, 1, 4, -1, 0x7fffffff].map((it) => bytes(P.int(it))),
  ...[2 ** 40, 2 ** 52].map((it) => bytes(P.long(it))),
  ...["0", "1", "storage", "__proto__", "state_dict", "w"].map((it) => bytes(P.str(it))),
  ...[
    ["os", "system"],
    ["builtins", "eval"],
    ["torch", "FloatStorage"],
    ["torch", "DoubleStorage"],
    ["torch._utils", "_rebuild_tensor_v2"],
    ["torch._utils", "_rebuild_tensor_v3"],
    ["torch._utils", "_rebuild_parameter"],
    ["torch._tensor", "_rebuild_from_type_v2"],
    ["collections", "OrderedDict"],
    ["torch", "Size"],
    ["builtins", "set"],
    ["_codecs", "encode"],
    ["numpy", "dtype"],
    ["numpy.core.multiarray", "_reconstruct"],
  ].map(([module = "", name = ""]) => bytes(P.global(module, name))),
  bytes(P.memo(1)),
  bytes(P.recall(1)),
  bytes(fourTensor()),
  bytes(P.tuple(P.int(2), P.int(2))),
  bytes(P.dict(["w", fourTensor()])),
];

/** A program of chance, or a good one with pieces put into it. */
function program(random: Random): Uint8Array {
  const good = Array.from(pickle(P.dict(["a", fourTensor()], ["b", P.list(fourTensor())])));
  const body: number[] = below(random, 2) === 0 ? good : [0x80, 2, 0x2e];
  for (let count = 1 + below(random, 24); count > 0; count--)
    body.splice(2 + below(random, body.length - 2), below(random, 3), ...pick(random, PIECES));
  return Uint8Array.from(body);
}

function fileOf(random: Random, fixtures: readonly Uint8Array[]): Uint8Array {
  switch (below(random, 3)) {
    case 0:
      return mutateBytes(pick(random, fixtures), random);
    case 1:
      return torchZip(program(random));
    default:
      return torchLegacy(program(random));
  }
}

export const pickles: Fuzzer = {
  doc: "files of PyTorch with bytes changed, and pickles of any instructions",
  count: 100_000,
  prepare: (): Case => {
    const fixtures = FIXTURES.map((name) => new Uint8Array(readFileSync(`test/fixtures/weights/${name}.pth`)));
    return async (random) => {
      const file = fileOf(random, fixtures);
      let asked = 0;
      const read = (at: number, length: number): Promise<Uint8Array> => {
        asked = Math.max(asked, length);
        if (at + length > file.length) throw new DataError("it ends before what it says it holds");
        return Promise.resolve(file.slice(at, at + length));
      };
      try {
        const source = await weightsIn({ size: file.length, read });
        for (const [name, { shape }] of source.tensors) {
          const tensor = await source.read(name);
          const size = shape.reduce((product, extent) => product * extent, 1);
          if (tensor.data.length > 2 * file.length)
            throw new Failure(`a tensor of ${tensor.data.length} bytes in a file of ${file.length}`);
          try {
            if (toFloat32(name, tensor).length !== size) throw new Failure(`${name} has other than ${size} values`);
          } catch (error) {
            if (!(error instanceof DataError)) throw error;
          }
        }
        return "accepted";
      } catch (error) {
        if (asked > file.length) throw new Failure(`${asked} bytes asked of a file of ${file.length}`);
        if (error instanceof DataError) return "refused";
        throw error;
      }
    };
  },
};
