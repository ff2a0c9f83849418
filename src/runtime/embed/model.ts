// A compiled network inside an application: a network on one device, with the methods of a generated module. Training and evaluation
// are the runtime's own; here is only what may happen when, and the words of an application for data.

import type { Artifact } from "../../ir/artifact.ts";
import { loadSteps, type LoadSteps } from "../../ir/recipe/steps/host.ts";
import type { LoadedSplit } from "../data/loaded-split.ts";
import type { Purpose } from "../data/pixels.ts";
import type { Device, DeviceInfo } from "../device.ts";
import { NonFiniteLossError, StateError } from "../errors.ts";
import { predictSplit, type Prediction } from "../predict.ts";
import type { Metrics } from "../metrics.ts";
import { initialize, Network, noWeights } from "../network.ts";
import type { TrainEvent } from "../events.ts";
import { DELTA, loadWeights, readWeights } from "../weights/model-weights.ts";
import { readSafetensors } from "../weights/safetensors.ts";
import type { DeviceKind } from "./device-file.ts";
import { decodedColumns, decodedExamples } from "./pictures.ts";
import { splitOfColumns, splitOfExamples, type Example, type SplitValues } from "./values.ts";

export interface EmbeddedData {
  readonly train: SplitValues;
  readonly val?: SplitValues | undefined;
  readonly test?: SplitValues | undefined;
}

export interface EmbeddedTrainOptions {
  readonly signal?: AbortSignal | undefined;
  /** Of every stage, instead of the recipe's. */
  readonly epochs?: number | undefined;
  /** Weights of the network that a distilled one learns from, as `teacher.safetensors` of the folder has them. */
  readonly teacher?: Uint8Array | ArrayBuffer | undefined;
  /** Told of each checkpoint, as the bytes of a file. */
  readonly onCheckpoint?: ((checkpoint: Uint8Array) => void | Promise<void>) | undefined;
  /** Such bytes. */
  readonly resume?: Uint8Array | ArrayBuffer | undefined;
}

const bytesOf = (given: Uint8Array | ArrayBuffer): Uint8Array => (given instanceof Uint8Array ? given : new Uint8Array(given));

/** The device that was taken, and why, for people. */
export interface Choice {
  readonly kind: DeviceKind;
  readonly reason: string;
}

/** What the network says of an example, by the names of its outputs where they have some. */
export type Answer = Prediction | Readonly<Record<string, Prediction>>;

export class Model {
  readonly device: DeviceInfo & Choice;
  readonly #artifact: Artifact;
  readonly #device: Device;
  readonly #network: Network;
  readonly #steps: LoadSteps;
  /**
   * Random weights are made when they are first asked for, and by every training run that finds none to keep. Only from what was loaded or
   * trained anybody wants answers; what the recipe declares new of published weights is random still where only they were loaded.
   */
  #weights: "none" | "disposable" | "begun" | "kept" = "none";
  /** What occupies the buffers that training and evaluation share. */
  #occupation: "training" | "evaluating" | undefined;
  #isDisposed = false;

  static async open(artifact: Artifact, device: Device, choice: Choice): Promise<Model> {
    try {
      return new Model(device, choice, await Network.open(artifact, device));
    } catch (error) {
      device.dispose();
      throw error;
    }
  }

  private constructor(device: Device, choice: Choice, network: Network) {
    const { artifact } = network;
    this.device = { ...device.info, ...choice };
    this.#artifact = artifact;
    this.#device = device;
    this.#network = network;
    this.#steps = loadSteps(artifact.data?.preprocess ?? []);
  }

  /** Async, as everything else here: a device may want to look before it takes. */
  async load(weights: Uint8Array | ArrayBuffer): Promise<void> {
    const bytes = bytesOf(weights);
    await this.#alone("training", async () => {
      this.#requireWeights();
      const { loaded } = this.#network;
      let given = readSafetensors(bytes);
      if (given.metadata.has(DELTA)) given = await (await import("./checkpoints.ts")).merged(loaded, given);
      const isWhole = loadWeights(loaded, given);
      // What was trained of them is not what the file leaves to chance.
      if (!isWhole && this.#weights === "kept") {
        initialize(loaded);
        loadWeights(loaded, given);
      }
      this.#weights = isWhole ? "kept" : "begun";
      await loaded.session.sync();
    });
  }

  async save(): Promise<Uint8Array> {
    this.#requireAlive();
    this.#requireWeights();
    return this.#network.use(readWeights);
  }

  /** Allowed while the model trains: a page may show what it knows so far. */
  async predict(examples: readonly Example[]): Promise<readonly Answer[]> {
    this.#requireAlive();
    this.#requireAnswers();
    const { dataInfo } = this.#artifact;
    // The stage that it is asked in answers, however long a picture takes to decode.
    const answers = await this.#network.use(async (loaded) =>
      predictSplit(loaded, splitOfExamples(dataInfo, this.#steps, await decodedExamples(dataInfo, examples))),
    );
    return answers.map((answer) => answer.get("") ?? Object.fromEntries(answer));
  }

  async *train(data: EmbeddedData, options: EmbeddedTrainOptions = {}): AsyncGenerator<TrainEvent, void, undefined> {
    const { signal, epochs } = options;
    const { dataInfo } = this.#artifact;
    const columns = async (values: SplitValues, what: string, purpose: Purpose = "evaluate"): Promise<LoadedSplit> =>
      splitOfColumns(dataInfo, this.#steps, await decodedColumns(dataInfo, values), what, purpose);
    // Pages call it without a type checker; what is no data at all is none to train on.
    const { train: given, val, test } = Object(data) as EmbeddedData;
    const splits = {
      train: await columns(given, "train on", "train"),
      val: val === undefined ? undefined : await columns(val, "validate on"),
      test: test === undefined ? undefined : await columns(test, "test on"),
    };
    this.#occupy("training");
    try {
      const { train, requirePublished, teacherOf } = await import("./training.ts");
      const { goingOn } = options.onCheckpoint || options.resume ? await import("./checkpoints.ts") : {};
      const going = goingOn?.(this.#artifact, splits, options);
      const isBegun = this.#weights === "begun" || this.#weights === "kept";
      requirePublished(this.#artifact, isBegun || options.resume !== undefined);
      const weights = isBegun ? readSafetensors(await this.save()) : undefined;
      const teacher = options.teacher && teacherOf(this.#artifact, bytesOf(options.teacher));
      for await (const event of train(this.#network, splits, { signal, weights, teacher, epochs, ...going })) {
        // Not before: a training that cannot begin leaves no weights.
        this.#weights = "kept";
        yield event;
      }
    } catch (error) {
      // Nobody wants to train on from what is not a number.
      if (error instanceof NonFiniteLossError) this.#weights = "disposable";
      throw error;
    } finally {
      this.#occupation = undefined;
    }
  }

  async evaluate(values: SplitValues): Promise<Metrics> {
    const { dataInfo } = this.#artifact;
    const split = splitOfColumns(dataInfo, this.#steps, await decodedColumns(dataInfo, values));
    return this.#alone("evaluating", async () => {
      this.#requireAnswers();
      const { createEvaluator } = await import("./training.ts");
      return (await createEvaluator(this.#network.loaded)(split)) ?? {};
    });
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#network.dispose();
    this.#device.dispose();
  }

  async #alone<T>(occupation: "training" | "evaluating", work: () => Promise<T>): Promise<T> {
    this.#occupy(occupation);
    try {
      return await work();
    } finally {
      this.#occupation = undefined;
    }
  }

  #occupy(occupation: "training" | "evaluating"): void {
    this.#requireAlive();
    if (this.#occupation !== undefined) throw new StateError(`the model is ${this.#occupation}; wait for that to end, or stop it`);
    this.#occupation = occupation;
  }

  #requireWeights(): void {
    if (this.#weights !== "none") return;
    initialize(this.#network.loaded);
    this.#weights = "disposable";
  }

  /** Random weights answer as readily as trained ones, and nobody would see which they were. */
  #requireAnswers(): void {
    if (this.#weights === "begun") throw new StateError("some weights are random: `train` first");
    if (this.#weights !== "kept") throw noWeights();
  }

  #requireAlive(): void {
    if (this.#isDisposed) throw new StateError("the model was disposed");
  }
}
