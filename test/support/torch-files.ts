// Files of PyTorch put together by hand, for what no PyTorch would write: pickles out of instructions, and zip archives out of entries.

import { weightsIn } from "../../src/runtime/weights/open.ts";
import { bytesOfMemory, type WeightSource } from "../../src/runtime/weights/source.ts";

type Part = number | string | Uint8Array | readonly Part[];

const text = new TextEncoder();

/** Numbers are bytes, texts are themselves. */
export function bytes(...parts: readonly Part[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  const add = (part: Part): void => {
    if (typeof part === "number") pieces.push(Uint8Array.of(part));
    else if (typeof part === "string") pieces.push(text.encode(part));
    else if (part instanceof Uint8Array) pieces.push(part);
    else part.forEach(add);
  };
  parts.forEach(add);
  return new Uint8Array(Buffer.concat(pieces));
}

export const u16 = (value: number): Part => [value & 255, (value >> 8) & 255];
export const u32 = (value: number): Part => [u16(value & 0xffff), u16(value >>> 16)];
export const u64 = (value: number): Part => [u32(value % 2 ** 32), u32(Math.floor(value / 2 ** 32))];

/** Instructions of a pickle. */
export const P = {
  global: (module: string, name: string): Part => ["c", module, "\n", name, "\n"],
  stackGlobal: (module: string, name: string): Part => [P.str(module), P.str(name), 0x93],
  str: (value: string): Part => ["X", u32(text.encode(value).length), value],
  int: (value: number): Part => ["J", u32(value >>> 0)],
  long: (value: number): Part => [0x8a, 8, u64(value)],
  tuple: (...items: readonly Part[]): Part => ["(", items, "t"],
  list: (...items: readonly Part[]): Part => ["](", items, "e"],
  dict: (...entries: readonly (readonly [string, Part])[]): Part => ["}(", entries.map(([key, value]) => [P.str(key), value]), "u"],
  call: (callee: Part, ...args: readonly Part[]): Part => [callee, P.tuple(...args), "R"],
  none: "N",
  memo: (index: number): Part => ["r", u32(index)],
  recall: (index: number): Part => ["j", u32(index)],
  storage: (type: string, key: string, elements: Part): Part => [
    P.tuple(P.str("storage"), P.global("torch", type), P.str(key), P.str("cpu"), elements),
    "Q",
  ],
  tensor: (storage: Part, offset: Part, shape: readonly Part[], strides: readonly Part[]): Part =>
    P.call(
      P.global("torch._utils", "_rebuild_tensor_v2"),
      storage,
      offset,
      P.tuple(...shape),
      P.tuple(...strides),
      0x89,
      P.call(P.global("collections", "OrderedDict")),
    ),
} as const;

export const pickle = (...body: readonly Part[]): Uint8Array => bytes(0x80, 2, body, ".");

/** A storage of four floats, and a tensor that is all of it. */
export const FOUR = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
export const fourTensor = (key = "0"): Part => P.tensor(P.storage("FloatStorage", key, P.int(4)), P.int(0), [P.int(4)], [P.int(1)]);

export interface Entry {
  readonly name: string;
  readonly data: Uint8Array;
  readonly method?: number;
  /** What the directory says instead of what is so. */
  readonly size?: number;
  readonly at?: number;
}

export function zip(entries: readonly Entry[]): Uint8Array {
  const [locals, directory]: [Part[], Part[]] = [[], []];
  let at = 0;
  for (const { name, data, method = 0, size = data.length, at: said } of entries) {
    const common = [u16(0), u16(method), u32(0), u32(0), u32(size), u32(size), u16(text.encode(name).length)];
    const local = bytes("PK\u0003\u0004", u16(20), common, u16(0), name, data);
    directory.push(["PK\u0001\u0002", u16(20), u16(20), common, u16(0), u16(0), u16(0), u16(0), u32(0), u32(said ?? at), name]);
    locals.push(local);
    at += local.length;
  }
  const central = bytes(directory);
  const end = ["PK\u0005\u0006", u16(0), u16(0), u16(entries.length), u16(entries.length), u32(central.length), u32(at), u16(0)];
  return bytes(locals, central, end);
}

/** As `torch.save` lays it out. */
export const torchZip = (
  data: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = { 0: FOUR },
  more: readonly Entry[] = [],
): Uint8Array =>
  zip([
    { name: "archive/data.pkl", data },
    { name: "archive/byteorder", data: bytes("little") },
    ...Object.entries(storages).map(([key, content]) => ({ name: `archive/data/${key}`, data: content })),
    ...more,
  ]);

const MAGIC = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** As it did before 1.6. */
export const torchLegacy = (
  root: Uint8Array,
  storages: readonly (readonly [key: string, elements: number, data: Uint8Array])[] = [["0", 4, FOUR]],
): Uint8Array =>
  bytes(
    pickle(MAGIC),
    pickle("M", u16(1001)),
    pickle(P.dict(["little_endian", 0x88])),
    root,
    pickle(P.list(...storages.map(([key]) => P.str(key)))),
    storages.map(([, elements, data]) => [u64(elements), data]),
  );

export const openBytes = (file: Uint8Array): Promise<WeightSource> => weightsIn(bytesOfMemory(file));

/** Everything that is in it, as bytes. */
export async function readAll(file: Uint8Array): Promise<ReadonlyMap<string, Uint8Array>> {
  const source = await openBytes(file);
  const tensors = new Map<string, Uint8Array>();
  for (const name of source.tensors.keys()) tensors.set(name, (await source.read(name)).data);
  return tensors;
}
