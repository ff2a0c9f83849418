// The wasm device by the figures of its design: a matrix product against what one thread's multiply-adds can do at most, one thread against
// two, and training steps. Best of several, one after the other in turn, since machines drift.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assemble } from "../src/codegen/wasm/assemble.ts";
import { wasmTarget } from "../src/codegen/wasm/target.ts";
import { compileSpec } from "../src/compile.ts";
import type { Device } from "../src/runtime/device.ts";
import { openDevice } from "../src/runtime/open-device.ts";
import { matmul, numbers, programOf } from "../test/codegen/kernels.ts";

const SIZE = 1024;
const ROUNDS = 12;

export const openWasm = (threads: number): Promise<Device> => openDevice("wasm", { threads });

/** GFLOP/s of multiply-adds on eight registers and nothing else. */
function registerLoop(): () => number {
  const sums = Array.from({ length: 8 }, (_, i) => `$c${String(i)}`);
  const step = sums.map((c) => `(local.set ${c} (f32x4.madd (local.get $x) (local.get ${c}) (local.get $y)))`).join(" ");
  const total = sums.map((c) => `(local.get ${c})`).reduce((x, y) => `(f32x4.add ${x} ${y})`);
  const text = `(module (import "env" "memory" (memory 1 65536 shared))
    (func $run (export "run") (param $n i32) (result f32) (local $x v128) (local $y v128) ${sums.map((c) => `(local ${c} v128)`).join(" ")}
      (local.set $x (f32x4.splat (f32.const 0.5))) (local.set $y (f32x4.splat (f32.const 0.001)))
      (loop $again ${Array<string>(4).fill(step).join(" ")} (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (f32x4.extract_lane 0 ${total})))`;
  const relaxed = assemble(text, { relaxed: true }) as BufferSource;
  const code = WebAssembly.validate(relaxed) ? relaxed : (assemble(text, { relaxed: false }) as BufferSource);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const run = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports["run"] as (n: number) => number;
  const count = 500_000;
  return () => {
    const start = performance.now();
    run(count);
    return (count * 4 * 8 * 8) / (performance.now() - start) / 1e6;
  };
}

async function product(device: Device): Promise<() => Promise<number>> {
  const session = await device.load(programOf(matmul(SIZE, SIZE, SIZE), wasmTarget));
  session.write("x", numbers(SIZE * SIZE, 1));
  session.write("w", numbers(SIZE * SIZE, 2));
  session.write("bias", numbers(SIZE, 3));
  const times = 2;
  return async () => {
    await session.sync();
    const start = performance.now();
    session.run("predict", times);
    await session.sync();
    return (times * 2 * SIZE ** 3) / (performance.now() - start) / 1e6;
  };
}

export interface Products {
  readonly registers: number;
  readonly one: number;
  readonly two: number;
}

/** GFLOP/s. */
export async function measureProducts(): Promise<Products> {
  const devices = [await openWasm(1), await openWasm(2)] as const;
  const registers = registerLoop();
  const [one, two] = [await product(devices[0]), await product(devices[1])];
  const best = { registers: 0, one: 0, two: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    best.registers = Math.max(best.registers, registers());
    best.one = Math.max(best.one, await one());
    best.two = Math.max(best.two, await two());
  }
  for (const device of devices) device.dispose();
  return best;
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

/** Milliseconds of a training step of the design's LSTM. */
export async function measureLstm(device: Device, hidden: number, time: number, batch = 32): Promise<number> {
  const folder = mkdtempSync(join("node_modules", ".bench-"));
  try {
    const file = join(folder, "tagger.tlspec");
    writeFileSync(file, tagger(hidden, batch));
    const shape = [time];
    const { artifact, diagnostics } = await compileSpec(file, {
      target: device.info.kind,
      describeData: () =>
        Promise.resolve({
          inputs: [{ name: "tokens", dtype: "i32", shape }],
          label: { name: "label", dtype: "i32", shape },
          classes: ["a", "b"],
        }),
    });
    if (!artifact) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
    const session = await device.load(artifact.program);
    const examples = 8 * batch;
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
    session.run("train", 2);
    await session.sync();
    let best = Infinity;
    for (let round = 0; round < 5; round++) {
      session.write("train/cursor", Int32Array.of(0));
      const start = performance.now();
      session.run("train", 2);
      await session.sync();
      best = Math.min(best, (performance.now() - start) / 2);
    }
    session.dispose();
    return best;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
