// A device that computes nothing: it follows the protocol of the well-known buffers, so that the trainer's order of writes, runs and
// reads can be tested without a compiler. Its loss is a function of the step; its answers are the labels, but for every fifth.

import { ARTIFACT_VERSION, type Artifact, type ColumnBuffer, type CompiledStage } from "../../../src/ir/artifact.ts";
import { planOf } from "../../../src/ir/recipe/define.ts";
import { accuracy } from "../../../src/ir/recipe/metrics/accuracy.ts";
import { f1 } from "../../../src/ir/recipe/metrics/f1.ts";
import { PROGRAM_VERSION, type BufferPlan } from "../../../src/ir/program.ts";
import { ZEROS, type State } from "../../../src/ir/state.ts";
import { hostArray } from "../../../src/ir/arrays.ts";
import { sizeOf, tensorType, type DType, type Shape } from "../../../src/ir/types.ts";
import type { Device, DeviceInfo, HostArray, Session } from "../../../src/runtime/device.ts";
import type { OneOutput } from "../../support/one-output.ts";

export const FAKE_DEVICE: DeviceInfo = { kind: "fake", description: "Fake (nothing inside)", isHardware: false };

export interface FakeArtifactOptions {
  readonly batch?: number;
  readonly epochs?: number;
  readonly confusion?: boolean;
  /** Names; the first trains the weight of `fc` only, all others both its tensors. */
  readonly stages?: readonly string[];
}

const STATES: readonly State[] = [
  { name: "weight/fc.weight", kind: "weight", type: tensorType("f32", [2, 1]), init: ZEROS },
  { name: "weight/fc.bias", kind: "weight", type: tensorType("f32", [2]), init: ZEROS },
  { name: "weight/bn.running_mean", kind: "statistic", type: tensorType("f32", [1]), init: ZEROS },
  { name: "train/step", kind: "counter", type: tensorType("u32", []), init: ZEROS },
  { name: "train/cursor", kind: "counter", type: tensorType("i32", []), init: ZEROS },
  { name: "eval/cursor", kind: "counter", type: tensorType("i32", []), init: ZEROS },
];

const metric = (name: string, ...shape: number[]): State => ({ name, kind: "metric", type: tensorType("f32", shape), init: ZEROS });

function fakeStage(name: string, isFirst: boolean, hasConfusion: boolean): CompiledStage {
  const prefixes = ["train", "eval"] as const;
  const states = [
    ...STATES,
    metric("train/losses", 256),
    metric("train/rates", 256),
    ...prefixes.map((prefix) => metric(`${prefix}/metrics`, 4)),
    ...(hasConfusion ? prefixes.map((prefix) => metric(`${prefix}/confusion`, 2, 2)) : []),
  ];
  const columns = (prefix: string, ...names: string[]): ColumnBuffer[] =>
    names.map((column) => ({ column, buffer: `${prefix}/${column}` }));
  const epoch = (prefix: string) => ({
    columns: columns(prefix, "image", "label"),
    cursor: `${prefix}/cursor`,
    count: `${prefix}/count`,
    sums: [{ sum: "metrics", buffer: `${prefix}/metrics` }, ...(hasConfusion ? [{ sum: "confusion", buffer: `${prefix}/confusion` }] : [])],
  });
  const buffer = (name: string, role: BufferPlan["role"], dtype: DType, shape: Shape): BufferPlan => ({
    name,
    role,
    dtype,
    shape,
    bytes: 4,
    offset: 0,
  });
  return {
    name,
    trainable: isFirst ? ["fc.weight"] : ["fc.weight", "fc.bias"],
    groups: [{ rate: 0.1, decay: 0, parameters: isFirst ? ["fc.weight"] : ["fc.weight", "fc.bias"] }],
    seed: "seed",
    states,
    entries: {
      init: { purpose: "initialize" },
      train: { purpose: "train", order: "train/order", losses: "train/losses", rates: "train/rates", ...epoch("train") },
      eval: { purpose: "evaluate", ...epoch("eval") },
      predict: { purpose: "predict", columns: columns("predict", "image"), output: "predict/output" },
    },
    report: {
      layers: [{ layer: "fc", ops: 5, kernels: 2, launches: 3, flops: 2_000_000, share: 1 }],
      frontier: ["fc.weight"],
      entries: {
        train: {
          ops: 9,
          kernels: 3,
          launches: 4,
          flops: 2_000_000,
          temporary: 64,
          traffic: { read: 4_000_000, written: 1_000_000, least: 3_000_000 },
        },
      },
      bytes: { weights: 20, gradients: 16, optimizer: 0, folded: 0, temporary: 64, temporaryLowerBound: 60, arena: 1024 },
      cache: { features: false, reason: "fc (linear) is the first that changes" },
      folded: { training: [], answers: [] },
    },
    program: {
      format: "tlc-program",
      version: PROGRAM_VERSION,
      target: "fake",
      arenaBytes: 4,
      buffers: [
        buffer("seed", "input", "u32", []),
        ...["train/count", "eval/count"].map((count) => buffer(count, "input", "i32", [])),
        buffer("train/order", "data", "i32", [1]),
        ...["train", "eval"].flatMap((prefix) => [
          buffer(`${prefix}/image`, "data", "u8", [1]),
          buffer(`${prefix}/label`, "data", "i32", [1]),
        ]),
        buffer("predict/image", "input", "u8", [1]),
        buffer("predict/output", "output", "f32", [1, 2]),
        ...states.map(({ name: state, kind, type }) => ({ ...buffer(state, "state", type.dtype, type.shape), kind })),
      ],
      kernels: [],
      entries: { init: [], train: [], eval: [], predict: [] },
    },
  };
}

export function fakeArtifact({ batch = 4, epochs = 2, confusion = false, stages = ["main"] }: FakeArtifactOptions = {}): OneOutput {
  return {
    format: "tlc-artifact",
    version: ARTIFACT_VERSION,
    name: "fake",
    target: "fake",
    recipe: {
      name: "fake",
      loss: { word: "cross_entropy", args: { label_smoothing: 0 } },
      labels: "class",
      outputs: "class scores",
      metrics: [planOf(accuracy), ...(confusion ? [planOf(f1)] : [])],
      batch,
      seed: 5,
      stages: stages.map((name) => ({
        name,
        optimizer: { word: "sgd", args: { lr: 0.1, momentum: 0, dampening: 0, nesterov: false, weight_decay: 0 } },
        schedule: { word: "constant", args: { warmup: 0 } },
        epochs,
      })),
    },
    dataInfo: {
      inputs: [{ name: "image", dtype: "u8", shape: [1, 1, 1] }],
      label: { name: "label", dtype: "i32", shape: [] },
      classes: ["even", "odd"],
    },
    outputShape: [2],
    network: "a network",
    parameters: STATES.slice(0, 3).map(({ name, kind, type }) => ({
      name: name.slice("weight/".length),
      state: name,
      dtype: type.dtype,
      shape: type.shape,
      kind: kind as "weight" | "statistic",
    })),
    stages: stages.map((name, i) => fakeStage(name, i === 0, confusion)),
  };
}

/** A device whose sessions compute nothing; they are in the order in which they were loaded. */
export function fakeDevice(artifact: Artifact, options: FakeOptions = {}): { readonly device: Device; readonly sessions: FakeSession[] } {
  const sessions: FakeSession[] = [];
  const load = (): Promise<FakeSession> => {
    const session = new FakeSession(artifact, options);
    sessions.push(session);
    return Promise.resolve(session);
  };
  return { device: { info: FAKE_DEVICE, load, dispose: () => undefined }, sessions };
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
  readonly #states: readonly State[];
  readonly #options: FakeOptions;
  #steps = 0;
  /** Steps enqueued since losses were last read: over 256 would lose some. */
  mostUnread = 0;
  #unread = 0;

  constructor(artifact: Artifact, options: FakeOptions = {}) {
    this.#batch = artifact.recipe.batch;
    this.#states = artifact.stages[0]?.states ?? [];
    this.#options = options;
    this.buffers.set("train/losses", new Float32Array(256));
    this.buffers.set("train/rates", new Float32Array(256));
  }

  write(buffer: string, data: HostArray): void {
    this.log.push(`write ${buffer}`);
    this.buffers.set(buffer, data.slice());
    if (buffer === "train/order") this.seen.push([...data]);
  }

  adopt(previous: FakeSession, buffers: readonly string[]): void {
    this.log.push(`adopt ${buffers.join(" ")}`);
    for (const name of buffers) this.buffers.set(name, previous.buffers.get(name)?.slice() ?? new Float32Array(1));
  }

  run(entry: string, times = 1): void {
    this.log.push(`run ${entry}`);
    this.#options.onRun?.(entry, times);
    if (entry === "init") for (const { name, type } of this.#states) this.buffers.set(name, hostArray(type.dtype, sizeOf(type.shape)));
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
      sums[2]! += 1;
      sums[3]! += Number(answer === label);
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
