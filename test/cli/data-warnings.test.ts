// What `tlc run` says of data that trains and is most likely not meant: at its place, as a warning, and of a compiled folder as well.

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { runCli } from "../../src/cli/program.ts";
import { stillClock } from "../support/still-clock.ts";

// A warning may cost only so much time.
stillClock();

const work = mkdtempSync(join(tmpdir(), "tlc-lints-"));
const before = process.cwd();
process.chdir(work);
afterAll(() => {
  process.chdir(before);
  rmSync(work, { recursive: true, force: true });
});

type Event = Readonly<Record<string, unknown>>;

const warnings = (...args: readonly string[]): Promise<readonly Event[]> => said(0, ...args);

/** Diagnostics of a command that ends with `expected`. */
async function said(expected: number, ...args: readonly string[]): Promise<readonly Event[]> {
  let out = "";
  const stdout = { write: (text: string) => (out += text) };
  const code = await runCli([...args, "--json"], { stdout, stderr: { write: () => undefined }, env: {}, toolchain });
  expect(code).toBe(expected);
  const events = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
  return events.filter(({ event }) => event === "diagnostic");
}

const rows = (labels: string): string =>
  `q,y\n${labels
    .split(" ")
    .map((label, i) => `${i} 1,${label}`)
    .join("\n")}\n`;

function spec(labels: string, test: string, batch: number): string {
  writeFileSync("train.csv", rows(labels));
  writeFileSync("test.csv", rows(test));
  writeFileSync(
    "m.tlspec",
    `network m(classes) {
  input q: f32[2]
  fc: linear(classes)
}
dataset d {
  train table("train.csv", q: q, label: y)
  test table("test.csv", q: q, label: y)
}
recipe r {
  network m(d.classes)
  data d
  loss cross_entropy
  optimizer sgd(lr: 0.1)
  batch ${batch}
  epochs 1
}
`,
  );
  return "m.tlspec";
}

it("warns of nothing where all is well", async () => {
  expect(await warnings("run", spec("a b c a b c", "a b c", 6), "--device", "reference")).toEqual([]);
});

it("warns of a batch larger than the data, and of classes that a split lacks, at their places", async () => {
  const said = await warnings("run", spec("a b c d a b c d", "a a b", 9), "--device", "reference");
  expect(said.map(({ code, severity, message, line, column }) => ({ code, severity, message, line, column }))).toEqual([
    {
      ...{ code: "TL0705", severity: "warning", line: 7, column: 8 },
      message: "`test` has no examples of 2 classes: `c` or `d`",
    },
    { ...{ code: "TL0704", severity: "warning", line: 14, column: 3 }, message: "a batch is 9 examples, and there are 8 to train on" },
  ]);
});

it("warns of one class when it looks at the data, before anything is trained", async () => {
  const said = await warnings("check", spec("a a a a", "a", 2));
  expect(said.map(({ code, line }) => [code, line])).toEqual([["TL0702", 6]]);
});

it("names rows of other tables that a run would end with, when it looks at the data", async () => {
  const path = spec("a b a b", "a c", 2);
  const faults = await said(2, "check", path);
  expect(faults.map(({ code, line, column }) => [code, line, column])).toEqual([["TL0513", 7, 8]]);
  expect(faults[0]?.["message"]).toContain('test.csv:3: the label is "c", which is no class of the training data');
  rmSync("test.csv");
  expect((await warnings("check", path)).map(({ code }) => code)).toEqual(["TL0523"]);
});

it("warns of a compiled folder's data without a place", async () => {
  await warnings("compile", spec("a b c a b c", "a b c", 8), "-o", "built", "-t", "reference");
  const [said, ...others] = await warnings("run", "built", "--device", "reference");
  expect(others).toEqual([]);
  expect(said).toMatchObject({ code: "TL0704", file: "built" });
  expect(said).not.toHaveProperty("line");
});

it("warns of examples that two splits have, with the names of the first", async () => {
  for (const folder of ["train/a", "train/b", "test/a", "test/b"]) mkdirSync(join("pictures", folder), { recursive: true });
  const picture = (shade: number): Promise<Buffer> =>
    sharp({ create: { width: 4, height: 4, channels: 3, background: { r: shade, g: shade, b: shade } } })
      .png()
      .toBuffer();
  for (const [i, path] of ["train/a/1", "train/a/2", "train/b/1", "test/a/new", "test/b/new"].entries())
    writeFileSync(`pictures/${path}.png`, await picture(10 * i));
  copyFileSync("pictures/train/a/2.png", "pictures/test/b/copy.png");
  writeFileSync(
    "p.tlspec",
    `network p {
  input image: f32[3, 4, 4]
  flatten
  fc: linear(2)
}
dataset d {
  train images("pictures/train")
  test images("pictures/test")
}
recipe r {
  network p
  data d
  loss cross_entropy
  optimizer sgd(lr: 0.1)
  batch 2
  epochs 1
}
`,
  );
  for (const options of [[], ["--stream"]]) {
    const [said, ...others] = await warnings("run", "p.tlspec", "--device", "reference", ...options);
    expect(others).toEqual([]);
    expect(said).toMatchObject({ code: "TL0706", line: 8, message: "one example of `test` is in `train` as well" });
    expect(said?.["hint"]).toMatch(/test\/b\/copy\.png equals .*train\/a\/2\.png/);
  }
});

it("warns of numbers that are far from where a network begins, with what begins there", async () => {
  writeFileSync("prices.csv", `a,b,price,age\n${[300, 400, 500, 600].map((price, i) => `${i},${i * i},${price},${30 + i}`).join("\n")}\n`);
  const about = async (network: string, table: string, loss: string): Promise<readonly Event[]> => {
    writeFileSync(
      "p.tlspec",
      `network p() {\n  input f: f32[2]\n  ${network}\n}\ndataset d { train table("prices.csv", f: [a, b], ${table}) }
recipe r {\n  network p\n  data d\n  loss ${loss}\n  optimizer adam(lr: 1e-3)\n  batch 2\n  epochs 1\n}\n`,
    );
    return warnings("run", "p.tlspec", "--device", "reference");
  };
  const [only, ...others] = await about("fc: linear(1)", "label: price", "mse");
  expect(others).toEqual([]);
  expect(only).toMatchObject({ code: "TL0708", line: 3 });
  expect(only?.["hint"]).toContain("add `x * 110 + 450` as the last line of the network");
  expect(await about("fc: linear(1)\n  x * 110 + 450", "label: price", "mse")).toEqual([]);
  expect(await about("fc: linear(1)", "label: age", "mse")).toEqual([]);
  const named = "h: linear(4) -> relu\n  output price = one: linear(1)\n  output age = two: linear(1)";
  const [first, ...rest] = await about(named, "price, age", "price: mae, age: mse");
  expect([first?.["code"], rest]).toEqual(["TL0708", []]);
  expect(first?.["hint"]).toContain("write `let raw = …` for the layer and `output price = raw * 110 + 450`");
});

it("warns of equal rows where they are enough numbers", async () => {
  const wide = (first: number): string => Array.from({ length: 20 }, (_, i) => first + i).join(" ");
  const table = (...rows: string[]): string => `q,y\n${rows.map((row, i) => `${row},${"ab"[i % 2]}`).join("\n")}\n`;
  const path = spec("a b a b", "a b", 4);
  writeFileSync(path, readFileSync(path, "utf8").replace("f32[2]", "f32[20]"));
  writeFileSync("train.csv", table(wide(0), wide(1), wide(2), wide(3)));
  writeFileSync("test.csv", table(wide(7), wide(2), wide(9)));
  const said = await warnings("run", path, "--device", "reference");
  expect(said.map(({ code, hint }) => [code, hint])).toEqual([["TL0706", "leave them out of one of the two: example 2 equals example 3"]]);
  // Of one table that two splits name no row is worth naming.
  const [whole, ...others] = await warnings("run", path, "--device", "reference", "--set", "data.test=train.csv");
  expect(others).toEqual([]);
  const hint = "that is all of it: `split train into train 80%, test 20%` gives each examples of its own";
  expect(whole).toMatchObject({ code: "TL0706", message: "4 examples of `test` are in `train` as well", hint });
});
