// The text of a table, of a file or a stream, part by part: UTF-8 or UTF-16 as its first bytes say, or what the spec says. Bytes that are no text of the
// encoding are an error with their line, never replaced.

import type { FileHandle } from "node:fs/promises";
import { DataError } from "../errors.ts";
import { readAt } from "../files.ts";
import { formatBytes } from "../memory.ts";

const PART = 1 << 18;

/** The bytes of a file. */
export async function* fileParts(file: FileHandle, size: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; at === 0 || at < size; at += PART) yield await readAt(file, at, Math.min(PART, size - at), signal);
}

/**
 * The bytes of a stream in parts of the same size, however it gives them.
 * @param most bytes that it may have
 */
export async function* streamParts(stream: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let [held, length, total]: [Uint8Array[], number, number] = [[], 0, 0];
  for await (const bytes of stream) {
    total += bytes.length;
    if (total > most)
      throw new DataError(`it has more than the ${formatBytes(most)} that it may have`, "write it to a file, and name that");
    held.push(bytes);
    length += bytes.length;
    if (length < PART) continue;
    yield Buffer.concat(held);
    [held, length] = [[], 0];
  }
  yield Buffer.concat(held);
}

/** @param encoding as the spec says it: a label of the Encoding Standard, or `auto` */
export async function* textParts(parts: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let lines = 1;
  for await (const bytes of parts) {
    decoder ??= new TextDecoder(encoding === "auto" ? encodingOf(bytes) : encoding, { fatal: true });
    const text = decoded(decoder, bytes, false, lines);
    lines += newlines(text);
    yield text;
  }
  // Half a character at the end is none.
  if (decoder) yield decoded(decoder, new Uint8Array(), true, lines);
}

function decoded(decoder: TextDecoder, bytes: Uint8Array, isLast: boolean, line: number): string {
  try {
    return decoder.decode(bytes, { stream: !isLast });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // What was left of a character before this part may be the fault; the line is the same then.
    const text = new TextDecoder(decoder.encoding).decode(bytes);
    const fault = text.indexOf("\ufffd");
    throw new DataError(
      `line ${line + newlines(fault < 0 ? "" : text.slice(0, fault))} is not ${decoder.encoding.toUpperCase()}`,
      'say in the spec what it is, for example `encoding: "latin1"` or `encoding: "utf-16le"`',
    );
  }
}

/** By the byte order mark; without one, every other byte of UTF-16 that is mostly ASCII is 0. */
function encodingOf([a, b, c, d]: Uint8Array): string {
  if (a === 0xff && b === 0xfe) return "utf-16le";
  if (a === 0xfe && b === 0xff) return "utf-16be";
  if (a !== 0 && b === 0 && c !== 0 && d === 0) return "utf-16le";
  if (a === 0 && b !== 0 && c === 0 && d !== 0) return "utf-16be";
  return "utf-8";
}

function newlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
