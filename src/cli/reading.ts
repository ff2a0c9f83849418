// What reading data shows: a count where it takes longer than a moment.

import type { DataAccess, ReadProgress } from "../runtime/data/access.ts";
import { cacheFolder } from "./cache-folder.ts";
import type { Terminal } from "./terminal.ts";

const LIVE_MS = 100;
const EVENT_MS = 500;
const LOG_MS = 5000;

/** For the reading of one split. */
export function readingOptions(
  terminal: Terminal,
  split: string,
  now: () => number = () => performance.now(),
): Pick<DataAccess, "cache" | "onRead"> {
  const every = terminal.json ? EVENT_MS : terminal.isLive ? LIVE_MS : LOG_MS;
  let shownAt = now();
  let isShown = false;
  const onRead = ({ done, total }: ReadProgress): void => {
    const isDue = now() - shownAt >= every;
    // Whoever has seen a part also sees the end.
    if (!isDue && !(isShown && done === total)) return;
    shownAt = now();
    isShown = true;
    terminal.object({ event: "read", split, done, total });
    const text = `read ${done.toLocaleString("en")} of ${total.toLocaleString("en")} pictures`;
    if (terminal.isLive) terminal.live(text);
    else terminal.line(`${split}: ${text}`);
  };
  return { cache: cacheFolder(terminal.io.env, "pictures"), onRead };
}
