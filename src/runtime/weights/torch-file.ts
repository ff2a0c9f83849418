// Files that `torch.save` writes, in both of their forms: a zip archive with a pickle and an entry for each storage, and before PyTorch 1.6
// pickles in a row with the storages behind them. Only pickles are read to know the tensors; storages are read when a tensor is.

import { DataError } from "../errors.ts";
import { refusePickle, Truncated } from "./pickle/bytes.ts";
import { unpickle, type PersistentLoad } from "./pickle/machine.ts";
import { bytesOf, gather, isContiguous, spanOf } from "./pickle/tensors.ts";
import { Dict, Global, Storage, Tuple, type PickleValue, type TensorView } from "./pickle/values.ts";
import type { Tensor } from "./safetensors.ts";
import { requireTensor, type ByteSource, type TensorHeader } from "./source.ts";
import { tensorsOf } from "./state-dict.ts";
import { readZipDirectory, startOfEntry, type ZipEntry } from "./zip.ts";

export interface TorchFile {
  readonly format: string;
  readonly tensors: ReadonlyMap<string, TensorHeader>;
  readonly read: (name: string, signal?: AbortSignal) => Promise<Tensor>;
}

/** A pickle beyond this is no list of tensors. */
const MOST_PICKLE_BYTES = 128 << 20;

/** Where the bytes of a storage lie; throws where there are not as many as the pickle says. */
type PlaceOf = (storage: Storage) => Promise<number>;

// --- zip ----------------------------------------------------------------------------------------------------------------

export async function openTorchZip(source: ByteSource): Promise<TorchFile> {
  const entries = await readZipDirectory(source);
  const pickle = [...entries.keys()].find((name) => /^[^/]*\/data\.pkl$/.test(name));
  const entry = pickle === undefined ? undefined : entries.get(pickle);
  if (pickle === undefined || entry === undefined) return refusePickle("it is a zip archive without a `data.pkl`");
  const folder = pickle.slice(0, -"data.pkl".length);
  if (entries.has(`${folder}constants.pkl`))
    return refusePickle("it is a TorchScript module, which holds program text", "save its weights: torch.save(module.state_dict(), FILE)");
  if (entry.size > MOST_PICKLE_BYTES) return refusePickle(`its pickle has ${entry.size} bytes`);
  await requireLittleEndian(source, entries.get(`${folder}byteorder`));
  const storages = storagesOf((key, bytes) => {
    const stored = entries.get(`${folder}data/${key}`);
    // Writers may leave room behind a storage, but not in front of one.
    if (stored === undefined || stored.size < bytes) refusePickle(`its storage ${JSON.stringify(key)} does not have ${bytes} bytes`);
  });
  const bytes = await source.read(await startOfEntry(source, entry), entry.size);
  const { value } = unpickle(bytes, 0, storages);
  const starts = new Map<string, Promise<number>>();
  const placeOf: PlaceOf = ({ key }) => {
    const known = starts.get(key) ?? startOfEntry(source, requireTensor(entries, `${folder}data/${key}`));
    starts.set(key, known);
    return known;
  };
  return torchFile("PyTorch", tensorsOf(value), source, placeOf);
}

async function requireLittleEndian(source: ByteSource, entry: ZipEntry | undefined): Promise<void> {
  if (entry === undefined) return;
  const text = new TextDecoder().decode(await source.read(await startOfEntry(source, entry), Math.min(entry.size, 16)));
  if (text !== "little") refusePickle("its numbers have the high byte first");
}

// --- legacy -------------------------------------------------------------------------------------------------------------

const MAGIC = 0x1950a86a20f9469cfc6cn;
const FIRST_READ = 1 << 20;

/** Magic number, version, system, the object, keys of storages; then for each key a count of elements and the elements. */
export async function openTorchLegacy(source: ByteSource): Promise<TorchFile> {
  const { value, keys, end, storages } = await readPickles(source);
  const places = new Map<string, number>();
  let at = end;
  for (const key of keys) {
    const storage = storages.get(key);
    if (storage === undefined) return refusePickle(`it has a storage ${JSON.stringify(key)} that nothing uses`);
    if (places.has(key)) return refusePickle(`it has two storages ${JSON.stringify(key)}`);
    if (at + 8 + storage.bytes > source.size) return refusePickle("it ends before its last storage", "download or write the file again");
    const count = await source.read(at, 8);
    const elements = new DataView(count.buffer, count.byteOffset).getBigInt64(0, true);
    if (elements * BigInt(storage.width) !== BigInt(storage.bytes))
      return refusePickle(`its storage ${JSON.stringify(key)} has ${elements} elements in one place and another number in another`);
    places.set(key, at + 8);
    at += 8 + storage.bytes;
  }
  return torchFile("PyTorch (before 1.6)", tensorsOf(value), source, ({ key }) => Promise.resolve(requireTensor(places, key)));
}

interface Pickles {
  readonly value: PickleValue;
  readonly keys: readonly string[];
  /** Behind them. */
  readonly end: number;
  readonly storages: ReadonlyMap<string, { readonly bytes: number; readonly width: number }>;
}

/** How long pickles are, only reading them shows: a part is read, and twice as much as long as it ends within them. */
async function readPickles(source: ByteSource): Promise<Pickles> {
  for (let length = FIRST_READ; ; length *= 2) {
    const most = Math.min(length, source.size);
    try {
      return picklesOf(await source.read(0, most));
    } catch (error) {
      if (!(error instanceof Truncated) || most === source.size) throw error;
      if (most >= MOST_PICKLE_BYTES) return refusePickle(`its pickles have more than ${MOST_PICKLE_BYTES} bytes`);
    }
  }
}

function picklesOf(bytes: Uint8Array): Pickles {
  const none: PersistentLoad = () => refusePickle("it has a storage where there is none");
  const magic = unpickle(bytes, 0, none);
  if (magic.value !== MAGIC) return refusePickle("it is a pickle, but not one that torch.save wrote");
  const version = unpickle(bytes, magic.end, none);
  if (version.value !== 1001) return refusePickle("it is of a version that is unknown");
  const system = unpickle(bytes, version.end, none);
  if (system.value instanceof Dict && system.value.get("little_endian") === false)
    return refusePickle("its numbers have the high byte first");
  const storages = new Map<string, { bytes: number; width: number }>();
  const root = unpickle(
    bytes,
    system.end,
    storagesOf((key, size, width) => {
      const before = storages.get(key);
      if (before !== undefined && before.bytes !== size) refusePickle(`its storage ${JSON.stringify(key)} has two sizes`);
      storages.set(key, { bytes: size, width });
    }),
  );
  const list = unpickle(bytes, root.end, none);
  const keys = Array.isArray(list.value) ? list.value : [];
  if (!keys.every((key) => typeof key === "string")) return refusePickle("its storages have no names");
  return { value: root.value, keys, end: list.end, storages };
}

// --- both ---------------------------------------------------------------------------------------------------------------

/** ("storage", type, key, device, elements[, view of it: (key, offset, elements)]), and tells `note` how large the storage of the key is. */
function storagesOf(note: (key: string, bytes: number, width: number) => void): PersistentLoad {
  return (id) => {
    const [tag, type, key, , elements, part] = id instanceof Tuple ? id.items : [];
    const isCount = (value: PickleValue | undefined): value is number =>
      typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
    if (tag !== "storage" || !(type instanceof Global) || type.dtype === undefined || typeof key !== "string" || !isCount(elements))
      return refusePickle("it refers to something else than a storage");
    const { dtype } = type;
    const width = dtype === "bytes" ? 1 : bytesOf(dtype);
    note(key, elements * width, width);
    if (part === undefined || part === null) return new Storage({ key, dtype, bytes: elements * width, start: 0, inline: undefined });
    const [, offset, count] = part instanceof Tuple ? part.items : [];
    if (!isCount(offset) || !isCount(count) || offset + count > elements) return refusePickle("a part of a storage lies outside of it");
    return new Storage({ key, dtype, bytes: count * width, start: offset * width, inline: undefined });
  };
}

function torchFile(format: string, views: ReadonlyMap<string, TensorView>, source: ByteSource, placeOf: PlaceOf): TorchFile {
  let total = 0;
  for (const { dtype, shape } of views.values()) total += shape.reduce((product, extent) => product * extent, bytesOf(dtype));
  // Tied weights are written once and have two names; a thousand names for the same gigabyte are an attack.
  if (total > 4 * source.size + FIRST_READ) throw new DataError(`its tensors have ${total} bytes, of a file of ${source.size}`);
  return {
    format,
    tensors: views,
    async read(name, signal) {
      const view = requireTensor(views, name);
      const { storage, dtype, shape } = view;
      const { begin, end } = spanOf(view);
      const bytes =
        storage.inline?.slice(begin, end) ??
        (begin === end ? new Uint8Array() : await source.read((await placeOf(storage)) + storage.start + begin, end - begin, signal));
      return { dtype, shape, data: isContiguous(view) ? bytes : gather(view, bytes) };
    },
  };
}
