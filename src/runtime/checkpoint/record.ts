// What a stage remembers of its training beside its states: what it and its schedule watch, its best epoch, and when a checkpoint is due. Loaded only where
// something asks for it, since most of what trains in a page does not.

import type { Artifact } from "../../ir/artifact.ts";
import { DataError } from "../errors.ts";
import type { EpochEvent, StageEvent, StageSummary, StartEvent } from "../events.ts";
import type { LoadedSplit } from "../data/loaded-split.ts";
import { entryFor, type LoadedStage } from "../network.ts";
import type { Progress, Snapshot } from "./checkpoint.ts";
import type { Every } from "./clock.ts";
import { Clock } from "./clock.ts";
import { isOfNetwork, readStates, restoreStates, writeStates } from "./states.ts";
import { measureName, Watch, type EpochMetrics } from "./watch.ts";

export interface CheckpointOptions {
  /** Told of each: after every epoch, and when the run is stopped. Nothing is trained while it is waited for. */
  readonly save: (progress: Progress) => void | Promise<void>;
  /** In between as well. */
  readonly every?: Every | undefined;
}

export class StageRecord {
  readonly #loaded: LoadedStage;
  readonly #stage: number;
  readonly #checkpoints: CheckpointOptions | undefined;
  readonly #watch: Watch;
  readonly #clock: Clock;
  #best: Snapshot | undefined;

  /**
   * @param stage its place
   * @param resume where it goes on
   */
  constructor(loaded: LoadedStage, stage: number, checkpoints: CheckpointOptions | undefined, resume: Progress | undefined) {
    this.#loaded = loaded;
    this.#stage = stage;
    this.#checkpoints = checkpoints;
    this.#watch = new Watch(loaded.plan, resume?.watched);
    this.#clock = new Clock(checkpoints?.every);
    this.#best = resume?.best;
  }

  get isStalled(): boolean {
    return this.#watch.isStalled;
  }

  /** Steps that may be run together after so many of the stage. */
  room(steps: number): number {
    return this.#clock.room(steps);
  }

  /** After so many steps of the stage, within an epoch: states in the device's queue, where a checkpoint is due. */
  snapshot(steps: number): Promise<Snapshot> | undefined {
    return this.#clock.isDue(steps) ? readStates(this.#loaded) : undefined;
  }

  /** Looks at a whole epoch; says whether it is the best so far, where the stage keeps that. */
  async see(metrics: EpochMetrics): Promise<Pick<EpochEvent, "best">> {
    const isBest = this.#watch.see(metrics);
    const { decided } = entryFor(this.#loaded.stage, "train");
    const { plateau } = this.#watch.watched;
    if (decided !== undefined && plateau) this.#loaded.session.write(decided, Float32Array.of(plateau.factor));
    if (!isBest) return {};
    this.#best = await readStates(this.#loaded, isOfNetwork);
    return { best: true };
  }

  /** @param epoch whole ones, and the steps of the one under way */
  async save(epoch: number, steps: number, states?: Snapshot): Promise<void> {
    if (!this.#checkpoints) return;
    const position = { stage: this.#stage, epoch, steps };
    const best = this.#best && { best: this.#best };
    await this.#checkpoints.save({ position, states: states ?? (await readStates(this.#loaded)), watched: this.#watch.watched, ...best });
  }

  /**
   * Leaves the network as its best epoch had it. What it says is of stages that watch something, and have come to their end.
   * @param epochs whole ones, and the steps of one under way
   */
  async end(epochs: number, steps: number, isStopped: boolean): Promise<StageEvent | undefined> {
    if (steps > 0) await this.save(epochs, steps);
    if (this.#best) writeStates(this.#loaded, this.#best);
    const { name, stop, keep } = this.#loaded.plan;
    if (isStopped || (!stop && !keep)) return undefined;
    const kept = this.#watch.watched.keep;
    const best = keep && kept && { best: { epoch: kept.epoch, metric: measureName(keep), value: kept.best } };
    return { event: "stage", stage: name, epochs, stalled: this.isStalled, ...best };
  }
}

export { restoreStates };

/** What a run says of its beginning: where it goes on. Throws where a stage would watch what nobody measures. */
export function begin(
  { recipe }: Artifact,
  {
    data,
    stages,
    stepsIn,
  }: {
    readonly data: { readonly val?: LoadedSplit | undefined };
    readonly stages: readonly StageSummary[];
    readonly stepsIn: (stage: number) => number;
  },
  resume: Progress | undefined,
): Pick<StartEvent, "resumed"> {
  const asked = recipe.stages.flatMap(({ stop, keep, watch }) => [stop, keep, watch]).find((it) => it?.split === "val");
  if (asked && !data.val) throw new DataError(`the recipe watches ${measureName(asked)}, and there are no examples to validate on`);
  if (!resume) return {};
  const { stage, epoch, steps } = resume.position;
  const { stage: name = "", epochs = 0 } = stages[stage] ?? {};
  return { resumed: { stage: name, epoch: Math.min(epoch + 1, epochs), step: epoch * stepsIn(stage) + steps } };
}
