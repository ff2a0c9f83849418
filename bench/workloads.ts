// What benches measure on any device: products, convolutions and training steps of the design's LSTM and of ResNet-18; the CNN is in tlc-cnn.ts.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { printerFor } from "../src/codegen/for-device.ts";
import { targetNamed } from "../src/codegen/targets.ts";
import { soleStage } from "../test/support/stages.ts";
import { compileSpec } from "../src/compile.ts";
import type { Artifact } from "../src/ir/artifact.ts";
import type { OperandType } from "../src/ir/loop/expr.ts";
import type { Kernel } from "../src/ir/loop/kernel.ts";
import type { DataInfo } from "../src/ir/plan.ts";
import type { Program } from "../src/ir/program.ts";
import { compiledInFull, kernelsOf } from "../src/passes/assemble.ts";
import type { Device, HostArray, Session } from "../src/runtime/device.ts";
import { inFormat } from "../test/codegen/operands.ts";
import { convForward, matmul, numbers, programOf, type ConvShape } from "../test/codegen/kernels.ts";

/** Runs a kernel `times` and gives GFLOP/s, of so many operations each. */
type Rated = () => Promise<number>;

async function rated(device: Device, kernel: Kernel, flops: number, times: number): Promise<Rated> {
  const target = targetNamed(device.info.kind);
  const kernels = kernelsOf(compiledInFull(kernel, printerFor(target, device.limits)), () => kernel.params, 0);
  const session = await device.load({ ...programOf(kernel, target, undefined, device.limits), kernels });
  kernel.params.forEach(({ name, length, access }, i) => {
    if (access === "read") session.write(name, numbers(length, i + 1));
  });
  return async () => {
    await session.sync();
    const start = performance.now();
    session.run("predict", times);
    await session.sync();
    return (times * flops) / (performance.now() - start) / 1e6;
  };
}

const inPrecision = (kernel: Kernel, operands: OperandType | undefined): Kernel => (operands ? inFormat(kernel, operands) : kernel);

/** A product of two matrices with a bias: square ones unless `n` and `k` say otherwise. */
export const product = (device: Device, m: number, times = 2, n = m, k = m, operands?: OperandType): Promise<Rated> =>
  rated(device, inPrecision(matmul(m, n, k), operands), 2 * m * n * k, times);

/** A convolution with bias and ReLU, whose result is as large as its input. */
export const convolution = (device: Device, shape: ConvShape, times = 2, operands?: OperandType): Promise<Rated> =>
  rated(
    device,
    inPrecision(convForward(shape), operands),
    2 * shape.batch * shape.inputs * shape.outputs * (shape.size * shape.kernel) ** 2,
    times,
  );

const tagger = (hidden: number, batch: number): string => `network tagger(vocab = 10, hidden = ${hidden}, layers = 2, classes = 2) {
  input tokens: i32[time]
  embedding: embedding(vocab, hidden)
  rnn: lstm(hidden, layers)
  fc: linear(classes)
}
dataset sequences { train table("none.csv", tokens: tokens, label: labels) }
recipe tagger { network tagger  data sequences  loss cross_entropy  batch ${batch}  optimizer adam(lr: 1e-3)  epochs 1 }
`;

const residual = (batch: number): string => `import { resnet18 } from "tlc:zoo/resnet"
dataset pictures { train images("none")  preprocess normalize(imagenet) }
recipe pictures { network resnet18  data pictures  loss cross_entropy  batch ${batch}  optimizer sgd(lr: 1e-2, momentum: 0.9)  epochs 1 }
`;

interface Steps {
  readonly batch?: number;
  /** The recipe's; f32 unless given. */
  readonly precision?: OperandType;
  /** In one round. */
  readonly steps?: number;
}

export interface Timed {
  /** Milliseconds of a step, the best of several rounds. */
  readonly ms: number;
  /** Microseconds that the thread that enqueues it was busy with it, in that round. */
  readonly hostUs: number;
}

/** Milliseconds of a training step of the design's LSTM. */
export async function measureLstm(device: Device, hidden: number, time: number, options: Steps = {}): Promise<number> {
  return (await timeLstm(device, hidden, time, options)).ms;
}

export async function timeLstm(device: Device, hidden: number, time: number, options: Steps = {}): Promise<Timed> {
  const { batch = 32, steps = 2, precision } = options;
  const { session } = await openLstm(device, { hidden, time, batch, ...(precision && { precision }) }, steps);
  return timeSteps(session, steps);
}

export interface LstmShape {
  readonly hidden: number;
  readonly time: number;
  readonly batch?: number;
  readonly precision?: OperandType;
}

export interface Opened {
  readonly session: Session;
  readonly program: Program;
}

/** A session of the design's LSTM, with data for so many steps of training, which it has done once; `change` has the last word on the program. */
export async function openLstm(
  device: Device,
  { hidden, time, batch = 32, precision }: LstmShape,
  steps: number,
  change?: (program: Program) => Program,
): Promise<Opened> {
  const tokens = { dtype: "i32", shape: [time] } as const;
  const info: DataInfo = { inputs: [{ name: "tokens", ...tokens }], label: { name: "label", ...tokens }, classes: ["a", "b"] };
  const length = steps * batch * time;
  const work: Work = {
    ...{ batch, steps },
    columns: {
      tokens: Int32Array.from({ length }, (_, i) => (i * 7) % 10),
      label: Int32Array.from({ length }, (_, i) => i % 2),
    },
  };
  return openSteps(device, await compiled(device, tagger(hidden, batch), info, precision), work, change);
}

/** A training step of ResNet-18 on pictures of 224 x 224. */
export async function timeResnet(device: Device, { batch = 64, steps = 2, precision }: Steps = {}): Promise<Timed> {
  const shape = [3, 224, 224];
  const classes = Array.from({ length: 1000 }, (_, i) => String(i));
  const label = { name: "label", dtype: "i32", shape: [] } as const;
  const info: DataInfo = { inputs: [{ name: "image", dtype: "u8", shape }], label, classes };
  // The same pictures again and again: a GPU does not care.
  const work: Work = {
    ...{ batch, steps },
    columns: {
      image: Uint8Array.from({ length: batch * 3 * 224 * 224 }, (_, i) => (i * 7919) % 251),
      label: Int32Array.from({ length: batch }, (_, i) => i % 1000),
    },
    order: Int32Array.from({ length: batch * steps }, (_, i) => i % batch),
  };
  const { session } = await openSteps(device, await compiled(device, residual(batch), info, precision), work);
  return timeSteps(session, steps);
}

async function compiled(device: Device, text: string, info: DataInfo, precision?: OperandType): Promise<Artifact> {
  const folder = mkdtempSync(join("node_modules", ".bench-"));
  try {
    const file = join(folder, "bench.tlspec");
    writeFileSync(file, text);
    const { artifact, diagnostics } = await compileSpec(file, {
      target: device.info.kind,
      ...(precision && { set: [`precision=${precision}`] }),
      ...(device.limits && { limits: device.limits }),
      describeData: () => Promise.resolve(info),
    });
    if (!artifact) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
    return artifact;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Work {
  readonly batch: number;
  readonly steps: number;
  readonly columns: Readonly<Record<string, HostArray>>;
  /** Of the examples: as they lie unless given. */
  readonly order?: HostArray;
}

async function openSteps(device: Device, artifact: Artifact, work: Work, change = (program: Program): Program => program): Promise<Opened> {
  const program = change(soleStage(artifact).program);
  const session = await device.load(program);
  const examples = work.steps * work.batch;
  for (const [name, data] of Object.entries(work.columns)) session.write(`train/${name}`, data);
  session.write("train/order", work.order ?? Int32Array.from({ length: examples }, (_, i) => i));
  session.write("train/count", Int32Array.of(examples));
  session.write("seed", Uint32Array.of(1));
  session.run("init");
  session.run("train", work.steps);
  await session.sync();
  return { session, program };
}

const ROUNDS = 5;

async function timeSteps(session: Session, steps: number): Promise<Timed> {
  let best: Timed = { ms: Infinity, hostUs: Infinity };
  for (let round = 0; round < ROUNDS; round++) {
    session.write("train/cursor", Int32Array.of(0));
    const start = performance.now();
    session.run("train", steps);
    const enqueued = performance.now();
    await session.sync();
    const ms = (performance.now() - start) / steps;
    if (ms < best.ms) best = { ms, hostUs: (1000 * (enqueued - start)) / steps };
  }
  session.dispose();
  return best;
}
