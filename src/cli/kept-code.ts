// A script, and what V8 made of it in earlier processes, kept under the user's cache folder: without, a process would spend more time
// on compiling the command line than on most specs. Node has this from 22 on; here it is for every Node, and of whole runs.
//
// What is kept is code: only a file of this user's own that nobody else can write is read, whole by its checksum, and V8 takes none of another version,
// of other flags or of a script of another length. Whatever goes wrong with it, the script is compiled as if nothing were kept.

import { closeSync, constants, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync } from "node:fs";
import { statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { crc32 } from "node:zlib";

/** Of the file's format, which is this, two words of 32 bits (how many processes it was made of, checksum), and what V8 gave. */
const MAGIC = "tlscode1";
const HEADER = MAGIC.length + 8;
const MOST_BYTES = 1 << 26;
/**
 * So many processes add what they compiled to what is kept, since not everybody needs all of the script at first: a spec with pictures
 * reads no table.
 */
const TEACHERS = 8;
/** Files, of other versions and verbs among them. */
const MOST_FILES = 24;

interface Kept {
  readonly data?: Buffer;
  readonly teachers: number;
}

export interface KeptScript {
  /** What the script exports, as a CommonJS module. */
  readonly exports: unknown;
  /** Keeps what has been compiled by now, once. */
  readonly keep: () => void;
}

/**
 * Runs a script of ASCII characters.
 * @param kept where the compiled code is or will be; undefined keeps none
 */
export function runKept(path: string, kept: string | undefined): KeptScript {
  const text = readFileSync(path, "latin1");
  const { data, teachers } = readKept(kept);
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${text}\n})`, {
    filename: path,
    ...(data && { cachedData: data }),
  });
  const module = { exports: {} as unknown };
  const run = script.runInThisContext() as (...args: readonly unknown[]) => void;
  run(module.exports, createRequire(path), module, path, dirname(path));
  const lessons = script.cachedDataRejected === false ? teachers : 0;
  let isKept = kept === undefined || lessons >= TEACHERS;
  const keep = (): void => {
    if (isKept || kept === undefined) return;
    isKept = true;
    writeKept(kept, script.createCachedData(), lessons + 1);
  };
  return { exports: module.exports, keep };
}

function readKept(path: string | undefined): Kept {
  if (path === undefined) return { teachers: 0 };
  try {
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- Windows has neither flag
    const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0));
    try {
      const stats = fstatSync(file);
      const isOwn = process.getuid === undefined || (stats.uid === process.getuid() && (stats.mode & 0o022) === 0);
      if (!stats.isFile() || !isOwn || stats.size <= HEADER || stats.size > MOST_BYTES) return { teachers: 0 };
      const bytes = Buffer.allocUnsafeSlow(stats.size);
      const length = readSync(file, bytes);
      const data = bytes.subarray(HEADER);
      const teachers = bytes.readUInt32LE(MAGIC.length);
      const isWhole =
        length === stats.size &&
        bytes.toString("latin1", 0, MAGIC.length) === MAGIC &&
        bytes.readUInt32LE(MAGIC.length + 4) === crc32(data, teachers);
      return isWhole ? { data, teachers } : { teachers: 0 };
    } finally {
      closeSync(file);
    }
  } catch {
    return { teachers: 0 };
  }
}

function writeKept(path: string, data: Buffer, teachers: number): void {
  const header = Buffer.alloc(HEADER, MAGIC, "latin1");
  header.writeUInt32LE(teachers, MAGIC.length);
  header.writeUInt32LE(crc32(data, teachers), MAGIC.length + 4);
  const temporary = `${path}.${process.pid}-${Math.random().toString(36).slice(2)}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    trim(dirname(path));
    try {
      writeFileSync(temporary, Buffer.concat([header, data]), { flag: "wx", mode: 0o600 });
      renameSync(temporary, path);
    } catch {
      rmSync(temporary, { force: true });
    }
  } catch {
    // Next time it is compiled again.
  }
}

/** What was written the longest time ago goes first, what a killed process left behind with it. */
function trim(folder: string): void {
  const files = readdirSync(folder).map((name) => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }));
  for (const { path } of files.sort((a, b) => b.at - a.at).slice(MOST_FILES - 1)) rmSync(path, { force: true });
}
