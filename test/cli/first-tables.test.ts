// What somebody meets who comes with a table from elsewhere: two classes as 0 and 1, few of one of them, and cells that are missing. The
// compiler and the device are real.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { runCli } from "../../src/cli/program.ts";

const work = mkdtempSync(join(tmpdir(), "tlc-tables-"));
const before = process.cwd();
process.chdir(work);
afterAll(() => {
  process.chdir(before);
  rmSync(work, { recursive: true, force: true });
});

async function run(spec: string): Promise<{ readonly code: number; readonly text: string }> {
  writeFileSync("m.tlspec", spec);
  let text = "";
  const stream = { write: (it: string) => void (text += it) };
  const args = ["run", "m.tlspec", "-d", "reference", "-o", "w.safetensors"];
  return { code: await runCli(args, { stdout: stream, stderr: stream, env: {}, toolchain }), text };
}

const fraud = (how: string): string => `network n(scores = 1) {
  input point: f32[2]
  fc: linear(scores)
}
dataset d {
  train table("fraud.csv", point: [a, b], label: fraud)
  split train into train 75%, val 25% ${how} seed 3
}
recipe r { network n data d loss binary_cross_entropy metrics accuracy optimizer sgd(lr: 0.1) batch 4 epochs 1 }
`;

it("parts have their share of the few that are 1, under a loss of one score", async () => {
  writeFileSync("fraud.csv", `a,b,fraud\n${Array.from({ length: 16 }, (_, i) => `${i},1,${i % 4 === 0 ? 1 : 0}`).join("\n")}\n`);
  expect(await run(fraud("stratified"))).toMatchObject({ code: 0, text: expect.stringContaining("12 train, 4 val examples") as string });
  expect(await run(fraud("stratified").replace("train 75%", "train 3 per class"))).toMatchObject({
    code: 0,
    text: expect.stringContaining("6 train, 4 val examples") as string,
  });
  writeFileSync(
    "fraud.csv",
    `a,b,fraud\n${Array.from({ length: 16 }, (_, i) => `${i},1,${["sea", "ice", "sea;ice"][i % 3]}`).join("\n")}\n`,
  );
  const sets = await run(fraud("stratified").replace("scores = 1", "scores = 2"));
  expect(sets).toMatchObject({
    code: 2,
    text: expect.stringContaining("a split that looks at classes needs labels that are classes") as string,
  });
});

it("a name that is missing is not filled with a mean, and the way out is said", async () => {
  writeFileSync("houses.csv", "area,city,price\n10,Bern,1\n20,,2\n30,Zug,3\n,Bern,4\n");
  const spec = (fill: string): string => `network n {
  input features: f32[count]
  fc: linear(1)
}
dataset d {
  train table("houses.csv", features: [area, one_hot(city)], label: price)
  preprocess ${fill} -> standardize
}
recipe r { network n data d loss mse optimizer sgd(lr: 0.1) batch 4 epochs 1 }
`;
  const refused = await run(spec("fill(median)"));
  expect([refused.code, refused.text]).toEqual([2, expect.stringContaining('houses.csv:3: column "city" is empty')]);
  expect(refused.text).toContain("no mean stands for a name: `fill(mark, COLUMN)` gives what is missing a place of its own");
  expect(refused.text).not.toContain("tokenizer");
  expect((await run(spec("fill(median, area) -> fill(mark, city)"))).code).toBe(0);
});
