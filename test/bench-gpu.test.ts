// What measures on a borrowed GPU keeps what it had: a step that hangs is cut off with all that it started, and what it said until then stays.

import { expect, it } from "vitest";
import { measured, output } from "../bench/gpu/limited.mjs";

const node = (script: string): [string, string[]] => [process.execPath, ["-e", script]];
/** Says what it has to say as soon as it runs, which is well before it is cut off. */
const shell = (script: string): [string, string[]] => ["sh", ["-c", script]];

it("keeps the last line of what is cut off", () => {
  expect(measured(3, ...shell(`echo '{"a":1}'; echo '{"a":1,"b":2}'; sleep 3600`))).toEqual({ a: 1, b: 2, error: "cut off after 3 s" });
});

it("ends what a command started, too", () => {
  // Whoever waits for the pipe's end waits for the one that was started, for an hour.
  expect(measured(1, ...shell("sleep 3600 & wait"))).toEqual({ error: "cut off after 1 s" });
});

it("says why a command failed, beside what it had measured", () => {
  expect(measured(120, ...node('console.log("{}"); console.error("no GPU"); process.exit(3)'))).toEqual({ error: "left with 3: no GPU" });
  expect(() => output(...node("process.exit(3)"))).toThrow("left with 3");
});
