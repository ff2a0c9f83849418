// What benches measure on any device: a matrix product and the training step of the design's LSTM; the CNN is in tlc-cnn.ts.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { targetNamed } from "../src/codegen/targets.ts";
import { soleStage } from "../test/support/stages.ts";
import { compileSpec } from "../src/compile.ts";
import type { Program } from "../src/ir/program.ts";
import type { Device, Session } from "../src/runtime/device.ts";
import { matmul, numbers, programOf } from "../test/codegen/kernels.ts";

/** A product of two square matrices with a bias: what it returns runs it `times` and gives GFLOP/s. */
export async function product(device: Device, size: number, times = 2): Promise<() => Promise<number>> {
  const session = await device.load(programOf(matmul(size, size, size), targetNamed(device.info.kind), undefined, device.limits));
  session.write("x", numbers(size * size, 1));
  session.write("w", numbers(size * size, 2));
  session.write("bias", numbers(size, 3));
  return async () => {
    await session.sync();
    const start = performance.now();
    session.run("predict", times);
    await session.sync();
    return (times * 2 * size ** 3) / (performance.now() - start) / 1e6;
  };
}

const tagger = (hidden: number, batch: number): string => `network tagger(vocab = 10, hidden = ${hidden}, layers = 2, classes = 2) {
  input tokens: i32[time]
  embedding: embedding(vocab, hidden)
  rnn: lstm(hidden, layers)
  fc: linear(classes)
}
dataset sequences { train table("none.csv", tokens: tokens, label: labels) }
recipe tagger { network tagger  data sequences  loss cross_entropy  batch ${batch}  optimizer adam(lr: 1e-3)  epochs 1 }
`;

export interface LstmShape {
  readonly hidden: number;
  readonly time: number;
  readonly batch?: number;
}

/** A session of the design's LSTM, with data for so many steps of training; `change` has the last word on the program. */
export async function openLstm(
  device: Device,
  { hidden, time, batch = 32 }: LstmShape,
  steps: number,
  change = (program: Program): Program => program,
): Promise<{ readonly session: Session; readonly program: Program }> {
  const folder = mkdtempSync(join("node_modules", ".bench-"));
  try {
    const file = join(folder, "tagger.tlspec");
    writeFileSync(file, tagger(hidden, batch));
    const shape = [time];
    const { artifact, diagnostics } = await compileSpec(file, {
      target: device.info.kind,
      ...(device.limits && { limits: device.limits }),
      describeData: () =>
        Promise.resolve({
          inputs: [{ name: "tokens", dtype: "i32", shape }],
          label: { name: "label", dtype: "i32", shape },
          classes: ["a", "b"],
        }),
    });
    if (!artifact) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
    const program = change(soleStage(artifact).program);
    const session = await device.load(program);
    const examples = steps * batch;
    session.write(
      "train/tokens",
      Int32Array.from({ length: examples * time }, (_, i) => (i * 7) % 10),
    );
    session.write(
      "train/label",
      Int32Array.from({ length: examples * time }, (_, i) => i % 2),
    );
    session.write(
      "train/order",
      Int32Array.from({ length: examples }, (_, i) => i),
    );
    session.write("train/count", Int32Array.of(examples));
    session.write("seed", Uint32Array.of(1));
    session.run("init");
    session.run("train", steps);
    await session.sync();
    return { session, program };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Milliseconds of a training step of the design's LSTM. */
export async function measureLstm(device: Device, hidden: number, time: number, { batch = 32, steps = 2 } = {}): Promise<number> {
  const { session } = await openLstm(device, { hidden, time, batch }, steps);
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    session.write("train/cursor", Int32Array.of(0));
    const start = performance.now();
    session.run("train", steps);
    await session.sync();
    best = Math.min(best, (performance.now() - start) / steps);
  }
  session.dispose();
  return best;
}
