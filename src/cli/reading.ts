// What reading data shows: a count where it takes longer than a moment.

import { totalmem } from "node:os";
import type { DataAccess, ReadProgress, SkippedPicture } from "../runtime/data/access.ts";
import type { Device } from "../runtime/device.ts";
import { cacheFolder } from "../runtime/cache-folder.ts";
import type { Terminal } from "./terminal.ts";

const LIVE_MS = 100;
const EVENT_MS = 500;
const LOG_MS = 5000;

/** What an index can count. */
const MOST_DATA = 2 ** 31 - 1;
/** Of the machine's memory that the pictures of a split may take: they lie there twice where the device has no memory of its own. */
const SHARE = 1 / 4;

/** Bytes of a split's pictures above which they are streamed: what the device and the machine can hold. */
export const streamAbove = ({ mostData = MOST_DATA }: Device, { stream = false }: { readonly stream?: boolean }): number =>
  stream ? 0 : Math.min(mostData, MOST_DATA, SHARE * totalmem());

/** Pictures that are named when they are skipped; of more there is a count. */
const NAMED = 5;

/** Who is told of pictures that a run skips: of the first few by name, in the end of how many they are. */
export class SkippedPictures {
  readonly #terminal: Terminal;
  readonly #counts = new Map<string, number>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  add(split: string, { path, problem }: SkippedPicture): void {
    const count = (this.#counts.get(split) ?? 0) + 1;
    this.#counts.set(split, count);
    this.#terminal.object({ event: "skipped", split, path, problem });
    if (count <= NAMED) this.#terminal.remark(`${path} is skipped: ${problem}`);
  }

  report(): void {
    for (const [split, count] of this.#counts)
      this.#terminal.remark(`${count} ${count === 1 ? "picture" : "pictures"} of ${split} skipped: others of the same class stand in`);
  }
}

export interface ReadingOptions {
  readonly skipped?: SkippedPictures;
  /** Pictures that were read before, of how many: where they are read in parts. */
  readonly before?: number;
  readonly total?: number;
  readonly now?: () => number;
}

/** For the reading of one split. */
export function readingOptions(
  terminal: Terminal,
  split: string,
  { skipped, before = 0, total: all, now = () => performance.now() }: ReadingOptions = {},
): Pick<DataAccess, "cache" | "onRead" | "onSkipped"> {
  const every = terminal.json ? EVENT_MS : terminal.isLive ? LIVE_MS : LOG_MS;
  let shownAt = now();
  let isShown = false;
  const onRead = (progress: ReadProgress): void => {
    const [done, total] = [before + progress.done, all ?? progress.total];
    const isDue = now() - shownAt >= every;
    // Whoever has seen a part also sees the end.
    if (!isDue && !(isShown && done === total)) return;
    shownAt = now();
    isShown = true;
    terminal.object({ event: "read", split, done, total });
    const text = `read ${done.toLocaleString("en")} of ${total.toLocaleString("en")} pictures`;
    if (terminal.isLive) terminal.live(text);
    // Between the answers to one part and the next, it is none of them.
    else if (all === undefined) terminal.line(`${split}: ${text}`);
    else terminal.note(text);
  };
  return { cache: cacheFolder(terminal.io.env, "pictures"), onRead, onSkipped: (it) => skipped?.add(split, it) };
}
