// What measures on a borrowed GPU keeps what it had: a step that hangs is cut off with all that it started, and what it said until then stays.

import { expect, it } from "vitest";
import { measured, output } from "../bench/gpu/limited.mjs";

const node = (script: string): [string, string[]] => [process.execPath, ["-e", script]];

it("keeps the last line of what is cut off", () => {
  const script = "console.log(JSON.stringify({ a: 1 })); console.log(JSON.stringify({ a: 1, b: 2 })); setInterval(() => {}, 1000)";
  expect(measured(2, ...node(script))).toEqual({ a: 1, b: 2, error: "cut off after 2 s" });
});

it("ends what a command started, too", () => {
  const script = 'require("child_process").spawnSync(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" })';
  const start = performance.now();
  expect(measured(1, ...node(script))).toEqual({ error: "cut off after 1 s" });
  expect(performance.now() - start).toBeLessThan(20_000);
});

it("says why a command failed, beside what it had measured", () => {
  expect(measured(20, ...node('console.log("{}"); console.error("no GPU"); process.exit(3)'))).toEqual({ error: "left with 3: no GPU" });
  expect(() => output(...node("process.exit(3)"))).toThrow("left with 3");
});
