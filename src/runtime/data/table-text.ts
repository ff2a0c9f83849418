// The text of a table file, part by part: UTF-8 or UTF-16 as its first bytes say, or what the spec says. Bytes that are no text of the
// encoding are an error with their line, never replaced.

import type { FileHandle } from "node:fs/promises";
import { DataError } from "../errors.ts";
import { readAt } from "../files.ts";

const PART = 1 << 18;

/** @param encoding as the spec says it: a label of the Encoding Standard, or `auto` */
export async function* textParts(file: FileHandle, size: number, encoding: string, signal?: AbortSignal): AsyncGenerator<string> {
  const label = encoding === "auto" ? encodingOf(await readAt(file, 0, Math.min(4, size), signal)) : encoding;
  const decoder = new TextDecoder(label, { fatal: true });
  let lines = 1;
  for (let at = 0; ; at += PART) {
    const isLast = at + PART >= size;
    const bytes = await readAt(file, at, Math.max(0, Math.min(PART, size - at)), signal);
    const text = decoded(decoder, bytes, isLast, lines);
    lines += newlines(text);
    yield text;
    if (isLast) return;
  }
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
