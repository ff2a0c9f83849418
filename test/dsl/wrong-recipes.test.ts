// A hundred recipes, each with one fault that people make: wrong-recipes.txt has the line that is right (-), what somebody wrote instead
// (+), with the place that is to be named between « and », and what is said of it. UPDATE=1 writes what is said now; read the difference.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { positionOf, type Diagnostic } from "../../src/diagnostics.ts";
import { checkContract, checkSpec, loadSpec } from "../../src/dsl/index.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import type { DataInfo, DataPlan } from "../../src/ir/plan.ts";
import { pictureColumn } from "../../src/ir/recipe/steps/index.ts";
import type { FileTensor } from "../../src/ir/weights/plan.ts";
import { hostOf, ROOT } from "./support.ts";

const FILE = join(ROOT, "test/dsl/wrong-recipes.txt");

const RIGHT = `block basic(planes) {
  let shortcut = x
  conv1: conv2d(planes, kernel: 3, padding: 1, bias: false) -> bn1: batch_norm -> relu
  conv2: conv2d(planes, kernel: 3, padding: 1, bias: false) -> bn2: batch_norm
  add(shortcut) -> relu
}

network net(classes) {
  input image: f32[3, 32, 32]
  conv1: conv2d(8, kernel: 3, padding: 1, bias: false) -> bn1: batch_norm -> relu
  layer1: { 0: basic(8) -> 1: basic(8) }
  global_avg_pool
  fc: linear(classes)
}

dataset flowers {
  train images("flowers/train")
  test images("flowers/test")
  split train into train 90%, val 10% seed 7
  preprocess resize(40) -> center_crop(32) -> normalize(imagenet)
  augment random_crop(32) -> horizontal_flip
}

recipe flowers {
  network net(classes: flowers.classes)
  weights "net.safetensors" drop fc.** new fc.**
  data flowers
  loss cross_entropy(label_smoothing: 0.1)
  metrics accuracy, f1
  batch 64
  seed 1

  stage head {
    freeze ** except fc
    optimizer adamw(lr: 1e-3)
    epochs 3
  }
  stage tune {
    freeze conv1, bn1
    optimizer sgd(lr: 1e-2, momentum: 0.9) clip 1.0
    rate layer1.**: 0.1x
    schedule cosine(warmup: 5%)
    epochs 10
    stop when val.loss stalls for 3, keep best
  }
}
`;

const infoOf = (plan: DataPlan | undefined): DataInfo => ({
  inputs: [pictureColumn("image", plan ?? { preprocess: [], augment: [] }, [3, 50, 60])],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["daisy", "iris", "lily", "rose", "tulip"],
});

/** The file has the network's tensors, with 1000 classes. */
const TENSORS = new Map<string, FileTensor>([
  ["fc.weight", { dtype: "F32", shape: [1000, 8] }],
  ["fc.bias", { dtype: "F32", shape: [1000] }],
]);

function say(text: string): readonly Diagnostic[] {
  const spec = loadSpec("recipe.tlspec", text, hostOf());
  checkSpec(spec, {
    builder: createBuilder,
    dataInfo: ({ data }) => infoOf(data),
    weights: (planned, parameters) => {
      const own = parameters.flatMap(({ name, shape }) =>
        name.startsWith("fc.") || !shape ? [] : [[name, { dtype: "F32", shape }] as const],
      );
      checkContract(planned, parameters, new Map([...own, ...TENSORS]), spec.sink);
    },
  });
  return spec.sink.list();
}

interface Case {
  readonly right: string;
  readonly wrong: readonly string[];
  readonly said: readonly string[];
}

const blocks = readFileSync(FILE, "utf8").trimEnd().split(/\n\n+/);
const isCase = (block: string): boolean => block.startsWith("- ");

function caseOf(block: string): Case {
  const lines = block.split("\n");
  const after = (sign: string): string[] => lines.filter((line) => line.startsWith(sign)).map((line) => line.slice(sign.length));
  return { right: after("- ")[0] ?? "", wrong: after("+ "), said: after("  ") };
}

/** The spec with its fault, and where that is: from 1, line and column. */
function specOf({ right, wrong }: Case): { readonly text: string; readonly place: string } {
  const [before = "", indent = "", ...rest] = RIGHT.split(new RegExp(`^( *)${right.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`, "m"));
  expect(rest, `\`${right}\` is a line of the recipe`).toHaveLength(1);
  const marked = before + wrong.map((line) => indent + line).join("\n") + (rest[0] ?? "");
  const lines = marked.slice(0, marked.indexOf("«")).split("\n");
  return { text: marked.replace("«", "").replace("»", ""), place: `${lines.length}:${(lines.at(-1) ?? "").length + 1}` };
}

const linesOf = ({ code, message, hint }: Diagnostic): string[] => [`${code} ${message}`, ...(hint === undefined ? [] : [`= ${hint}`])];

describe("a hundred wrong recipes", () => {
  const cases = blocks.filter(isCase).map(caseOf);

  it("are a hundred, of a recipe that is right", () => {
    expect(cases.length).toBeGreaterThanOrEqual(100);
    expect(new Set(cases.map(({ right, wrong }) => `${right}\n${wrong.join("\n")}`)).size).toBe(cases.length);
    expect(say(RIGHT)).toEqual([]);
  });

  if (process.env["UPDATE"] === "1")
    it("are written", () => {
      const written = blocks.map((block) => {
        if (!isCase(block)) return block;
        const it = caseOf(block);
        const said = say(specOf(it).text).flatMap(linesOf);
        return [`- ${it.right}`, ...it.wrong.map((line) => `+ ${line}`), ...said.map((line) => `  ${line}`)].join("\n");
      });
      writeFileSync(FILE, `${written.join("\n\n")}\n`);
    });
  else
    it.each(cases.map((it) => [it.wrong.join(" / "), it] as const))("%s", (_, it) => {
      const { text, place } = specOf(it);
      const found = say(text);
      expect(found.flatMap(linesOf)).toEqual(it.said);
      // What is missing because it is misspelt may be said first.
      const places = found.map(({ span }) => positionOf(text, span.start)).map(({ line, column }) => `${line}:${column}`);
      expect(places).toContain(place);
    });
});
