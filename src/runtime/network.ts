// A compiled network on a device: one stage of it is loaded at a time. The next stage takes its states over from the one before, by
// name and on the device.

import type { Artifact, CompiledStage, EntryPorts, EntryPurpose } from "../ir/artifact.ts";
import type { StagePlan } from "../ir/plan.ts";
import type { EntryName, Program } from "../ir/program.ts";
import { InternalError, sameType } from "../ir/types.ts";
import { DeviceError, type Device, type DeviceInfo, type Session } from "./device.ts";
import { StateError } from "./errors.ts";
import { FoldingSession } from "./folding-session.ts";
import { formatBytes, outOfMemory } from "./memory.ts";

export interface LoadedStage {
  readonly artifact: Artifact;
  readonly plan: StagePlan;
  readonly stage: CompiledStage;
  readonly session: Session;
  /** Which of the parameters' states have a value: initial, from a file, or trained. A device's memory begins with zeros, which are no weights. */
  readonly known: Set<string>;
}

/** The entry of a stage that is for this, and the buffers around it. */
export function entryFor<P extends EntryPurpose>(
  stage: CompiledStage,
  purpose: P,
): Extract<EntryPorts, { readonly purpose: P }> & { readonly name: EntryName } {
  for (const [name, ports] of Object.entries(stage.entries))
    if (ports.purpose === purpose) return { ...(ports as Extract<EntryPorts, { readonly purpose: P }>), name };
  throw new InternalError(`stage ${stage.name} was not compiled to ${purpose}`);
}

/** Initial values for all states; random ones come from the recipe's seed. */
export function initialize({ artifact, stage, session, known }: LoadedStage): void {
  if (stage.seed !== undefined) session.write(stage.seed, Uint32Array.of(artifact.recipe.seed));
  session.run(entryFor(stage, "initialize").name);
  for (const { state } of artifact.parameters) known.add(state);
}

/** Throws a StateError for whoever asks a network that nobody has given weights. */
export function requireWeights({ artifact, known }: LoadedStage): void {
  // In the words of a module, so that a page need not load others.
  if (!artifact.parameters.every(({ state }) => known.has(state)))
    throw new StateError("the model has no weights: call `load` or `train` first");
}

/** States that a stage takes over: all that it has in common with the one before, but for sums that belong to an epoch. */
export function carriedStates(from: CompiledStage, to: CompiledStage): readonly string[] {
  const before = new Map(from.states.map((state) => [state.name, state]));
  return to.states
    .filter(({ name, kind, type }) => {
      const old = before.get(name);
      return old?.kind === kind && kind !== "metric" && sameType(old.type, type);
    })
    .map(({ name }) => name);
}

export class Network {
  readonly artifact: Artifact;
  readonly device: DeviceInfo;
  readonly #device: Device;
  #index = 0;
  #loaded: LoadedStage;
  /** How many are at work with a session; it is given back after the last of them. */
  readonly #users = new Map<Session, number>();
  readonly #retired = new Set<Session>();

  /** Loads the first stage. What does not fit is said before anything begins, of later stages as well. */
  static async open(artifact: Artifact, device: Device): Promise<Network> {
    for (const { name, program } of artifact.stages)
      if (program.arenaBytes > (device.mostMemory ?? Infinity))
        throw outOfMemory(program, `${stageNeeds(name, program)}, the device allows ${formatBytes(device.mostMemory ?? 0)}`);
    return new Network(artifact, device, await load(artifact, device, 0));
  }

  private constructor(artifact: Artifact, device: Device, loaded: LoadedStage) {
    this.artifact = artifact;
    this.device = device.info;
    this.#device = device;
    this.#loaded = loaded;
  }

  get loaded(): LoadedStage {
    return this.#loaded;
  }

  /** To a stage, the first unless told; `begin` gives its states their values before anybody else sees it. */
  async restart(begin: (loaded: LoadedStage) => void | Promise<void>, index = 0): Promise<LoadedStage> {
    if (this.#index === index) await begin(this.#loaded);
    else await this.#enter(index, begin);
    return this.#loaded;
  }

  /** On to the next stage, with what the one before has learned. */
  async advance(): Promise<LoadedStage> {
    const before = this.#loaded;
    await this.#enter(this.#index + 1, (next) => {
      initialize(next);
      next.session.adopt(before.session, carriedStates(before.stage, next.stage));
    });
    return this.#loaded;
  }

  /** Work with the stage that is loaded now, which it keeps until the work is done even if the network goes on to another. */
  async use<T>(work: (loaded: LoadedStage) => Promise<T>): Promise<T> {
    const loaded = this.#loaded;
    const { session } = loaded;
    this.#users.set(session, (this.#users.get(session) ?? 0) + 1);
    try {
      return await work(loaded);
    } finally {
      this.#users.set(session, (this.#users.get(session) ?? 1) - 1);
      if (this.#retired.has(session)) this.#retire(session);
    }
  }

  dispose(): void {
    this.#loaded.session.dispose();
    for (const session of this.#retired) session.dispose();
    this.#retired.clear();
  }

  async #enter(index: number, begin: (loaded: LoadedStage) => void | Promise<void>): Promise<void> {
    const next = await load(this.artifact, this.#device, index);
    try {
      await begin(next);
    } catch (error) {
      next.session.dispose();
      throw error;
    }
    const { session } = this.#loaded;
    this.#index = index;
    this.#loaded = next;
    this.#retire(session);
  }

  #retire(session: Session): void {
    this.#retired.add(session);
    if ((this.#users.get(session) ?? 0) > 0) return;
    this.#retired.delete(session);
    this.#users.delete(session);
    session.dispose();
  }
}

async function load(artifact: Artifact, device: Device, index: number): Promise<LoadedStage> {
  const [stage, plan] = [artifact.stages[index], artifact.recipe.stages[index]];
  if (!stage || !plan) throw new InternalError(`${artifact.name} has no stage ${index}`);
  try {
    return { artifact, plan, stage, session: await FoldingSession.load(device, stage), known: new Set() };
  } catch (error) {
    if (!(error instanceof DeviceError) || error.reason !== "out-of-memory") throw error;
    throw new DeviceError(error.reason, `${error.message}\n${stageNeeds(stage.name, stage.program)}.`, error.hint);
  }
}

const stageNeeds = (name: string, { arenaBytes }: Program): string => `the stage ${name} needs ${formatBytes(arenaBytes)} at its peak`;
