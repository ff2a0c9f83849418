// A memory that can grow. Shared memory reserves addresses for its maximum at once, and not every system has 4 GiB of them to give:
// phones, and processes with a limit on theirs.

/** Bytes of a page of WebAssembly's memory. */
export const PAGE = 65536;

/** 4 GiB, all that a 32-bit address reaches. */
export const MOST_PAGES = 65536;

/** @param most the maximum to try first; then ever smaller ones. Undefined where there is no room for `pages`. */
export function makeMemory(pages: number, isShared: boolean, most = MOST_PAGES): WebAssembly.Memory | undefined {
  for (let maximum = most; maximum >= pages; maximum = maximum > pages ? Math.max(pages, Math.floor(maximum / 2)) : 0) {
    try {
      return new WebAssembly.Memory({ initial: pages, maximum, shared: isShared });
    } catch {
      // Less, then.
    }
  }
  return undefined;
}
