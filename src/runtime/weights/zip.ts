// The directory of a zip archive, as far as PyTorch writes it: stored entries, 64-bit sizes. What is compressed is not read, so nothing is
// larger than the file; no entry lies over another, and none has a name that leads out of the archive. PKWARE's APPNOTE.TXT has the layout.

import { DataError } from "../errors.ts";
import type { ByteSource } from "./source.ts";

export interface ZipEntry {
  readonly name: string;
  /** As it is stored. */
  readonly size: number;
  readonly isCompressed: boolean;
  /** Of its local header, behind which its bytes lie. */
  readonly at: number;
  /** Where something else begins. */
  readonly before: number;
}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 65535;
/** Of a directory: a million entries and more. */
const MOST_DIRECTORY_BYTES = 256 << 20;

const refuse = (what: string): never => {
  throw new DataError(`not a valid zip archive: ${what}`, "download or write the file again");
};

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Entries by name. */
export async function readZipDirectory(source: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const { at, size, count } = await findDirectory(source);
  if (size > MOST_DIRECTORY_BYTES || at + size > source.size || count * 46 > size) return refuse("its directory lies outside of it");
  const bytes = await source.read(at, size);
  const found: Omit<ZipEntry, "before">[] = [];
  let position = 0;
  for (let i = 0; i < count; i++) {
    const entry = directoryEntry(bytes, position);
    position = entry.next;
    if (!entry.name.endsWith("/")) found.push(entry);
  }
  return apart(found, at);
}

/** Entries in the order of their places; each ends where the next one begins, or before. */
function apart(found: readonly Omit<ZipEntry, "before">[], end: number): ReadonlyMap<string, ZipEntry> {
  const sorted = [...found].sort((a, b) => a.at - b.at);
  const entries = new Map<string, ZipEntry>();
  for (const [i, entry] of sorted.entries()) {
    const { name, size, at } = entry;
    const before = sorted[i + 1]?.at ?? end;
    if (at + 30 + size > before) return refuse(`the entry ${JSON.stringify(name)} lies over another`);
    if (entries.has(name)) return refuse(`it has two entries ${JSON.stringify(name)}`);
    entries.set(name, { ...entry, before });
  }
  return entries;
}

/** Where the bytes of an entry begin; its local header has a name and fields of its own. */
export async function startOfEntry(source: ByteSource, { name, at, size, before, isCompressed }: ZipEntry): Promise<number> {
  if (isCompressed) return refuse(`the entry ${JSON.stringify(name)} is compressed, which torch.save does not do`);
  const view = viewOf(await source.read(at, 30));
  if (view.getUint32(0, true) !== LOCAL) return refuse(`the entry ${JSON.stringify(name)} is not where its directory says`);
  const start = at + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  return start + size <= before ? start : refuse(`the entry ${JSON.stringify(name)} lies over another`);
}

async function findDirectory(source: ByteSource): Promise<{ readonly at: number; readonly size: number; readonly count: number }> {
  const length = Math.min(source.size, END_BYTES + LONGEST_COMMENT);
  const tail = await source.read(source.size - length, length);
  const view = viewOf(tail);
  let end = tail.length - END_BYTES;
  while (end >= 0 && !(view.getUint32(end, true) === END && end + END_BYTES + view.getUint16(end + 20, true) === tail.length)) end--;
  if (end < 0) return refuse("it has no end");
  const parts = [view.getUint16(end + 4, true), view.getUint16(end + 6, true)];
  const plain = { count: view.getUint16(end + 10, true), size: view.getUint32(end + 12, true), at: view.getUint32(end + 16, true) };
  const locator = end - 20;
  if (locator >= 0 && view.getUint32(locator, true) === LOCATOR_64) return findDirectory64(source, whole(view, locator + 8));
  if (parts.some((part) => part !== 0)) return refuse("it is one of several parts");
  return plain;
}

async function findDirectory64(source: ByteSource, at: number): ReturnType<typeof findDirectory> {
  if (at + 56 > source.size) return refuse("its end lies outside of it");
  const view = viewOf(await source.read(at, 56));
  if (view.getUint32(0, true) !== END_64) return refuse("its end is not where it says");
  return { count: whole(view, 32), size: whole(view, 40), at: whole(view, 48) };
}

function whole(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : refuse(`it has a size of ${value}`);
}

function directoryEntry(bytes: Uint8Array, position: number): Omit<ZipEntry, "before"> & { readonly next: number } {
  const view = viewOf(bytes);
  if (position + 46 > bytes.length || view.getUint32(position, true) !== CENTRAL) return refuse("its directory is damaged");
  const flags = view.getUint16(position + 8, true);
  const method = view.getUint16(position + 10, true);
  const nameLength = view.getUint16(position + 28, true);
  const extraLength = view.getUint16(position + 30, true);
  const next = position + 46 + nameLength + extraLength + view.getUint16(position + 32, true);
  if (next > bytes.length) return refuse("its directory is damaged");
  const name = nameOf(bytes.subarray(position + 46, position + 46 + nameLength));
  if ((flags & 1) !== 0) return refuse(`the entry ${JSON.stringify(name)} is encrypted`);
  const stored = view.getUint32(position + 20, true);
  const plain = view.getUint32(position + 24, true);
  const local = view.getUint32(position + 42, true);
  const wide = wideSizes(new DataView(bytes.buffer, bytes.byteOffset + position + 46 + nameLength, extraLength), [plain, stored, local]);
  const [full, size, at] = wide;
  if (method === 0 && full !== size) return refuse(`the entry ${JSON.stringify(name)} has two sizes`);
  return { name, size, isCompressed: method !== 0, at, next };
}

/** Sizes of 32 bits that are all ones stand in the extra field 1, in this order, as 64. */
function wideSizes(extra: DataView, narrow: readonly [number, number, number]): readonly [number, number, number] {
  if (!narrow.includes(0xffffffff)) return narrow;
  for (let at = 0; at + 4 <= extra.byteLength;) {
    const [id, length] = [extra.getUint16(at, true), extra.getUint16(at + 2, true)];
    at += 4;
    if (id === 1) {
      const end = Math.min(at + length, extra.byteLength);
      const next = (value: number): number => {
        if (value !== 0xffffffff) return value;
        if (at + 8 > end) return refuse("its directory is damaged");
        at += 8;
        return whole(extra, at - 8);
      };
      const [size, stored, local] = narrow;
      return [next(size), next(stored), next(local)];
    }
    at += length;
  }
  return refuse("its directory is damaged");
}

function nameOf(bytes: Uint8Array): string {
  let name: string;
  try {
    name = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return refuse("the name of an entry is not UTF-8");
  }
  // eslint-disable-next-line no-control-regex -- is what is looked for
  const isPlain = !name.startsWith("/") && !/[\\:\u0000]/.test(name) && !name.split("/").includes("..");
  return isPlain ? name : refuse(`the entry ${JSON.stringify(name)} leads out of the archive`);
}
