// The front half of the compiler over real files: text, the JSON form, and one that imports the other.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { checkSpec, type CheckOutcome } from "../src/check.ts";
import { compileSpec } from "../src/compile.ts";
import { DiagnosticSink, positionOf } from "../src/diagnostics.ts";
import { checkSpec as checkLoaded, loadSpec } from "../src/dsl/index.ts";
import { parseSpec } from "../src/dsl/parse.ts";
import { createBuilder, type Builder } from "../src/ir/builder.ts";
import type { DataInfo, DataPlan, LabelRequest } from "../src/ir/plan.ts";
import type { WantedTensor } from "../src/ir/weights/contract.ts";
import { describeData } from "../src/runtime/data/index.ts";

const folder = mkdtempSync(join(tmpdir(), "tlc-check-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const asJson = (text: string): string =>
  JSON.stringify(parseSpec("", text, new DiagnosticSink()).spec, (key, value: unknown) => (key.endsWith("pan") ? undefined : value));

const NETWORK = "network small(classes = 3) {\n  input image: f32[1, 8, 8]\n  flatten -> fc: linear(classes)\n}\n";
const RECIPE = "recipe r {\n  network small\n  loss cross_entropy\n  optimizer sgd(lr: 0.1)\n}\n";

it("checks text", async () => {
  const { diagnostics } = await checkSpec(write("text.tlspec", NETWORK + RECIPE));
  expect(diagnostics).toEqual([]);
});

it("checks the JSON form, and finds faults in it", async () => {
  expect((await checkSpec(write("good.json", asJson(NETWORK + RECIPE)))).diagnostics).toEqual([]);
  const faulty = asJson(NETWORK + RECIPE).replace('"linear"', '"linaer"');
  expect((await checkSpec(write("faulty.json", faulty))).diagnostics.map(({ message }) => message)).toEqual([
    "there is no layer, block or value `linaer`",
  ]);
  expect((await checkSpec(write("other.json", '{"kind":"poem"}'))).diagnostics).toHaveLength(1);
});

it("reads the JSON form where text imports it", async () => {
  write("parts.json", asJson(NETWORK));
  const { diagnostics } = await checkSpec(write("importing.tlspec", `import { small } from "./parts.json"\n${RECIPE}`));
  expect(diagnostics).toEqual([]);
});

it("takes overrides", async () => {
  const file = write("set.tlspec", NETWORK + RECIPE);
  expect((await checkSpec(file, { set: ["network.classes=5"] })).diagnostics).toEqual([]);
  expect((await checkSpec(file, { set: ["network.clases=5"] })).diagnostics).toHaveLength(1);
});

it("finds the zoo", async () => {
  const text =
    'import { resnet18 } from "tlc:zoo/resnet"\nrecipe r {\n  network resnet18\n  loss cross_entropy\n  optimizer sgd(lr: 0.1)\n}\n';
  expect((await checkSpec(write("zoo.tlspec", text))).diagnostics).toEqual([]);
});

it("builds a network with weights no more often than it has to: again with another number of classes, where no data says it", () => {
  const recipe = RECIPE.replace("network small", 'network small(classes: d.classes)\n  weights "w.pth"\n  data d\n  batch 2\n  epochs 1');
  const spec = loadSpec("s.tlspec", `${NETWORK}dataset d {\n  train images("a")\n}\n${recipe}`, { zoo: "", readFile: () => undefined });
  const wanted = (info?: DataInfo): readonly [builders: number, shapes: unknown] => {
    let builders = 0;
    let shapes: unknown;
    const builder = (): Builder => (builders++, createBuilder());
    const weights = (_: unknown, all: readonly WantedTensor[]): void => void (shapes = all.map(({ shape }) => shape));
    expect(checkLoaded(spec, { builder, weights, dataInfo: () => info })).toEqual([]);
    return [builders, shapes];
  };
  expect(wanted()).toEqual([2, [undefined, undefined]]);
  const label = { name: "label", dtype: "i32", shape: [] } as const;
  const inputs = [{ name: "image", dtype: "f32", shape: [1, 8, 8] }] as const;
  expect(wanted({ inputs, label, classes: ["x", "y", "z"] })).toEqual([1, [[3, 64], [3]]]);
});

it("keeps spans of the JSON form within the file", async () => {
  const faulty = `{"kind":"spec","imports":[],"declarations":[{"kind":"block","name":"relu","nameSpan":{"start":4294967296,"end":3},"params":[{"kind":"param","name":"x"}],"body":{"kind":"body","statements":[]}}]}`;
  for (const { span } of (await checkSpec(write("spans.json", faulty))).diagnostics) {
    expect(span.end).toBeGreaterThanOrEqual(span.start);
    expect(span.end).toBeLessThanOrEqual(faulty.length);
  }
});

describe("data", () => {
  const dataset = 'dataset d {\n  train images("a")\n  test images("b")\n}\n';
  const recipe = RECIPE.replace("network small", "network small\n  data d\n  batch 2\n  epochs 1");
  const look = (plan: DataPlan, labels: readonly LabelRequest[]): Promise<DataInfo> => describeData(plan, labels);
  const messages = ({ diagnostics }: CheckOutcome): string[] => diagnostics.map(({ severity, message }) => `${severity}: ${message}`);

  it("is missing in every folder where it is, which check says and goes on", async () => {
    const file = write("missing.tlspec", NETWORK + dataset + recipe);
    const [a, b] = [join(folder, "a"), join(folder, "b")];
    expect(messages(await checkSpec(file, { describeData: look }))).toEqual([
      `warning: there is no \`${a}\`: checked without it`,
      `warning: there is no \`${b}\`: checked without it`,
    ]);
    const compiled = await compileSpec(file, { target: "reference", describeData: look });
    expect(messages(compiled)).toEqual([`error: there is no \`${a}\``, `error: there is no \`${b}\``]);
    expect(compiled.diagnostics.map(({ hint }) => hint)).toEqual(
      ["train", "test"].map((split) => `paths of a spec are relative to its folder; \`--set data.${split}=PATH\` names another place`),
    );
    const moved = await compileSpec(file, { target: "reference", describeData: look, set: ['data.train="nowhere"'] });
    expect(moved.diagnostics[0]?.hint).toContain("paths of `--set` are relative to the working directory");
  });

  it("that cannot be used is a fault at its place", async () => {
    mkdirSync(join(folder, "empty"));
    const file = write("empty.tlspec", NETWORK + dataset.replace('"a"', '"empty"').replace('"b"', '"empty"') + recipe);
    for (const outcome of [
      await checkSpec(file, { describeData: look }),
      await compileSpec(file, { target: "reference", describeData: look }),
    ]) {
      expect(messages(outcome)).toEqual([`error: ${join(folder, "empty")} has no folders in it`]);
      expect(positionOf(outcome.sources.get(file) ?? "", outcome.diagnostics[0]?.span.start ?? 0)).toEqual({ line: 6, column: 9 });
    }
  });
});
