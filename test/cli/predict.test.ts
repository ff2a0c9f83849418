// What `tlc predict` takes: pictures, folders of them, tables, and the standard input; in which order, under which names, and what it refuses
// before it reads anything. The compiler and the device are real.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { runCli } from "../../src/cli/program.ts";

let root: string;
const before = process.cwd();

const picture = async (path: string, level: number, size = 4): Promise<void> => {
  mkdirSync(join(path, ".."), { recursive: true });
  await sharp(Buffer.alloc(size * size * 3, level), { raw: { width: size, height: size, channels: 3 } })
    .png()
    .toFile(path);
};

const TRAINING = "loss cross_entropy batch 2 optimizer adam(lr: 0.1) epochs 30 }";

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "tlspec-predict-"));
  process.chdir(root);
  for (const [i, name] of ["dark", "light"].entries()) for (let n = 0; n < 4; n++) await picture(`data/${name}/${n}.png`, 40 + 150 * i + n);
  const classes = "classes = 2) {\n  input image: f32[3, 4, 4]\n  global_avg_pool -> fc: linear(classes)\n}";
  writeFileSync(
    "pictures.tlspec",
    `network n(${classes}\ndataset d { train images("data") }\nrecipe pictures { network n data d ${TRAINING}\n`,
  );
  const rows = Array.from({ length: 16 }, (_, i) => `${i},${i < 8 ? "low" : "high"}\n`);
  writeFileSync("t.csv", `a,b\n${rows.join("")}`);
  const table = "network n(classes) {\n  input given: f32[1]\n  fc: linear(classes)\n}";
  const dataset = 'dataset d { train table("t.csv", given: [a], label: b) preprocess standardize }';
  writeFileSync("table.tlspec", `${table}\n${dataset}\nrecipe table { network n(d.classes) data d ${TRAINING}\n`);
  for (const name of ["pictures", "table"])
    expect((await cli(["run", `${name}.tlspec`, "-d", "reference", "-o", `${name}.safetensors`])).code).toBe(0);
});
afterAll(() => {
  process.chdir(before);
  rmSync(root, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function cli(args: readonly string[], stdin?: readonly (string | Uint8Array)[]): Promise<Outcome> {
  const text = { out: "", err: "" };
  const stream = (name: "out" | "err") => ({ write: (it: string) => (text[name] += it) });
  const input =
    stdin &&
    async function* (): AsyncGenerator<Uint8Array> {
      for (const part of stdin) yield await Promise.resolve(Buffer.from(part));
    };
  const code = await runCli(args, { stdout: stream("out"), stderr: stream("err"), env: {}, toolchain, ...(input && { stdin: input }) });
  return { code, ...text };
}

const predict = (name: "pictures" | "table", files: readonly string[], stdin?: readonly (string | Uint8Array)[]): Promise<Outcome> =>
  cli(["predict", `${name}.tlspec`, "-d", "reference", "-w", `${name}.safetensors`, ...files], stdin);

const lines = ({ out }: Outcome): readonly string[] => out.trimEnd().split("\n");
const objects = (outcome: Outcome): readonly Record<string, unknown>[] =>
  lines(outcome).map((line) => JSON.parse(line) as Record<string, unknown>);

describe("a folder of pictures", () => {
  beforeAll(async () => {
    for (const [name, level] of [
      ["10.png", 190],
      ["2.png", 40],
      ["sub/1.png", 190],
      ["sub.png", 40],
    ] as const)
      await picture(`some/${name}`, level);
    writeFileSync("some/notes.txt", "x");
    writeFileSync("some/.DS_Store", "x");
    symlinkSync(join(root, "data/light/0.png"), "some/out.png");
    symlinkSync("10.png", "some/inside.png");
    symlinkSync("sub", "some/link");
    execFileSync("mkfifo", ["some/pipe.png"]);
  });

  it("is read as people count, with what lies below, and what is no picture is named", async () => {
    const outcome = await predict("pictures", ["some", "data/dark/1.png"]);
    expect(outcome.code).toBe(0);
    expect(lines(outcome).map((line) => line.split("  ").slice(0, 2))).toEqual([
      ["some/2.png", "dark"],
      ["some/10.png", "light"],
      ["some/inside.png", "light"],
      ["some/sub/1.png", "light"],
      ["some/sub.png", "dark"],
      ["data/dark/1.png", "dark"],
    ]);
    expect(outcome.err).toContain("some/notes.txt is left out: it is no picture of a known format\n");
    expect(outcome.err).toContain("some/out.png is left out: it is a link that leads out of the folder, or nowhere\n");
    expect(outcome.err).toContain("some/link is left out: it is a link to what is no file\n");
    expect(outcome.err).toContain("some/pipe.png is left out: it is no regular file\n");
    expect(outcome.err).not.toContain("DS_Store");
    for (const name of ["a.md", "b.md", "c.md"]) writeFileSync(`some/${name}`, "x");
    const more = await predict("pictures", ["some"]);
    expect(more.err).toContain("4 files are left out, each no picture of a known format: some/a.md, some/b.md, some/c.md, …\n");
    expect(more.err).not.toContain("notes.txt");
    for (const name of ["a.md", "b.md", "c.md"]) rmSync(`some/${name}`);
    const events = objects(await predict("pictures", ["some", "--json"])).filter(
      ({ event }) => event === "skipped" || event === "prediction",
    );
    const skipped = { event: "skipped", split: "predict" };
    expect(events.slice(0, 5)).toMatchObject([skipped, skipped, skipped, skipped, { event: "prediction", file: "some/2.png" }]);
  });

  it.each<[string, readonly string[], string]>([
    ["has no picture", ["empty"], "empty has no pictures in it"],
    ["is a link to itself", ["loop"], "cannot read loop: its links lead to each other, and to no file"],
    ["is not there", ["nowhere"], "cannot read nowhere: there is no such file or folder"],
    ["is no table", ["-"], "this network takes pictures, and `-` is a table on the standard input"],
    ["is a pipe", ["some/pipe.png"], "some/pipe.png: it is a pipe, not a regular file"],
  ])("is refused where it %s", async (_, files, message) => {
    mkdirSync("empty/below", { recursive: true });
    if (files.includes("loop")) symlinkSync("loop", "loop");
    writeFileSync("empty/below/a.txt", "");
    const outcome = await predict("pictures", ["data/dark/0.png", ...files]);
    expect([outcome.code, outcome.err]).toEqual([2, expect.stringContaining(message)]);
  });
});

it("reads large pictures in parts, so that answers to the first come before the last is read", async () => {
  const classes = "classes = 2) {\n  input image: f32[3, 1024, 1024]\n  global_avg_pool -> fc: linear(classes)\n}";
  const dataset = 'dataset d { train images("data") preprocess resize([1024, 1024]) }';
  writeFileSync("large.tlspec", `network n(${classes}\n${dataset}\nrecipe large { network n data d ${TRAINING}\n`);
  for (let n = 0; n < 25; n++) await picture(`many/${n}.png`, n % 2 === 0 ? 40 : 190, 1);
  writeFileSync("many/24.png", "no picture");
  const outcome = await cli(["predict", "large.tlspec", "-d", "wasm", "--threads", "1", "-w", "pictures.safetensors", "many"]);
  expect([outcome.code, outcome.err]).toEqual([2, expect.stringContaining("many/24.png")]);
  // 3 MiB each, of 64, in whole batches of 2.
  expect(lines(outcome).map((line) => line.split("  ").slice(0, 2))).toEqual(
    Array.from({ length: 20 }, (_, n) => [`many/${n}.png`, n % 2 === 0 ? "dark" : "light"]),
  );
});

describe("a table", () => {
  const CSV = "b,a\n?,1\n?,14\n";

  it("is named where there are several", async () => {
    writeFileSync("one.csv", CSV);
    writeFileSync("two.jsonl", '{"a": 13}\n');
    expect(lines(await predict("table", ["one.csv"])).map((line) => line.split("  ").slice(0, 2))).toEqual([
      ["row 1", "low"],
      ["row 2", "high"],
    ]);
    const both = await predict("table", ["one.csv", "two.jsonl"]);
    expect(lines(both).map((line) => line.split("  ").slice(0, 2))).toEqual([
      ["one.csv row 1", "low"],
      ["one.csv row 2", "high"],
      ["two.jsonl row 1", "high"],
    ]);
    const events = objects(await predict("table", ["one.csv", "two.jsonl", "--json"]));
    expect(events).toMatchObject([
      { file: "one.csv", row: 1, label: "low" },
      { file: "one.csv", row: 2, label: "high" },
      { file: "two.jsonl", row: 1, label: "high" },
    ]);
  });

  it.each<[string, readonly (string | Uint8Array)[]]>([
    ["cells", [CSV]],
    [
      "cells in parts, within the first line and a character",
      ["b,", "a\n", Buffer.from("ä").subarray(0, 1), Buffer.from("ä").subarray(1), ",1\n?,14"],
    ],
    ["cells parted by semicolons", ["a;b\n1;?\n14;?\n"]],
    ["lines of JSON", ['\n {"a": 1}\n{"a"', ": 14}"]],
  ])("is read from the standard input as %s", async (_, parts) => {
    const outcome = await predict("table", ["-", "--json"], parts);
    expect([outcome.code, outcome.err]).toEqual([0, ""]);
    expect(objects(outcome)).toMatchObject([
      { file: "-", row: 1, label: "low" },
      { file: "-", row: 2, label: "high" },
    ]);
  });

  it.each<[string, readonly string[], readonly (string | Uint8Array)[], string]>([
    ["nothing", ["-"], [], "the standard input is empty"],
    ["a header", ["-"], ["a\n"], "the standard input has a header and no rows"],
    ["a value that is none", ["-"], ["a\nx\n"], "the standard input:2: "],
    ["a line of half JSON", ["-"], ['{"a": 1}\n{"a"'], "is no JSON"],
    ["bytes that are no text", ["-"], ["a\n", Uint8Array.of(0xff, 0xfe, 0xff)], "line 2 is not UTF-8"],
    ["half a character", ["-"], ["a\n1\n", Uint8Array.of(0xc3)], "line 3 is not UTF-8"],
    ["itself twice", ["-", "-"], ["a\n1\n"], "the standard input can be read once"],
    ["a folder beside", ["-", "data"], ["a\n1\n"], "data is a folder, and this network takes tables"],
  ])("is refused where the standard input has %s", async (_, files, parts, message) => {
    const outcome = await predict("table", files, parts);
    expect([outcome.code, outcome.err]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe("masks", () => {
  beforeAll(async () => {
    for (let n = 0; n < 4; n++) {
      await picture(`scenes/images/${n}.png`, 50 * n);
      mkdirSync("scenes/masks", { recursive: true });
      await sharp(Buffer.alloc(16, n % 2), { raw: { width: 4, height: 4, channels: 1 } })
        .toColourspace("b-w")
        .png()
        .toFile(`scenes/masks/${n}.png`);
      await picture(`more/${n % 2}/same.png`, 50 * n);
    }
    const network = "network n(classes) {\n  input image: f32[3, 4, 4]\n  scores: conv2d(classes, kernel: 1)\n}";
    const dataset = 'dataset d { train pictures("scenes/images", masks: "scenes/masks", classes: ["off", "on"]) }';
    writeFileSync("masks.tlspec", `${network}\n${dataset}\nrecipe masks { network n(d.classes) data d ${TRAINING}\n`);
    expect((await cli(["run", "masks.tlspec", "-d", "reference", "-o", "masks.safetensors"])).code).toBe(0);
  });
  const masks = (...args: readonly string[]): Promise<Outcome> =>
    cli(["predict", "masks.tlspec", "-d", "reference", "-w", "masks.safetensors", ...args]);

  it("of a folder lie as its pictures do", async () => {
    expect((await masks("more", "scenes/images/1.png", "--masks", "out")).code).toBe(0);
    for (const file of ["out/0/same.png", "out/1/same.png", "out/1.png"]) expect(existsSync(file)).toBe(true);
  });

  it.each<[string, readonly string[], string]>([
    [
      "a picture",
      ["./scenes/images/1.png", "--masks", "scenes/images"],
      "scenes/images/1.png would take the place of a picture that was named",
    ],
    ["a mask to learn from", ["scenes/images/1.png", "--masks", "scenes/masks"], "scenes/masks is a folder of the data set"],
    [
      "each other",
      ["more/0/same.png", "more/1/same.png", "--masks", "out2"],
      "more/0/same.png and more/1/same.png would have one mask, out2/same.png",
    ],
  ])("do not take the place of %s", async (_, args, message) => {
    const held = (): readonly Buffer[] => ["images", "masks"].map((name) => readFileSync(`scenes/${name}/1.png`));
    const was = held();
    const outcome = await masks(...args);
    expect([outcome.code, outcome.err]).toEqual([2, expect.stringContaining(message)]);
    expect(held()).toEqual(was);
    expect(existsSync("out2")).toBe(false);
  });
});
