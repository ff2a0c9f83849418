// Folded normalizations give what unfolded ones do, within rounding, and never what weights were before. A trace computes the network as it is
// written, so what it says of a frozen network is the value without folding. On any device.

import { describe, expect, it } from "vitest";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import { tensorType } from "../../src/ir/types.ts";
import { splitFromArrays, type LoadedSplit } from "../../src/runtime/data/loaded-split.ts";
import type { Device, Session } from "../../src/runtime/device.ts";
import { createEvaluator } from "../../src/runtime/evaluate.ts";
import { predictBatch } from "../../src/runtime/predict.ts";
import { FoldingSession } from "../../src/runtime/folding-session.ts";
import { entryFor, initialize, type LoadedStage } from "../../src/runtime/network.ts";
import { createRandom } from "../support/random.ts";
import { compileText, traceText } from "../support/run-spec.ts";
import { soleStage } from "../support/stages.ts";
import { relativeError } from "../support/values.ts";
import { outputBuffers } from "../../src/ir/artifact.ts";
import { only } from "../support/one-output.ts";

const BATCH = 4;
const LAYERS = `  conv1: conv2d(6, kernel: 3, padding: 1, stride: 2, bias: false) -> bn1: batch_norm -> relu
  conv2: conv2d(6, kernel: 3, padding: 1, groups: 3) -> bn2: batch_norm(affine: false) -> relu
  up: conv_transpose2d(5, kernel: 2, stride: 2) -> bn3: batch_norm(eps: 1e-2)
  flatten
  fc1: linear(7) -> bn4: batch_norm -> relu
  fc: linear(3)`;

const spec = (settings: string, data: string): string => `network net {
  input image: f32[2, 6, 6]
${LAYERS}
}
${data === "" ? "" : `dataset d {\n  train images("d")\n}\n`}recipe r {
  network net
  ${data}
  loss cross_entropy
  ${settings}
  optimizer sgd(lr: 0.1)
  batch ${BATCH}
}
`;

const INFO: DataInfo = {
  inputs: [{ name: "image", dtype: "f32", shape: [2, 6, 6] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["a", "b", "c"],
};

const random = createRandom(11);
const numbers = (length: number, from: number, to: number): Float32Array =>
  Float32Array.from({ length }, () => from + (to - from) * random());

/** Numbers that no normalization is the identity with. */
function someWeights({ parameters }: Artifact): ReadonlyMap<string, Float32Array> {
  return new Map(
    parameters.map(({ name, state, shape }) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      return [state, name.endsWith("var") || /bn\d\.weight/.test(name) ? numbers(size, 0.3, 2) : numbers(size, -0.7, 0.7)] as const;
    }),
  );
}

const someData = (artifact: Artifact, count: number): LoadedSplit =>
  splitFromArrays(artifact.dataInfo, { image: numbers(count * 72, -1, 1), label: Int32Array.from({ length: count }, (_, i) => i % 3) });

async function loaded(artifact: Artifact, device: Device): Promise<LoadedStage> {
  const [plan] = artifact.recipe.stages;
  if (!plan) throw new Error("a recipe without a stage");
  const stage = soleStage(artifact);
  const it = { artifact, stage, plan, session: await FoldingSession.load(device, stage), hasWeights: false };
  initialize(it);
  return it;
}

const write = (session: Session, values: ReadonlyMap<string, Float32Array>): void =>
  values.forEach((data, state) => session.write(state, data));

function trainSteps({ stage, session }: LoadedStage, data: LoadedSplit, steps: number): void {
  const entry = entryFor(stage, "train");
  for (const { column, buffer } of entry.columns) session.write(buffer, data.columns.get(column)?.data ?? new Float32Array());
  session.write(
    entry.order,
    Int32Array.from({ length: data.count }, (_, i) => i),
  );
  session.write(entry.count, Int32Array.of(data.count));
  session.write(entry.cursor, Int32Array.of(0));
  session.run(entry.name, steps);
}

export function foldingSuite(open: () => Promise<Device>, tolerance: number): void {
  const target = async (): Promise<string> => (await open()).info.kind;
  const compile = async (freeze: string, device: Device): Promise<Artifact> =>
    compileText(spec(freeze, "data d\n  epochs 1"), INFO, device.info.kind, device.limits);

  it("predicts what the network gives as it is written", async () => {
    const device = await open();
    const artifact = await compile("freeze ** except fc", device);
    expect(soleStage(artifact).report.folded).toEqual({ training: ["bn1", "bn2", "bn3", "bn4"], answers: ["bn1", "bn2", "bn3", "bn4"] });
    const traced = await traceText(
      spec("freeze ** except fc", ""),
      new Map([
        ["image", tensorType("f32", [BATCH, 2, 6, 6])],
        ["label", tensorType("i32", [BATCH])],
      ]),
      await target(),
    );
    const values = someWeights(artifact);
    const data = someData(artifact, BATCH);
    const [whole, step] = [await loaded(artifact, device), await loaded(traced, device)];
    for (const { session } of [whole, step]) write(session, values);
    const ports = entryFor(step.stage, "trace");
    for (const { column, buffer } of ports.columns) step.session.write(buffer, data.columns.get(column)?.data ?? new Float32Array());
    step.session.run(ports.name);
    const output = outputBuffers(ports.output)[0]!.buffer;
    const unfolded = (await step.session.read([output])).get(output) ?? [];
    expect(relativeError(only(await predictBatch(whole, data)), unfolded)).toBeLessThan(tolerance);
    // The step of a training has the same loss, from folded weights that have not been asked for before.
    trainSteps(whole, data, 1);
    const { losses } = entryFor(whole.stage, "train");
    const [loss, same] = [
      (await whole.session.read([losses])).get(losses)?.[0],
      (await step.session.read([ports.loss])).get(ports.loss)?.[0],
    ];
    expect(Math.abs((loss ?? NaN) / (same ?? NaN) - 1)).toBeLessThan(tolerance);
    // What is folded has stayed what it was.
    const after = await whole.session.read([...values.keys()]);
    const changed = [...values].flatMap(([state, value]) => (after.get(state)?.join() === value.join() ? [] : [state]));
    expect(changed).toEqual(["weight/fc.weight", "weight/fc.bias"]);
    for (const { session } of [whole, step]) session.dispose();
    device.dispose();
  });

  it("answers of what weights are now: after steps, when others are written, and when a stage takes them over", async () => {
    const device = await open();
    // What is trained in front of frozen statistics has a gradient through them, step for step.
    const artifact = await compile("freeze conv1, bn1, bn2", device);
    expect(soleStage(artifact).report.folded).toEqual({ training: ["bn1"], answers: ["bn1", "bn2", "bn3", "bn4"] });
    const data = someData(artifact, BATCH);
    const it = await loaded(artifact, device);
    const states = soleStage(artifact).states.map(({ name }) => name);
    /** What a session says that has never seen other weights. */
    const fresh = async (): Promise<Float32Array> => {
      const other = await loaded(artifact, device);
      other.session.adopt(it.session, states);
      const answers = only(await predictBatch(other, data));
      other.session.dispose();
      return answers;
    };
    write(it.session, someWeights(artifact));
    const first = only(await predictBatch(it, data));
    expect([...first]).toEqual([...(await fresh())]);
    trainSteps(it, data, 3);
    const second = only(await predictBatch(it, data));
    expect([...second]).not.toEqual([...first]);
    expect([...second]).toEqual([...(await fresh())]);
    const evaluate = createEvaluator(it);
    const { loss } = (await evaluate(data)) ?? {};
    trainSteps(it, data, 2);
    expect((await evaluate(data))?.["loss"]).not.toBe(loss);
    write(it.session, someWeights(artifact));
    expect([...only(await predictBatch(it, data))]).toEqual([...(await fresh())]);
    initialize(it);
    expect([...only(await predictBatch(it, data))]).toEqual([...(await fresh())]);
    it.session.dispose();
    device.dispose();
  });

  describe("is left alone", () => {
    it("where somebody else asks for the product, or it is none", async () => {
      const device = await open();
      const net = (layers: string): string =>
        `network net {\n  input image: f32[2, 6, 6]\n${layers}\n  flatten\n  fc: linear(3)\n}\n${spec("", "data d\n  epochs 1").split("}\n").slice(1).join("}\n")}`;
      const foldedIn = async (layers: string): Promise<readonly string[]> =>
        soleStage(await compileText(net(layers), INFO, device.info.kind, device.limits)).report.folded.answers;
      expect(await foldedIn("  c: conv2d(2, kernel: 1) -> n: batch_norm")).toEqual(["n"]);
      expect(await foldedIn("  c: conv2d(2, kernel: 1)\n  let y = x\n  n: batch_norm -> add(y)")).toEqual([]);
      expect(await foldedIn("  c: conv2d(2, kernel: 1) -> relu -> n: batch_norm")).toEqual([]);
      expect(await foldedIn("  c: conv_transpose2d(4, kernel: 1, groups: 2) -> n: batch_norm")).toEqual([]);
      device.dispose();
    });
  });
}
