// A clock that stands still, for tests of what also depends on how long something took: lines and events now and then, steps at once, the time
// that a warning may cost. What they say is then the same on any machine, however busy.

import { afterEach, beforeEach, vi } from "vitest";

/** For each test of a file, or of a `describe`; returns what moves the clock on by milliseconds. */
export function stillClock(): (ms: number) => void {
  let now = 0;
  let spied: { mockRestore(): void };
  beforeEach(() => {
    now = performance.now();
    spied = vi.spyOn(performance, "now").mockImplementation(() => now);
  });
  afterEach(() => {
    spied.mockRestore();
  });
  return (ms) => {
    now += ms;
  };
}
