// What is shown while pictures are read, and where they are kept.

import { describe, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { cacheFolder } from "../../src/runtime/cache-folder.ts";
import { readingOptions } from "../../src/cli/reading.ts";
import { Terminal } from "../../src/cli/terminal.ts";

/** Reads 40 pictures of a hundredth of a second, or of half a second each. */
function read(
  options: { readonly json?: boolean; readonly isTTY?: boolean },
  each: number,
): { readonly out: string; readonly err: string } {
  const written = { out: "", err: "" };
  const stream = (key: "out" | "err"): object => ({ write: (text: string) => (written[key] += text), isTTY: options.isTTY });
  const io = { stdout: stream("out"), stderr: stream("err"), env: {}, toolchain } as unknown as Terminal["io"];
  let time = 0;
  const { onRead } = readingOptions(new Terminal(io, options), "train", { now: () => time });
  for (let done = 1; done <= 4000; done += 100) {
    time += each;
    onRead?.({ done, total: 4000 });
  }
  onRead?.({ done: 4000, total: 4000 });
  return written;
}

describe("a count of pictures", () => {
  it("is one live line in a terminal, and one in five seconds of a log", () => {
    expect(read({ isTTY: true }, 50).err).toContain("read 1,101 of 4,000 pictures");
    expect(read({}, 500).out.split("\n").slice(0, 2)).toEqual(["train: read 901 of 4,000 pictures", "train: read 1,901 of 4,000 pictures"]);
    expect(read({}, 500).out).toMatch(/train: read 4,000 of 4,000 pictures\n$/);
  });

  it("is an event in half a second, and a last one", () => {
    const lines = read({ json: true }, 200).out.trim().split("\n");
    const events = lines.map((line) => JSON.parse(line) as object);
    expect(events[0]).toEqual({ event: "read", split: "train", done: 201, total: 4000 });
    expect(events.at(-1)).toEqual({ event: "read", split: "train", done: 4000, total: 4000 });
    expect(events.length).toBeLessThan(20);
  });

  it("is left out where reading takes a moment", () => {
    for (const options of [{ json: true }, { isTTY: true }, {}]) expect(read(options, 1)).toEqual({ out: "", err: "" });
  });
});

it("pictures are kept in the user's cache, where there is one", () => {
  expect(cacheFolder({ XDG_CACHE_HOME: "/c", HOME: "/h" }, "pictures")).toBe("/c/tlspec/pictures");
  expect(cacheFolder({ XDG_CACHE_HOME: "c", HOME: "/h" }, "pictures")).toBe("/h/.cache/tlspec/pictures");
  expect(cacheFolder({ HOME: "/h" }, "pictures")).toBe("/h/.cache/tlspec/pictures");
  expect(cacheFolder({}, "pictures")).toBeUndefined();
});
