// What is fitted on the training part of a table, and what a missing or unknown value is; compared with a few lines of float64.

import { describe, expect, it } from "vitest";
import type { DataPlan, NumberField } from "../../../src/ir/plan.ts";
import { describeData, loadInputs } from "../../../src/runtime/data/index.ts";
import { failure, file, load, plan } from "../../support/tables.ts";

const people = file("id,age,income,city,risk\n1,30,1000,Bern,low\n2,50,3000,Basel,high\n3,40,2000,Bern,low\n");

describe("missing values", () => {
  const gaps = file("a,b,c,y\n1,NA,x,u\n,10,?,v\n3,nan,x,u\n8,40,y,v\n");
  const source = `train table("${gaps}", features: [a, b], label: y)`;

  it("are an error with line and column", async () => {
    const message = await failure(load(plan(source)));
    expect(message).toContain(':3: column "a" is empty');
    expect(message).toContain(':2: column "b" is missing ("NA")');
    expect(message).toContain("fill(mean)");
  });

  it.each([
    [
      "fill(mean)",
      [
        [1, 25],
        [4, 10],
        [3, 25],
        [8, 40],
      ],
    ],
    [
      "fill(median)",
      [
        [1, 25],
        [3, 10],
        [3, 25],
        [8, 40],
      ],
    ],
    [
      "fill(-1)",
      [
        [1, -1],
        [-1, 10],
        [3, -1],
        [8, 40],
      ],
    ],
    [
      "fill(0, b) -> fill(mean)",
      [
        [1, 0],
        [4, 10],
        [3, 0],
        [8, 40],
      ],
    ],
    [
      "fill(mark)",
      [
        [1, 0, 25, 1],
        [4, 1, 10, 0],
        [3, 0, 25, 1],
        [8, 0, 40, 0],
      ],
    ],
    [
      "fill(mark, 1) -> fill(2)",
      [
        [1, 25, 1],
        [2, 10, 0],
        [3, 25, 1],
        [8, 40, 0],
      ],
    ],
  ])("%s", async (steps, rows) => {
    expect((await load(plan(`${source}\npreprocess ${steps}`))).values["features"]).toEqual(rows);
  });

  it("are counted as what they are filled with when a column is scaled after that", async () => {
    const { values } = await load(plan(`${source}\npreprocess fill(0) -> standardize`));
    const [a, b] = [
      [1, 0, 3, 8],
      [0, 10, 0, 40],
    ].map((column) => {
      const mean = column.reduce((sum, x) => sum + x, 0) / 4;
      const deviation = Math.sqrt(column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 4);
      return column.map((x) => (x - mean) / deviation);
    });
    values["features"]!.forEach((row, i) => row.forEach((value, j) => expect(value).toBeCloseTo([a, b][j]![i]!, 6)));
    const after = await load(plan(`${source}\npreprocess min_max -> fill(0.5)`));
    expect(after.values["features"]).toEqual(
      [
        [0, 0.5],
        [0.5, 0],
        [2 / 7, 0.5],
        [1, 1],
      ].map((row) => row.map(Math.fround)),
    );
  });

  it("of categories are an error, or a place of their own", async () => {
    const one = `train table("${gaps}", features: [one_hot(c)], label: y)`;
    expect(await failure(load(plan(one)))).toContain(':3: column "c" is missing ("?")');
    expect((await load(plan(`${one}\npreprocess fill(mark)`))).values["features"]).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [1, 0, 0],
      [0, 1, 0],
    ]);
    expect(await failure(load(plan(`${one}\npreprocess fill(mean, c)`)))).toContain("holds categories");
  });

  it("that no training row has are filled, and marked nowhere", async () => {
    const full = file("a,y\n1,u\n2,v\n");
    const data = plan(`train table("${full}", features: [a], label: y)\npreprocess fill(mark)`);
    const info = await describeData(data);
    expect(info.inputs[0]!.shape).toEqual([1]);
    expect([...(await loadInputs(data, [file("a\n3\nNA\n")], info)).columns.get("features")!.data]).toEqual([3, 1.5]);
  });

  it("of a whole column are an error", async () => {
    const none = file("a,y\n?,u\nnull,v\n");
    expect(await failure(load(plan(`train table("${none}", features: [a], label: y)\npreprocess fill(0)`)))).toContain(
      "empty in every row",
    );
  });
});

describe("what is fitted", () => {
  const rows = Array.from({ length: 60 }, (_, i) => [i * i, (i * 7) % 11, `c${String(i % 5)}`, i % 3 === 0 ? "u" : "v"] as const);
  const path = file(`a,b,c,y\n${rows.map((row) => row.join(",")).join("\n")}\n`);

  it.each(["", " stratified", " by b"])("is fitted on the training part alone, of a split%s", async (how) => {
    const data = plan(
      `train table("${path}", features: [a], label: y)\nsplit train into train 50%, val 50%${how} seed 3\npreprocess standardize`,
    );
    const raw = plan(`train table("${path}", features: [a], label: y)\nsplit train into train 50%, val 50%${how} seed 3`);
    const part = (await load(raw)).values["features"]!.map(([a]) => a!);
    const mean = part.reduce((sum, x) => sum + x, 0) / part.length;
    const deviation = Math.sqrt(part.reduce((sum, x) => sum + (x - mean) ** 2, 0) / part.length);
    const field = (await load(data)).inputs["features"]!.fields![0] as NumberField;
    expect(field.shift).toBeCloseTo(mean, 9);
    expect(1 / field.scale).toBeCloseTo(deviation, 9);
    const [own, other] = [await load(data, "val"), await load(raw, "val")];
    own.values["features"]!.forEach(([value], i) => expect(value).toBeCloseTo((other.values["features"]![i]![0]! - mean) / deviation, 4));
  });

  it("of constant columns divides by nothing", async () => {
    const same = file("a,y\n0.1,u\n0.1,v\n0.1,v\n");
    for (const step of ["standardize", "min_max"])
      expect((await load(plan(`train table("${same}", features: [a], label: y)\npreprocess ${step}`))).values["features"]).toEqual([
        [0],
        [0],
        [0],
      ]);
  });

  it("leaves what is no number alone: yes and no, categories", async () => {
    const mixed = file("a,b,c,y\n0,yes,p,u\n4,no,q,v\n");
    const { values } = await load(
      plan(`train table("${mixed}", features: [a, b, one_hot(c)], label: y)\npreprocess min_max -> standardize`),
    );
    expect(values["features"]).toEqual([
      [-1, 1, 1, 0],
      [1, 0, 0, 1],
    ]);
    const named = await load(plan(`train table("${mixed}", features: [a, b], label: y)\npreprocess standardize(b)`));
    expect(named.values["features"]).toEqual([
      [0, 1],
      [4, -1],
    ]);
  });

  it("refuses a step for a column that no input has", async () => {
    expect(await failure(load(plan(`train table("${path}", features: [a], label: y)\npreprocess standardize(b)`)))).toContain(
      "no input has",
    );
    const ofLabel = await failure(load(plan(`train table("${path}", features: [a], label: y)\npreprocess standardize(y)`)));
    expect(ofLabel).toContain("labels are taken as they are");
  });

  it("is a single number for a column that is one", async () => {
    const { inputs, values } = await load(plan(`train table("${people}", age: age, label: risk)\npreprocess min_max`));
    expect(inputs["age"]).toMatchObject({ dtype: "f32", shape: [], fields: [{ column: "age" }] });
    expect(values["age"]).toEqual([[0], [1], [0.5]]);
  });
});

describe("categories", () => {
  const train = file("city,y\nBern,u\nBasel,v\nBern,u\n");
  const test = file("city,y\nZug,u\nBern,v\n");

  it("that training has not are an error with line and column, or the last place", async () => {
    const one = (unknown: string): DataPlan =>
      plan(`train table("${train}", features: one_hot(city${unknown}), label: y)\ntest table("${test}")`);
    const message = await failure(load(one(""), "test"));
    expect(message).toContain(':2: column "city" is "Zug", which no row of the training part has');
    expect(message).toContain("unknown: true");
    expect((await load(one(", unknown: true"), "test")).values["features"]).toEqual([
      [0, 0, 1],
      [0, 1, 0],
    ]);
    const place = plan(`train table("${train}", city: category(city, unknown: true), label: y)\ntest table("${test}")`);
    const loaded = await load(place, "test");
    expect(loaded.inputs["city"]).toMatchObject({ dtype: "i32", shape: [] });
    expect(loaded.values["city"]).toEqual([[2], [1]]);
  });

  it("are as harmless as any names", async () => {
    const hostile = file('__proto__,"\u001b[31m",y\nconstructor,1,u\n__proto__,2,v\n');
    const { info, values } = await load(plan(`train table("${hostile}", features: [one_hot("__proto__"), 1], label: y)`));
    expect(values["features"]).toEqual([
      [0, 1, 1],
      [1, 0, 2],
    ]);
    expect(info.inputs[0]!.fields![0]).toMatchObject({ column: "__proto__", categories: ["__proto__", "constructor"] });
  });
});
