// Columns of tables through their words: what `*` and places stand for, what a column holds, and every kind of file.

import { describe, expect, it } from "vitest";
import type { DataPlan } from "../../../src/ir/plan.ts";
import { describeData, loadInputs } from "../../../src/runtime/data/index.ts";
import { failure, file, load, plan } from "../../support/tables.ts";

const people = file("id,age,income,city,risk\n1,30,1000,Bern,low\n2,50,3000,Basel,high\n3,40,2000,Bern,low\n");

describe("which columns", () => {
  it.each([
    [
      "[age, income]",
      [
        [30, 1000],
        [50, 3000],
        [40, 2000],
      ],
    ],
    ["[income]", [[1000], [3000], [2000]]],
    [
      '[2, "age"]',
      [
        [1000, 30],
        [3000, 50],
        [2000, 40],
      ],
    ],
    [
      "1..3",
      [
        [30, 1000],
        [50, 3000],
        [40, 2000],
      ],
    ],
    [
      "* except [id, city]",
      [
        [30, 1000],
        [50, 3000],
        [40, 2000],
      ],
    ],
    ["* except [0, 2..4]", [[30], [50], [40]]],
    [
      "[* except id, one_hot(city)]",
      [
        [30, 1000, 0, 1],
        [50, 3000, 1, 0],
        [40, 2000, 0, 1],
      ],
    ],
  ])("features: %s", async (written, rows) => {
    const { inputs, values } = await load(plan(`train table("${people}", features: ${written}, label: risk)`));
    expect(inputs["features"]).toMatchObject({ dtype: "f32", shape: [rows[0]!.length] });
    expect(values["features"]).toEqual(rows);
    expect(values["label"]).toEqual([[1], [0], [1]]);
  });

  it("leaves out of `*` what another input, the label or the split names", async () => {
    const { values } = await load(
      plan(`train table("${people}", features: *, place: category(city), label: risk)\nsplit train into train 100% by id`),
    );
    expect(values).toEqual({
      features: [
        [30, 1000],
        [50, 3000],
        [40, 2000],
      ],
      place: [[1], [0], [1]],
      label: [[1], [0], [1]],
    });
  });

  it("reads other tables by the names that `*` and places stood for, whatever their order", async () => {
    const other = file("risk,city,income,age,id\nlow,Basel,7,8,9\n");
    const star = `train table("${people}", features: [* except id, one_hot(city)], label: risk)\ntest table("${other}")`;
    expect((await load(plan(star), "test")).values["features"]).toEqual([[8, 7, 1, 0]]);
    const places = `train table("${people}", features: 1..3, label: risk)\ntest table("${other}")`;
    expect((await load(plan(places), "test")).values["features"]).toEqual([[8, 7]]);
    const one = plan(`train table("${people}", v: 1, label: risk)`);
    const rows = file("income,age\n5,6\n");
    const split = await loadInputs(one, [rows], await describeData(one));
    expect([...split.columns.get("v")!.data]).toEqual([6]);
  });

  it("reads what has names of its own in each table by these", async () => {
    const other = file("alter,klasse\n8,low\n");
    const data = plan(`train table("${people}", features: [age], label: risk)\ntest table("${other}", features: [alter], label: klasse)`);
    expect((await load(data, "test")).values).toEqual({ features: [[8]], label: [[1]] });
  });

  it("takes a row without a header for one of data where the spec says so, in every kind of file", async () => {
    const bare = file("5.5\tsetosa\n6.25\tvirginica\n", "tsv");
    const data = plan(`train table("${bare}", features: [0], label: 1, header: false)`);
    expect((await load(data)).values).toEqual({ features: [[5.5], [6.25]], label: [[0], [1]] });
    const guessed = plan(`train table("${bare}", features: [0], label: 1)`);
    expect(await failure(describeData(guessed))).toMatch(/:1: the first row should hold the names.*5\.5.*header: false/s);
    const named = plan(`train table("${bare}", features: [length], label: 1, header: false)`);
    expect(await failure(describeData(named))).toContain('no header, and so no column "length"');
  });

  it.each([
    ["features: [age, wage], label: risk", ['no column "wage"', "did you mean `age`"]],
    ["features: 1..9, label: risk", ["no column 8", "it has 5", "ends before"]],
    ["features: [age, city], label: risk", [':2: column "city" holds "Bern"', "not a number", "one_hot"]],
    ["features: * except [id, age, income, city], label: risk", ["no column is left"]],
  ])("refuses %s", async (columns, parts) => {
    const message = await failure(load(plan(`train table("${people}", ${columns})`)));
    for (const part of parts) expect(message).toContain(part);
  });

  it("refuses a name that two columns have", async () => {
    const twice = file("a,a,b,y\n1,2,3,u\n");
    expect(await failure(load(plan(`train table("${twice}", features: [a], label: y)`)))).toContain('two columns "a"');
    expect(await failure(load(plan(`train table("${twice}", features: 0..2, label: y)`)))).toContain('two columns "a", 0 and 1');
    expect((await load(plan(`train table("${twice}", features: * except 0..2, label: y)`))).values["features"]).toEqual([[3]]);
  });
});

describe("what a column holds", () => {
  it("follows from all rows, not from the first", async () => {
    const path = file("x,y\n0 1,a\n0.1 2,b\n");
    expect((await load(plan(`train table("${path}", v: x, label: y)`))).inputs["v"]).toEqual({
      name: "v",
      dtype: "f32",
      shape: [2],
      column: "x",
    });
    const flag = file("x,y\n1,a\ntrue,b\nNo,a\n");
    expect((await load(plan(`train table("${flag}", v: x, label: y)`))).values["v"]).toEqual([[1], [1], [0]]);
  });

  it("is a date by its form, with its parts by their words", async () => {
    const path = file("at,y\n1970-01-02,a\n2024-02-29 12:30:00,b\n2024-03-01T00:30:00+01:00,a\n");
    const words = "at, seconds(at), year(at), month(at), day(at), weekday(at), hour(at)";
    const { values } = await load(plan(`train table("${path}", features: [${words}], label: y)`));
    const days = 19_782 + 12.5 / 24;
    expect(values["features"]![0]).toEqual([1, 86_400, 1970, 1, 2, 4, 0]);
    expect(values["features"]![1]).toEqual([days, days * 86_400, 2024, 2, 29, 3, 12.5].map(Math.fround));
    expect(values["features"]![2]!.slice(2)).toEqual([2024, 3, 1, 4, 0.5]);
    // 23:30 of the day before, UTC.
    expect(values["features"]![2]![0]).toBeCloseTo(19_782 + 23.5 / 24, 2);
    const never = file("at,y\n2023-02-29,a\n2024-13-01,b\n");
    expect(await failure(load(plan(`train table("${never}", features: [days(at)], label: y)`)))).toMatch(/:2: .*not a date.*\n.*:3: /);
  });

  it("keeps the seconds of dates that are standardized, which f32 could not hold", async () => {
    const path = file(`at,y\n${[0, 1, 2, 3].map((s) => `2024-02-29T12:00:0${s},a`).join("\n")}\n`);
    const { values } = await load(plan(`train table("${path}", features: [seconds(at)], label: y)\npreprocess standardize`));
    const scale = Math.sqrt(1.25);
    values["features"]!.forEach(([value], i) => expect(value).toBeCloseTo((i - 1.5) / scale, 6));
  });
});

describe("labels", () => {
  it("may be several columns of numbers", async () => {
    const path = file("x,u,v\n1,2,3\n4,5,6\n");
    const { info, values } = await load(plan(`train table("${path}", features: *, label: [u, v])`), "train", "number");
    expect(info.label).toEqual({ name: "label", dtype: "f32", shape: [2] });
    expect(values).toEqual({
      features: [[1], [4]],
      label: [
        [2, 3],
        [5, 6],
      ],
    });
  });
});

describe("files", () => {
  const wanted = {
    features: [
      [1.5, 2],
      [3, 4],
    ],
    label: [[1], [0]],
  };
  const source = (path: string, more = ""): DataPlan => plan(`train table("${path}", features: ["ä", b], label: y${more})`);
  const text = "ä;b;y\n1.5;2;v\n3;4;u\n";
  const utf16 = (bigEndian: boolean, mark: boolean): Uint8Array => {
    const bytes = Buffer.from((mark ? "\ufeff" : "") + text, "utf16le");
    return bigEndian ? bytes.swap16() : bytes;
  };

  it.each<[string, string | Uint8Array, string, string]>([
    ["semicolons", text, "csv", ""],
    ["tabs", text.replaceAll(";", "\t"), "csv", ""],
    ["a .tsv", text.replaceAll(";", "\t"), "tsv", ""],
    ["bars", text.replaceAll(";", "|"), "csv", ""],
    ["a delimiter of its own", text.replaceAll(";", "^"), "csv", ', delimiter: "^"'],
    ["Windows line ends and a byte order mark", `\ufeff${text.replaceAll("\n", "\r\n")}`, "csv", ""],
    ["UTF-16, little end first", utf16(false, true), "csv", ""],
    ["UTF-16, big end first", utf16(true, true), "csv", ""],
    ["Latin-1", Buffer.from(text, "latin1"), "csv", ', encoding: "latin1"'],
    ["UTF-16 without a mark, said", utf16(false, false), "csv", ', encoding: "utf-16le"'],
    ["lines of JSON", '{"ä": 1.5, "b": 2, "y": "v"}\n\n{"y": "u", "b": 4, "ä": 3}', "jsonl", ""],
  ])("with %s", async (_, content, extension, more) => {
    expect((await load(source(file(content, extension), more))).values).toEqual(wanted);
  });

  it("of JSON take lists of numbers, true and false, and nothing for what is missing", async () => {
    const path = file(
      '{"t": [1, 2], "f": true, "x": 1, "y": "u"}\n{"t": [3, 4], "f": false, "x": null, "y": "v"}\n{"t": [5, 6], "f": true, "y": "v"}\n',
      "jsonl",
    );
    const { values } = await load(plan(`train table("${path}", t: t, features: [f, x], label: y)\npreprocess fill(7, x)`));
    expect(values).toEqual({
      t: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      features: [
        [1, 1],
        [0, 7],
        [1, 7],
      ],
      label: [[0], [1], [1]],
    });
  });

  it.each<[string, string, string, string]>([
    ["no JSON", '{"x": 1, "y": 2}\n{"x": 1,\n', "jsonl", ":2: the line is no JSON"],
    ["a list for an object", "[1, 2]\n", "jsonl", ":1: the line is no object"],
    ["another key", '{"x": 1, "y": 2}\n{"x": 1, "z": 2}\n', "jsonl", ':2: the line has a key "z"'],
    ["an object in an object", '{"x": {"a": 1}, "y": 2}\n', "jsonl", ':1: the line holds in "x"'],
    ["Latin-1 that is said to be UTF-8, far behind the first part", `x,y\n${"1,2\n".repeat(100_000)}`, "latin", "line 100002 is not UTF-8"],
  ])("with %s are refused", async (_, content, extension, message) => {
    const isLatin = extension === "latin";
    const path = file(
      isLatin ? Buffer.concat([Buffer.from(content), Uint8Array.of(0x31, 0x2c, 0xe9, 0x0a)]) : content,
      isLatin ? "csv" : extension,
    );
    expect(await failure(load(plan(`train table("${path}", v: x, label: y)`)))).toContain(message);
  });
});
