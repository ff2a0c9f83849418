// Tables: what columns mean, and that every fault names its line.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { DataInfo, DataPlan, InputColumns, LabelKind } from "../../../src/ir/plan.ts";
import type { TableFormat } from "../../../src/ir/recipe/sources/table.ts";
import { describeData, eachTablePart, loadInputs, loadSplit } from "../../../src/runtime/data/index.ts";
import { DataError } from "../../../src/runtime/errors.ts";
import { TableHeader } from "../../../src/runtime/data/table-columns.ts";
import { asked } from "../../support/one-output.ts";
import { ownTime } from "../../support/own-time.ts";

const folder = mkdtempSync(join(tmpdir(), "tlc-table-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function table(text: string | Uint8Array, columns: InputColumns, extension = "csv", format: Partial<TableFormat> = {}): DataPlan {
  const path = join(folder, `t${String(files++)}.${extension}`);
  writeFileSync(path, text);
  return { name: "t", sources: { train: { word: "table", args: { path, columns, ...format } } }, splits: [], preprocess: [], augment: [] };
}

const load = async (
  plan: DataPlan,
  labels: LabelKind = "class",
): Promise<{ info: DataInfo; values: Record<string, number[]>; count: number }> => {
  const info = await describeData(plan, asked(labels));
  const split = await loadSplit(plan, "train", info);
  return { info, count: split.count, values: Object.fromEntries([...split.columns].map(([name, column]) => [name, [...column.data]])) };
};

const failure = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DataError);
  return `${(error as DataError).message}\n${(error as DataError).hint}`;
};

describe("columns", () => {
  it("reads numbers, sequences and class names", async () => {
    const plan = table("id,x,seq,kind\n1,0.5,3 1 2,cat\n2,-1e3,0 0 7,ant\n3,.25,9 9 9,cat\n", { x: "x", tokens: "seq", label: "kind" });
    const { info, values, count } = await load(plan);
    expect(info.inputs).toEqual([
      { name: "x", dtype: "f32", shape: [] },
      { name: "tokens", dtype: "i32", shape: [3], column: "seq" },
    ]);
    expect(info.classes).toEqual(["ant", "cat"]);
    expect(count).toBe(3);
    expect(values).toEqual({ x: [0.5, -1000, 0.25], tokens: [3, 1, 2, 0, 0, 7, 9, 9, 9], label: [1, 0, 1] });
  });

  const columns = { x: "x", label: "y" };

  it("reads labels as the loss takes them: whole numbers are classes for one of classes", async () => {
    expect((await load(table("x,y\n1,10\n1,9\n1,2\n", columns))).info.classes).toEqual(["2", "9", "10"]);
    const written = await load(table("x,y\n1,10.0\n1,9\n1,1e1\n", columns));
    expect(written.info.classes).toEqual(["9", "10"]);
    expect(written.values["label"]).toEqual([1, 0, 1]);
    expect((await load(table("x,y\n1,0.0\n1,1.0\n", columns))).info.label).toEqual({ name: "label", dtype: "i32", shape: [] });
    // Zeros in front are part of a name.
    expect((await load(table("x,y\n1,007\n1,7\n", columns))).info.classes).toEqual(["007", "7"]);
    const steps = await load(table("x,y\n1,0.0 1.0\n1,1 0\n", columns));
    expect([steps.info.classes, steps.values["label"]]).toEqual([
      ["0", "1"],
      [0, 1, 1, 0],
    ]);
    // No class at all, which the loss says.
    expect((await load(table("x,y\n1,3.5\n1,9\n", columns))).info).toMatchObject({ label: { dtype: "f32" }, classes: [] });
  });

  it("reads labels as the loss takes them: numbers for one of numbers", async () => {
    const whole = await load(table("x,y\n1,10\n1,9\n1,20\n", columns), "number");
    expect(whole.info).toMatchObject({ label: { dtype: "f32", shape: [] }, classes: [] });
    expect(whole.values["label"]).toEqual([10, 9, 20]);
    const vectors = await load(table("x,y\n1,1 2 3\n1,0.5 0 -1\n", columns), "number");
    expect(vectors.info.label).toEqual({ name: "label", dtype: "f32", shape: [3] });
    expect(vectors.values["label"]).toEqual([1, 2, 3, 0.5, 0, -1]);
    expect(await failure(load(table("x,y\n1,cat\n", columns), "number"))).toContain('the label holds "cat", and the loss compares numbers');
    expect(await failure(load(table("x,y\n1,1\n2,cat\n", columns), "number"))).toContain(
      ':3: the label holds "cat", which is not a number',
    );
  });

  it("reads a label for every step", async () => {
    const { info, values } = await load(table("t,y\n5 6 7,0 1 0\n7 6 5,2 0 1\n", { t: "t", label: "y" }));
    expect(info.label).toEqual({ name: "label", dtype: "i32", shape: [3] });
    expect(info.classes).toEqual(["0", "1", "2"]);
    expect(values["label"]).toEqual([0, 1, 0, 2, 0, 1]);
  });

  it("reads vectors of floats, quoted cells, blank lines and a byte order mark", async () => {
    const { info, values } = await load(table('\ufeffv,"the, label"\n0.5 2,"a ""b"""\n\n1 1.5,c\n', { v: "v", label: "the, label" }));
    expect(info.inputs[0]).toEqual({ name: "v", dtype: "f32", shape: [2] });
    expect(info.classes).toEqual(['a "b"', "c"]);
    expect(values["v"]).toEqual([0.5, 2, 1, 1.5]);
  });

  it("takes the columns of a file without a header by their places, and leaves the quotes of a .tsv alone", async () => {
    const plan = table('"a\t1.5\nb\t2\n', { x: 1, label: 0 }, "tsv", { header: false });
    const { info, values } = await load(plan);
    expect(values).toEqual({ x: [1.5, 2], label: [0, 1] });
    expect(info.classes).toEqual(['"a', "b"]);
    const header = await load(table("kind\tnumber\na\t1\n", { x: "number", label: "kind" }, "tsv"));
    expect(header.values).toEqual({ x: [1], label: [0] });
  });

  it("treats names of Object.prototype as any others", async () => {
    const { info } = await load(table("__proto__,constructor\n1,toString\n2,__proto__\n", { x: "__proto__", label: "constructor" }));
    expect(info.classes).toEqual(["__proto__", "toString"]);
  });
});

it("finds each of very many columns as fast as the only one", () => {
  const names = Array.from({ length: 200_000 }, (_, i) => `c${i}`);
  const header = new TableHeader("wide.csv", names, true);
  const find = (count: number): number => ownTime(() => names.slice(-count).forEach((name) => header.nameOf(header.place(name))));
  find(1000);
  // To look through all of them for each takes minutes.
  expect(find(names.length)).toBeLessThan(5000);
});

describe("faults", () => {
  const columns = { x: "x", label: "y" };
  it.each<[string, string | Uint8Array, InputColumns, string, string[]]>([
    ["an empty file", "", columns, "csv", ["is empty"]],
    ["a header alone", "x,y\n", columns, "csv", ["no rows"]],
    ["a missing column", "x,z\n1,2\n", columns, "csv", ['no column "y"', '"x", "z"']],
    ["a missing label", "x,y\n1,2\n", { x: "x" }, "csv", ["no label"]],
    ["text", "x,y\nhello,2\n", columns, "csv", [':2: column "x" holds "hello"', "not a number", "one_hot", "tokenizer"]],
    ["rows of different lengths", "x,y\n1,2\n1,2,3\n", columns, "csv", [":3: 3 cells", "header has 2"]],
    ["a bad number", "x,y\n1,2\n1,3\noops,3\n", columns, "csv", [':4: column "x" holds "oops"', "not a number"]],
    ["infinity", "x,y\n1,2\nInfinity,3\n", columns, "csv", [':3: column "x" holds']],
    ["an empty cell", "x,y\n1,2\n,3\n", columns, "csv", [':3: column "x" is empty', "fill(mean)"]],
    ["an empty label", "x,y\n1,2\n3,\n", columns, "csv", [":3: the label is empty"]],
    ["sequences of different lengths", "x,y\n1 2 3,2\n1 2,3\n", columns, "csv", [':3: column "x" has 2 values', "first row has 3"]],
    ["a negative step label", "x,y\n1 2,0 1\n1 2,-1 0\n", columns, "csv", [":3: the label holds -1", "classes count from 0"]],
    ["an absurd step label", "x,y\n1 2,0 1\n1 2,2000000000 0\n", columns, "csv", ["as many classes"]],
    ["an open quote", 'x,y\n"1,2\n', columns, "csv", ["Quote", "doubled"]],
    ["Latin-1", Uint8Array.from([0x78, 0x2c, 0x79, 0x0a, 0xe9, 0x2c, 0x31]), columns, "csv", ["line 2 is not UTF-8", 'encoding: "latin1"']],
    ["a file whose first row is no header", "1\t2\t3\n", columns, "tsv", ['no column "y"', "header: false"]],
    ["another kind of file", "x", columns, "json", ["none of .csv, .tsv, .jsonl"]],
  ])("reports %s", async (_, text, names, extension, parts) => {
    const message = await failure(load(table(text, names, extension)));
    for (const part of parts) expect(message).toContain(part);
  });

  it.each<[string, LabelKind, string]>([
    ["1,2\n2,cat", "number", ':3: the label holds "cat", which is not a number'],
    ["1,2\n2,nan", "number", ':3: the label holds "nan", which is not a number'],
    ["1,2\n2,4e38", "number", ':3: the label holds "4e38", which is beyond the numbers of f32'],
    ["1,2 3\n2,4", "number", ":3: the label has 1 values, the first row has 2"],
    ["1,0 1\n2,0 x", "class", ':3: the label holds "x", which is not an integer'],
    ["1,0 1\n2,0 -1", "class", ":3: the label holds -1, and classes count from 0"],
    ["1,0 1\n2,0", "class", ":3: the label has 1 values, the first row has 2"],
  ])("finds labels of %j that a loss of a %s cannot take without loading them", async (rows, kind, message) => {
    const told = await failure(describeData(table(`x,y\n${rows}\n`, columns), asked(kind)));
    expect(told).toContain(message);
    expect(told).toContain("correct them, or remove the rows");
  });

  it("says of labels of other tables what is to be done about labels", async () => {
    const plan = table("x,y\n1,a\n2,b\n", columns);
    const { sources } = table("x,y\n1,a\n2,c\n", columns);
    const both = { ...plan, sources: { ...plan.sources, test: sources["train"]! } };
    const told = await failure(loadSplit(both, "test", await describeData(both)));
    expect(told).toMatch(
      /labels that cannot be used:\n.*:3: the label is "c", which is no class of the training data\ncorrect them, or remove the rows$/,
    );
  });

  it("reports the first five rows and counts the rest", async () => {
    const rows = Array.from({ length: 9 }, () => "bad,1").join("\n");
    const message = await failure(load(table(`x,y\n1,1\n${rows}\n`, columns)));
    expect(message).toContain(':3: column "x" holds');
    expect(message).toContain("… and 4 more");
  });

  it("reports a file that is not there, and a class that training does not know", async () => {
    const plan = table("x,y\n1,a\n", columns);
    const missing: DataPlan = { ...plan, sources: { train: { word: "table", args: { path: join(folder, "none.csv"), columns } } } };
    expect(await failure(describeData(missing))).toContain("there is no such file");
    const info = await describeData(plan);
    expect(await failure(loadSplit(table("x,y\n1,b\n", columns), "train", info))).toContain('is "b", which is no class');
    expect(await failure(loadSplit(plan, "test", info))).toContain('has no "test"');
  });
});

it("reads inputs alone for prediction", async () => {
  const plan = table("x,y\n1,a\n", { x: "x", label: "y" });
  const path = join(folder, "unlabelled.csv");
  writeFileSync(path, "x\n4\n5\n");
  const split = await loadInputs(plan, [path], await describeData(plan));
  expect([...split.columns.keys()]).toEqual(["x"]);
  expect([...split.columns.get("x")!.data]).toEqual([4, 5]);
});

describe("a table for prediction", () => {
  const ROWS = 60_000;
  // With a quote behind its first rows, from which on it is read character by character.
  const quoted = (row: number): string => (row >= 10 ? `"${row}"` : `${row}`);
  const parts = async (
    text: string,
    most: number,
  ): Promise<{ readonly values: number[]; readonly counts: number[]; readonly error: unknown }> => {
    const plan = table("x,y\n1,a\n2,b\n", { x: "x", label: "y" });
    const path = join(folder, "long.csv");
    writeFileSync(path, text);
    const [values, counts]: [number[], number[]] = [[], []];
    const error: unknown = await eachTablePart(plan, path, await describeData(plan), { most }, async (part) => {
      await new Promise((resolve) => setImmediate(resolve));
      values.push(...part.columns.get("x")!.data);
      counts.push(part.count);
    }).catch((reason: unknown) => reason);
    return { values, counts, error };
  };

  it.each([
    ["plain cells", String],
    ["quoted cells", quoted],
  ])("comes in parts, in order and whole, of %s", async (_, cell) => {
    const { values, counts, error } = await parts(`x\n${Array.from({ length: ROWS }, (__, i) => `${cell(i)}\n`).join("")}`, 1000);
    expect([error, counts.length > 1, Math.max(...counts) < ROWS]).toEqual([undefined, true, true]);
    expect(values).toEqual(Array.from({ length: ROWS }, (__, i) => i));
  });

  it("ends at a row that cannot be used behind the parts before it, with its line", async () => {
    for (const [bad, problem] of [
      ["word", "is not a number"],
      ["1,2", "2 cells, the header has 1"],
    ]) {
      const { values, error } = await parts(
        `x\n${Array.from({ length: ROWS }, (__, i) => `${i === ROWS - 2 ? bad! : i}\n`).join("")}`,
        1000,
      );
      expect(error).toBeInstanceOf(DataError);
      expect((error as DataError).message).toMatch(`long.csv:${ROWS}: `);
      expect((error as DataError).message).toContain(problem);
      expect(values.length).toBeGreaterThan(0);
      expect(values).toEqual(values.map((__, i) => i));
    }
  });
});

it("reads the committed sequences", async () => {
  const source = {
    word: "table",
    args: { path: "specs/examples/data/sequences/train.csv", columns: { tokens: "tokens", label: "label" } },
  };
  const plan: DataPlan = { name: "s", sources: { train: source }, splits: [], preprocess: [], augment: [] };
  const info = await describeData(plan);
  expect(info).toEqual({
    inputs: [{ name: "tokens", dtype: "i32", shape: [24] }],
    label: { name: "label", dtype: "i32", shape: [24] },
    classes: ["0", "1"],
  });
  const split = await loadSplit(plan, "train", info);
  expect(split.count).toBe(2000);
  const ones = Array.from(split.columns.get("label")!.data).reduce((sum: number, v: number) => sum + v, 0) / (2000 * 24);
  expect(ones).toBeGreaterThan(0.3);
  expect(ones).toBeLessThan(0.6);
});

const sst = "../shared/data/sst2";
it.skipIf(!existsSync(sst))("says of real sentences that they need a tokenizer (needs ../shared)", async () => {
  const source = { word: "table", args: { path: `${sst}/train.tsv`, columns: { text: 0, label: 1 }, header: false } };
  expect(await failure(describeData({ name: "s", sources: { train: source }, splits: [], preprocess: [], augment: [] }))).toContain(
    "tokenizer",
  );
});
