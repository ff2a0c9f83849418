// A device that computes nothing: it follows the protocol of the well-known buffers, so that the trainer's order of writes, runs and
// reads can be tested without a compiler. Its loss is a function of the step; its answers are the labels, but for every fifth.

import type { Artifact } from "../../../src/ir/artifact.ts";
import type { BufferPlan } from "../../../src/ir/program.ts";
import type { DType, Shape } from "../../../src/ir/types.ts";
import type { DeviceInfo, HostArray, Session } from "../../../src/runtime/device.ts";

export const FAKE_DEVICE: DeviceInfo = { kind: "fake", description: "Fake (nothing inside)", isHardware: false };

export function fakeArtifact(options: { batch?: number; epochs?: number; confusion?: boolean } = {}): Artifact {
  const buffer = (name: string, dtype: DType, shape: Shape): BufferPlan => ({ name, role: "state", dtype, shape, bytes: 4, offset: 0 });
  return {
    format: "tlc-artifact",
    version: 1,
    name: "fake",
    recipe: {
      name: "fake",
      stage: "main",
      loss: { word: "cross_entropy", args: { label_smoothing: 0 } },
      metrics: ["accuracy", ...(options.confusion === true ? ["f1"] : [])].map((word) => ({ word, args: {} })),
      optimizer: { word: "sgd", args: { lr: 0.1, momentum: 0, dampening: 0, nesterov: false, weight_decay: 0 } },
      schedule: { word: "constant", args: { warmup: 0 } },
      batch: options.batch ?? 4,
      epochs: options.epochs ?? 2,
      seed: 5,
    },
    dataInfo: {
      inputs: [{ name: "image", dtype: "u8", shape: [1, 1, 1] }],
      label: { name: "label", dtype: "i32", shape: [] },
      classes: ["even", "odd"],
    },
    outputShape: [2],
    parameters: [
      { name: "fc.weight", dtype: "f32", shape: [2, 1], kind: "weight", trainable: true },
      { name: "fc.bias", dtype: "f32", shape: [2], kind: "weight", trainable: false },
      { name: "bn.running_mean", dtype: "f32", shape: [1], kind: "buffer", trainable: false },
    ],
    report: {
      frontier: ["fc.weight"],
      entries: { train: { ops: 9, kernels: 3, launches: 4, flops: 2_000_000 } },
      bytes: { weights: 20, gradients: 16, optimizer: 0, temporary: 64, temporaryLowerBound: 60, arena: 1024 },
    },
    program: {
      format: "tlc-program",
      version: 1,
      target: "fake",
      arenaBytes: 4,
      buffers: [
        buffer("seed", "u32", []),
        ...["train", "eval", "predict"].map((prefix) => buffer(`${prefix}/image`, "u8", [1])),
        ...["train", "eval"].map((prefix) => buffer(`${prefix}/label`, "i32", [1])),
        buffer("train/losses", "f32", [256]),
        buffer("train/rates", "f32", [256]),
        ...(options.confusion === true ? [buffer("train/confusion", "f32", [2, 2]), buffer("eval/confusion", "f32", [2, 2])] : []),
      ],
      kernels: [],
      entries: {},
    },
  };
}

export interface FakeOptions {
  /** Loss of a step, counted from 1 over the whole run. */
  readonly loss?: (step: number) => number;
  readonly onRun?: (entry: string, times: number) => void;
  readonly failReads?: boolean;
  /** Behave as a traced program: a step leaves `loss`, `output` and `grad/fc.weight`. */
  readonly trace?: boolean;
}

export class FakeSession implements Session {
  readonly log: string[] = [];
  readonly buffers = new Map<string, HostArray>();
  readonly seen: number[][] = [];
  readonly #batch: number;
  readonly #options: FakeOptions;
  #steps = 0;
  /** Steps enqueued since losses were last read: over 256 would lose some. */
  mostUnread = 0;
  #unread = 0;

  constructor(artifact: Artifact, options: FakeOptions = {}) {
    this.#batch = artifact.recipe.batch;
    this.#options = options;
    this.buffers.set("train/losses", new Float32Array(256));
    this.buffers.set("train/rates", new Float32Array(256));
  }

  write(buffer: string, data: HostArray): void {
    this.log.push(`write ${buffer}`);
    this.buffers.set(buffer, data.slice());
    if (buffer === "train/order") this.seen.push([...data]);
  }

  run(entry: string, times = 1): void {
    this.log.push(`run ${entry}`);
    this.#options.onRun?.(entry, times);
    if (entry === "init")
      for (const [name, size] of [
        ["fc.weight", 2],
        ["fc.bias", 2],
        ["bn.running_mean", 1],
      ] as const)
        this.buffers.set(`weight/${name}`, new Float32Array(size).fill(0.5));
    if (entry === "predict") this.#predict();
    if (entry === "train" && this.#options.trace === true) {
      this.#traceStep();
      return;
    }
    if (entry === "train") this.#unread += times;
    this.mostUnread = Math.max(this.mostUnread, this.#unread);
    if (entry === "train" || entry === "eval") for (let i = 0; i < times; i++) this.#batchOf(entry);
  }

  #batchOf(prefix: "train" | "eval"): void {
    const get = (name: string): HostArray => this.buffers.get(`${prefix}/${name}`)!;
    const cursor = get("cursor")[0]!;
    const [first, last] = [cursor * this.#batch, Math.min((cursor + 1) * this.#batch, get("count")[0]!)];
    if (first >= last) throw new Error("a step past the end of the epoch");
    get("cursor")[0] = cursor + 1;
    if (prefix === "train") this.#steps++;
    const loss = prefix === "train" ? (this.#options.loss?.(this.#steps) ?? 1 / this.#steps) : 0.25;
    if (prefix === "train") {
      get("losses")[cursor % 256] = loss;
      get("rates")[cursor % 256] = 0.1;
    }
    for (let i = first; i < last; i++) {
      const example = prefix === "train" ? get("order")[i]! : i;
      const label = get("label")[example]!;
      const answer = example % 5 === 4 ? 1 - label : label;
      const sums = get("metrics");
      sums[0]! += loss;
      sums[1]! += 1;
      sums[2]! += Number(answer === label);
      const confusion = this.buffers.get(`${prefix}/confusion`);
      if (confusion !== undefined) confusion[label * 2 + answer]! += 1;
    }
  }

  #traceStep(): void {
    this.buffers.set("loss", Float32Array.of(1 / ++this.#steps));
    this.buffers.set("output", Float32Array.of(this.#steps, 0));
    this.buffers.set("grad/fc.weight", Float32Array.of(-this.#steps, 1));
    this.buffers.get("weight/fc.weight")![0]! += 1;
  }

  #predict(): void {
    const image = this.buffers.get("predict/image")!;
    this.buffers.set(
      "predict/output",
      Float32Array.from({ length: image.length * 2 }, (_, i) => (image[i >> 1]! % 2 === i % 2 ? 3 : 0)),
    );
  }

  async read(buffers: readonly string[]): Promise<Map<string, HostArray>> {
    this.log.push(`read ${buffers.join(" ")}`);
    if (buffers.includes("train/losses")) this.#unread = 0;
    // As of now, however late the answer comes.
    const copies = new Map(buffers.map((name) => [name, this.buffers.get(name)!.slice()]));
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (this.#options.failReads === true) throw new Error("lost");
    return copies;
  }

  async sync(): Promise<void> {
    await Promise.resolve();
  }

  dispose(): void {
    this.log.push("dispose");
  }
}
