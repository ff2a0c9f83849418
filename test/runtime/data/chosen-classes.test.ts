// Which folders of pictures a data set takes for classes, by names and by patterns of a shell.

import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { checkSpec } from "../../../src/check.ts";
import { chosenClasses } from "../../../src/runtime/data/chosen-classes.ts";
import { describeData, loadSplit } from "../../../src/runtime/data/index.ts";
import type { DataPlan } from "../../../src/ir/plan.ts";

const CLASSES = ["3", "A", "B", "[x]", "ant", "bat", "cat"];

it.each([
  [[], CLASSES],
  [
    ["cat", "ant"],
    ["ant", "cat"],
  ],
  [["[A-B]"], ["A", "B"]],
  [
    ["[0-9]", "?at"],
    ["3", "bat", "cat"],
  ],
  [["*t"], ["ant", "bat", "cat"]],
  [["[!a-c]*"], ["3", "A", "B", "[x]"]],
  [["[x]"], ["[x]"]],
  [["*a*t*"], ["ant", "bat", "cat"]],
])("%j takes %j", (wanted, taken) => {
  expect(chosenClasses(CLASSES, wanted, "pictures")).toEqual(taken);
});

it("names a class that there is not, and what was meant", () => {
  expect(() => chosenClasses(CLASSES, ["catt"], "pictures")).toThrow('pictures has no class "catt"');
  expect(() => chosenClasses(CLASSES, ["[a-z]??", "[0-1]"], "pictures")).toThrow('pictures has no class "[0-1]"');
});

it("takes no longer for a pattern that could go wrong in many ways", () => {
  // Where each star tries all places, the universe ends first.
  expect(() => chosenClasses(["a".repeat(255)], [`${"*a".repeat(100)}*b`], "pictures")).toThrow();
});

const folder = mkdtempSync(join(tmpdir(), "tlc-classes-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
cpSync("specs/examples/data/glyphs/test", join(folder, "glyphs"), { recursive: true });

const data = (args: string, test = ""): string => `
network net(classes) {
  input image: f32[3, 20, 20]
  flatten -> fc: linear(classes)
}
dataset glyphs {
  train images("glyphs"${args})
  test images("glyphs"${test})
  split train into train 4 per class seed 3
}
recipe r { network net(glyphs.classes)  data glyphs  loss cross_entropy  optimizer sgd(lr: 0.1)  batch 4  epochs 1 }`;

it("is a part of what a spec says, and of `train` where `test` does not say it", async () => {
  const plans: DataPlan[] = [];
  const file = join(folder, "some.tlspec");
  const check = async (text: string): Promise<readonly string[]> => {
    writeFileSync(file, text);
    const { diagnostics } = await checkSpec(file, { describeData: (plan, labels) => (plans.push(plan), describeData(plan, labels)) });
    return diagnostics.map(({ message }) => message);
  };
  expect(await check(data(', classes: "[0-9]"'))).toEqual([]);
  const [plan] = plans;
  const info = await describeData(plan!);
  expect(info.classes!.join("")).toBe("0123456789");
  const [train, test] = [await loadSplit(plan!, "train", info), await loadSplit(plan!, "test", info)];
  expect([train.count, test.count]).toEqual([40, 200]);
  expect([...train.columns.get("label")!.data]).toEqual(Array.from({ length: 40 }, (_, i) => Math.floor(i / 4)));
  expect(await check(data(', classes: ["A", "b"]'))).toEqual([expect.stringContaining('glyphs has no class "b"')]);
});
