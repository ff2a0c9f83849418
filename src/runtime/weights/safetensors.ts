// The safetensors format, read and written to the rules of its Rust crate: a bounded header, no holes, no overlap, no duplicate
// names, every range exactly what its shape and dtype need. Bytes in, bytes out: no file access, so a browser can use it.

import { InternalError } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import { parseStrictJson, type StrictJson } from "./strict-json.ts";

export const MAX_HEADER_BYTES = 100_000_000;

/** Bits of one element; several dtypes are smaller than a byte. Listed from narrow to wide, as the crate orders them. */
export const DTYPE_BITS = {
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const satisfies Record<string, number>;

export type SafetensorsDType = keyof typeof DTYPE_BITS;

const DTYPES = Object.keys(DTYPE_BITS);

export interface TensorInfo {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Bytes from the start of the data section, `end` exclusive. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Bytes of the file before its data section. */
  readonly dataStart: number;
}

export interface Tensor {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  readonly data: Uint8Array;
}

export interface Safetensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

const refuse = (what: string): never => {
  throw new DataError(`not a valid safetensors file: ${what}`, "download or write the file again");
};

/** Length of the JSON header, from the first eight bytes; checked against the file's size before anything is allocated. */
export function headerLength(prefix: Uint8Array, fileBytes: number): number {
  if (prefix.length < 8 || fileBytes < 8) return refuse("it is shorter than its 8-byte length field");
  const view = new DataView(prefix.buffer, prefix.byteOffset, 8);
  const length = view.getUint32(0, true);
  if (view.getUint32(4, true) !== 0 || length > MAX_HEADER_BYTES) return refuse(`its header is over ${MAX_HEADER_BYTES} bytes`);
  if (length + 8 > fileBytes) return refuse(`its header of ${length} bytes ends after the file, which has ${fileBytes}`);
  return length;
}

/** Checks the whole header. `bytes` must hold at least the length field and the header, `fileBytes` is the size of the file. */
export function parseSafetensorsHeader(bytes: Uint8Array, fileBytes = bytes.length): SafetensorsHeader {
  const dataStart = 8 + headerLength(bytes, fileBytes);
  const tensors = new Map<string, TensorInfo>();
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, entry] of parseJsonObject(bytes.subarray(8, dataStart))) {
    if (name === "__metadata__") metadata = stringMap(entry);
    else tensors.set(name, tensorInfo(name, entry));
  }
  checkRanges(tensors, fileBytes - dataStart);
  return { tensors, metadata, dataStart };
}

function parseJsonObject(header: Uint8Array): ReadonlyMap<string, StrictJson> {
  if (header[0] !== 0x7b) return refuse("its header does not start with '{'");
  let json: StrictJson;
  try {
    json = parseStrictJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(header));
  } catch (error) {
    return refuse(`its header is not JSON in UTF-8 (${error instanceof SyntaxError ? error.message : "bad encoding"})`);
  }
  return json instanceof Map ? (json as ReadonlyMap<string, StrictJson>) : refuse("its header is not a JSON object");
}

function stringMap(entry: StrictJson): ReadonlyMap<string, string> {
  if (entry === null) return new Map();
  if (!(entry instanceof Map)) return refuse("__metadata__ is not an object");
  for (const value of entry.values()) if (typeof value !== "string") return refuse("__metadata__ holds something else than strings");
  return entry as ReadonlyMap<string, string>;
}

function tensorInfo(name: string, entry: StrictJson): TensorInfo {
  const label = JSON.stringify(name);
  if (!(entry instanceof Map)) return refuse(`the entry of ${label} is not an object`);
  const fields = entry as ReadonlyMap<string, StrictJson>;
  const dtype = fields.get("dtype");
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPE_BITS, dtype))
    return refuse(`${label} has the unknown dtype ${JSON.stringify(dtype ?? null)}`);
  const shape = naturals(fields.get("shape"));
  if (shape === undefined) return refuse(`the shape of ${label} is not a list of natural numbers`);
  const offsets = naturals(fields.get("data_offsets"));
  const [begin, end] = offsets ?? [];
  if (begin === undefined || end === undefined || offsets?.length !== 2)
    return refuse(`the data_offsets of ${label} are not two natural numbers`);
  return { dtype: dtype as SafetensorsDType, shape, begin, end };
}

function naturals(entry: StrictJson | undefined): readonly number[] | undefined {
  if (!Array.isArray(entry)) return undefined;
  return entry.every((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0)) ? (entry as readonly number[]) : undefined;
}

/** In order of their ranges, tensors must cover the data section exactly: then none overlap and there is no hidden content. */
function checkRanges(tensors: ReadonlyMap<string, TensorInfo>, dataBytes: number): void {
  const sorted = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const [name, { dtype, shape, begin, end }] of sorted) {
    const label = JSON.stringify(name);
    if (begin !== position || end < begin) refuse(`the range of ${label} leaves a hole or overlaps another tensor`);
    const bytes = tensorBytes(dtype, shape);
    if (bytes === undefined) refuse(`the size of ${label} overflows or is not whole bytes`);
    if (bytes !== end - begin) refuse(`${label} is ${dtype}[${shape.join(", ")}], which does not fill its ${end - begin} bytes`);
    position = end;
  }
  if (position !== dataBytes) refuse(`its header describes ${position} bytes of data, the file has ${dataBytes}`);
}

/** Undefined where the size is no exact number or no whole number of bytes. */
function tensorBytes(dtype: SafetensorsDType, shape: readonly number[]): number | undefined {
  let size = 1;
  for (const extent of shape) {
    size *= extent;
    if (!Number.isSafeInteger(size)) return undefined;
  }
  const bits = size * DTYPE_BITS[dtype];
  return Number.isSafeInteger(bits) && bits % 8 === 0 ? bits / 8 : undefined;
}

/** Tensors are views into `bytes`. */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const header = parseSafetensorsHeader(bytes);
  const tensors = new Map<string, Tensor>();
  for (const [name, { dtype, shape, begin, end }] of header.tensors) {
    tensors.set(name, { dtype, shape, data: bytes.subarray(header.dataStart + begin, header.dataStart + end) });
  }
  return { tensors, metadata: header.metadata };
}

/** How a file of these tensors begins, and their names in the order in which their bytes follow. */
export interface SafetensorsLayout {
  readonly start: Uint8Array;
  readonly names: readonly string[];
  /** Of the whole file. */
  readonly bytes: number;
}

/** Widest dtype first, then by name, header padded to eight bytes: the crate's own order, so that every tensor is aligned. */
export function layoutSafetensors(
  tensors: ReadonlyMap<string, Pick<Tensor, "dtype" | "shape">>,
  metadata: ReadonlyMap<string, string> = new Map(),
): SafetensorsLayout {
  const sorted = [...tensors].sort(([a, x], [b, y]) => DTYPES.indexOf(y.dtype) - DTYPES.indexOf(x.dtype) || (a < b ? -1 : 1));
  const entries: string[] = [];
  if (metadata.size > 0) {
    const pairs = [...metadata]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
    entries.push(`"__metadata__":{${pairs.join(",")}}`);
  }
  let position = 0;
  for (const [name, { dtype, shape }] of sorted) {
    const length = tensorBytes(dtype, shape);
    if (name === "__metadata__" || length === undefined)
      throw new InternalError(`cannot write tensor ${JSON.stringify(name)}: ${dtype}[${shape.join(", ")}]`);
    const end = position + length;
    entries.push(`${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(",")}],"data_offsets":[${position},${end}]}`);
    position = end;
  }
  const json = new TextEncoder().encode(`{${entries.join(",")}}`);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER_BYTES) throw new InternalError("too many tensors for one safetensors file");
  const start = new Uint8Array(8 + length);
  new DataView(start.buffer).setUint32(0, length, true);
  start.fill(0x20, 8, 8 + length);
  start.set(json, 8);
  return { start, names: sorted.map(([name]) => name), bytes: start.length + position };
}

export function writeSafetensors(tensors: ReadonlyMap<string, Tensor>, metadata: ReadonlyMap<string, string> = new Map()): Uint8Array {
  const { start, names, bytes } = layoutSafetensors(tensors, metadata);
  const file = new Uint8Array(bytes);
  file.set(start);
  let at = start.length;
  for (const name of names) {
    const { dtype, shape, data } = tensors.get(name) ?? { dtype: "F32", shape: [], data: new Uint8Array() };
    if (tensorBytes(dtype, shape) !== data.length)
      throw new InternalError(`cannot write tensor ${JSON.stringify(name)}: ${dtype}[${shape.join(", ")}] in ${data.length} bytes`);
    file.set(data, at);
    at += data.length;
  }
  return file;
}
