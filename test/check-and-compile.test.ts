// What `tlc check` calls ok compiles and trains, and what it refuses does not: every loss, with every kind of label, on outputs of every
// rank. Which of them fit is said here once more, in a line for each kind of loss.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { checkSpec } from "../src/check.ts";
import { compileSpec } from "../src/compile.ts";
import { HOST_ARRAYS } from "../src/ir/arrays.ts";
import type { ColumnInfo, DataInfo } from "../src/ir/plan.ts";
import type { Loss } from "../src/ir/recipe/losses/define.ts";
import { LOSSES } from "../src/ir/recipe/losses/index.ts";
import { planOf } from "../src/ir/recipe/define.ts";
import type { Metric } from "../src/ir/recipe/metrics/define.ts";
import { METRICS } from "../src/ir/recipe/metrics/index.ts";
import { sizeOf, type DType, type Shape } from "../src/ir/types.ts";
import { read, start } from "./support/run-spec.ts";
import type { OneLabel } from "./support/one-output.ts";

const folder = mkdtempSync(join(tmpdir(), "tlc-answers-"));
afterAll(() => rmSync(folder, { recursive: true }));

// What stands in them is said below.
mkdirSync(join(folder, "d"));
writeFileSync(join(folder, "d.csv"), "");

const BATCH = 2;

interface Network {
  readonly input: string;
  readonly data: ColumnInfo;
  readonly source: string;
  /** Bodies with the output that they end in, of one example. */
  readonly bodies: Readonly<Record<string, readonly [DType, Shape]>>;
}

const TABLE = 'table("d.csv", q: q, label: label)';
const NETWORKS: Readonly<Record<string, Network>> = {
  sequence: {
    input: "f32[3, 4]",
    data: { name: "q", dtype: "f32", shape: [3, 4] },
    source: TABLE,
    bodies: {
      "linear(1)": ["f32", [3, 1]],
      "linear(2)": ["f32", [3, 2]],
      "linear(3)": ["f32", [3, 3]],
      "last -> linear(1)": ["f32", [1]],
      "mean -> linear(2)": ["f32", [2]],
      "flatten -> linear(3)": ["f32", [3]],
      "last -> linear(2) -> softmax": ["f32", [2]],
      "last -> linear(1) -> reshape([])": ["f32", []],
      "flatten -> linear(12) -> reshape([2, 3, 2])": ["f32", [2, 3, 2]],
    },
  },
  picture: {
    input: "f32[3, 4, 4]",
    data: { name: "q", dtype: "u8", shape: [3, 4, 4] },
    source: 'images("d")',
    bodies: {
      "flatten -> linear(1)": ["f32", [1]],
      "flatten -> linear(2)": ["f32", [2]],
      "global_avg_pool -> linear(3)": ["f32", [3]],
      "conv2d(2, kernel: 1)": ["f32", [2, 4, 4]],
      "conv2d(2, kernel: 4)": ["f32", [2, 1, 1]],
    },
  },
  tokens: {
    input: "i32[3]",
    data: { name: "q", dtype: "i32", shape: [3] },
    source: TABLE,
    bodies: {
      "embedding(4, 2)": ["f32", [3, 2]],
      "e: embedding(4, 2) -> last -> fc: linear(1)": ["f32", [1]],
      "let y = embedding(4, 2)\n  add(0)": ["i32", [3]],
    },
  },
  number: {
    input: "f32",
    data: { name: "q", dtype: "f32", shape: [] },
    source: TABLE,
    bodies: { "reshape([1]) -> linear(1)": ["f32", [1]], "reshape([1]) -> linear(2)": ["f32", [2]] },
  },
};

const label = (dtype: DType, shape: Shape, classes = 0): Omit<OneLabel, "inputs"> => ({
  label: { name: "label", dtype, shape },
  classes: Array.from({ length: classes }, (_, i) => `c${i}`),
});
const LABELS = {
  "one of two classes": label("i32", [], 2),
  "one of three classes": label("i32", [], 3),
  "always one class": label("i32", [], 1),
  "two classes, for each step": label("i32", [3], 2),
  "three classes, for each step": label("i32", [3], 3),
  "a number": label("f32", []),
  "three numbers": label("f32", [3]),
  "six numbers": label("f32", [6]),
};

/** Of masks alone. */
const OF_MASKS: readonly string[] = ["dice"];

/** As PyTorch pairs them: with scores of classes on the last axis, or a number for each label. */
function fits(
  { name, labels: kind }: Loss,
  [dtype, output]: readonly [DType, Shape],
  { label: { dtype: of, shape }, classes }: Omit<OneLabel, "inputs">,
): boolean {
  const scores = output.at(-1);
  if (dtype !== "f32" || (OF_MASKS.includes(name) && shape.length < 2)) return false;
  if (kind === "set" && output.length > 1) return false;
  if (kind === "set" && of === "i32") return sizeOf(output) === 1 && sizeOf(shape) === 1 && classes.length === 2;
  if (kind !== "class") return of === "f32" && sizeOf(output) === sizeOf(shape);
  return of === "i32" && scores === classes.length && sizeOf(output) === scores * sizeOf(shape);
}

const cases = Object.entries(NETWORKS).flatMap(([what, network]) =>
  Object.entries(network.bodies).flatMap(([body, output]) =>
    // What has no labels has none that do not fit: test/formulas/views.test.ts.
    LOSSES.filter(({ views }: Loss) => views === undefined).flatMap((loss) =>
      Object.entries(LABELS)
        // A folder is a class.
        .filter(
          ([
            ,
            {
              label: { shape, dtype },
            },
          ]) => what !== "picture" || (shape.length === 0 && dtype === "i32"),
        )
        .map(([labels, info]) => ({
          name: `${what}: ${body.replace("\n ", ";")}, ${loss.name}, ${labels}`,
          network,
          body,
          output,
          loss,
          info,
        })),
    ),
  ),
);

describe("what check calls ok", () => {
  it.each(cases)("$name", async ({ network, body, output, loss, info }) => {
    const metrics = METRICS.map((metric): Metric => metric)
      .filter(({ labels }) => labels.includes(loss.labels))
      .filter((metric) => metric.fits?.(planOf(metric).args, { classes: info.classes.length }) === undefined)
      .map(({ name }) => name);
    const file = join(folder, "spec.tlspec");
    writeFileSync(
      file,
      `network n {\n  input q: ${network.input}\n  ${body}\n}\ndataset d {\n  train ${network.source}\n}\nrecipe r {\n  network n\n  data d\n  loss ${loss.name}\n` +
        `  metrics ${metrics.join(", ")}\n  optimizer sgd(lr: 0.1)\n  batch ${BATCH}\n  epochs 1\n}\n`,
    );
    const dataInfo: OneLabel = { inputs: [network.data], ...info };
    const describeData = (): Promise<DataInfo> => Promise.resolve(dataInfo);
    const errors = ({ diagnostics }: Awaited<ReturnType<typeof checkSpec>>): string[] =>
      diagnostics.filter(({ severity }) => severity === "error").map(({ code }) => code);

    const checked = errors(await checkSpec(file, { describeData }));
    const compiled = await compileSpec(file, { target: "reference", verify: true, describeData });
    expect(checked.length === 0).toBe(fits(loss, output, info));
    expect(errors(compiled)).toEqual(checked);
    if (checked.length > 0 || !compiled.artifact) return;
    expect(errors(await checkSpec(file))).toEqual([]);

    const session = await start(compiled.artifact);
    for (const column of [...dataInfo.inputs, dataInfo.label])
      session.write(`train/${column.name}`, new HOST_ARRAYS[column.dtype](BATCH * sizeOf(column.shape)));
    session.write("train/order", Int32Array.of(0, 1));
    session.write("train/count", Int32Array.of(BATCH));
    session.run("train");
    expect((await read(session, "train/metrics")).every(Number.isFinite)).toBe(true);
    session.dispose();
  });

  it("is refused without the data, too, where pictures are compared with what folders cannot say", async () => {
    const spec = (body: string, loss: string): string =>
      `network n {\n  input q: f32[3, 4, 4]\n  ${body}\n}\ndataset d {\n  train images("d")\n}\nrecipe r {\n  network n\n  data d\n  loss ${loss}\n  optimizer sgd(lr: 0.1)\n  batch 2\n  epochs 1\n}\n`;
    const said = async (body: string, loss: string): Promise<string[]> => {
      const file = join(folder, "spec.tlspec");
      writeFileSync(file, spec(body, loss));
      return (await checkSpec(file)).diagnostics.map(({ code, hint }) => `${code} ${hint ?? ""}`);
    };
    expect(await said("flatten -> linear(2)", "cross_entropy")).toEqual([]);
    expect(await said("flatten -> linear(1)", "mse")).toEqual(["TL0521 `loss cross_entropy` compares with classes"]);
    expect(await said("conv2d(2, kernel: 1)", "cross_entropy")).toEqual([
      "TL0520 for one answer for the whole example, put `flatten` or `global_avg_pool` before the last layer",
    ]);
  });
});
