// Rows that an application hands over become the numbers that the same rows of a file become.

import { describe, expect, it } from "vitest";
import { describeData, loadInputs } from "../../../src/runtime/data/index.ts";
import { splitOfColumns, splitOfExamples, type Example, type TableRow } from "../../../src/runtime/embed/values.ts";
import { file, plan } from "../../support/tables.ts";

const people = file(
  "id,age,city,born,smokes,walk,risk\n1,30,Bern,1990-02-03,yes,1 2 3,low\n2,,Basel,1970-12-31,no,4 5 6,high\n3,40,?,2001-01-01,no,7 8 9,low\n",
);
const data = plan(
  [
    `train table("${people}", features: [age, one_hot(city, unknown: true), born, weekday(born), smokes], steps: walk, place: category(city, unknown: true), label: risk)`,
    "preprocess fill(mark) -> standardize",
  ].join("\n"),
);
const rows: readonly TableRow[] = [
  { age: 31.5, city: "Zug", born: "1999-09-09", smokes: true, walk: [9, 8, 7] },
  { age: null, city: "Bern", born: "1970-01-01T06:00", smokes: "no", walk: Int32Array.of(0, 0, 1) },
  { city: null, age: 3, walk: [1, 1, 1], smokes: 1, born: "1970-01-02", id: 12, __proto__: 3 },
];

describe("rows of an application", () => {
  it("become what the rows of a file become", async () => {
    const info = await describeData(data);
    const text = "walk,smokes,born,city,age\n9 8 7,true,1999-09-09,Zug,31.5\n0 0 1,no,1970-01-01T06:00,Bern,NA\n1 1 1,1,1970-01-02,,3\n";
    const read = await loadInputs(data, [file(text)], info);
    const given = splitOfExamples(info, [], rows);
    expect(given).toEqual(read);
    expect([...given.columns.get("place")!.data]).toEqual([3, 1, 2]);
    expect(info.inputs.map(({ shape }) => shape)).toEqual([[2 + 4 + 1 + 1 + 1], [3], []]);
    const lines = rows.map((row) => JSON.stringify({ ...row, walk: [...(row["walk"] as number[])] })).join("\n");
    const json = await loadInputs(data, [file(lines.replace(/"id":12,?/, "").replace(/,}/, "}"), "jsonl")], info);
    expect(json).toEqual(read);
  });

  it("are trained and evaluated on with labels beside them", async () => {
    const info = await describeData(data);
    const split = splitOfColumns(info, [], { inputs: rows, labels: ["low", "high", 0] });
    expect(split.count).toBe(3);
    expect([...split.columns.get("label")!.data]).toEqual([1, 0, 0]);
    expect(() => splitOfColumns(info, [], { inputs: { features: new Float32Array(9) }, labels: [0] })).toThrow("no inputs");
  });

  it.each<[string, unknown, string]>([
    ["a column that is left out", { city: "Bern", born: "1970-01-01", smokes: true, walk: [1, 2, 3] }, 'example 0 has no "age"'],
    ["what no step fills", { ...rows[0], walk: null }, '"walk" of example 0: null'],
    ["text for a number", { ...rows[0], age: "old" }, '"age" of example 0 holds "old", which is not a number'],
    ["a date for nothing", { ...rows[0], born: "yesterday" }, "not a date"],
    ["a list for a cell", { ...rows[0], age: [1] }, "no value of a cell"],
    ["another length", { ...rows[0], walk: [1] }, "1 numbers, expected 3"],
    ["a list", [1, 2], "expected a row"],
    ["nothing", undefined, "example 0 is undefined"],
  ])("with %s are refused", async (_, row, message) => {
    const info = await describeData(data);
    expect(() => splitOfExamples(info, [], [row as Example])).toThrow(message);
  });
});
