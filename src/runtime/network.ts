// A compiled network on a device: one stage of it is loaded at a time. The next stage takes its states over from the one before, by
// name and on the device, or over the host where the device has room for one of them only.

import type { Artifact, CompiledStage, EntryPorts, EntryPurpose } from "../ir/artifact.ts";
import type { StagePlan } from "../ir/plan.ts";
import type { EntryName, Program } from "../ir/program.ts";
import { InternalError, sameType } from "../ir/types.ts";
import { DeviceError, type Device, type DeviceInfo, type HostArray, type Session } from "./device.ts";
import { StateError } from "./errors.ts";
import { FoldingSession } from "./folding-session.ts";
import { formatBytes, outOfMemory } from "./memory.ts";

export interface LoadedStage {
  readonly artifact: Artifact;
  readonly plan: StagePlan;
  readonly stage: CompiledStage;
  readonly session: Session;
  /** Whether all parameters have values: initial, from a file, or trained. A device's memory begins with zeros, which are no weights. */
  hasWeights: boolean;
}

/** Values of states by name, on the host. */
type States = ReadonlyMap<string, HostArray>;

type Begin = (loaded: LoadedStage, kept?: States) => void | Promise<void>;

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
export function initialize(loaded: LoadedStage): void {
  const { artifact, stage, session } = loaded;
  if (stage.seed !== undefined) session.write(stage.seed, Uint32Array.of(artifact.recipe.seed));
  session.run(entryFor(stage, "initialize").name);
  loaded.hasWeights = true;
}

/** For whoever asks a network that nobody has given weights. */
export const noWeights = (): StateError => new StateError("no weights: `load` or `train` first");

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
  /** While there is no session to work with. */
  #replacing: Promise<void> | undefined;

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
    await this.#enter(this.#index + 1, (next, kept) => {
      initialize(next);
      const names = carriedStates(before.stage, next.stage);
      if (kept) for (const name of names) writeKept(next, name, kept);
      else next.session.adopt(before.session, names);
    });
    return this.#loaded;
  }

  /** Work with the stage that is loaded now, which it keeps until the work is done even if the network goes on to another. */
  async use<T>(work: (loaded: LoadedStage) => Promise<T>): Promise<T> {
    if (this.#replacing) await this.#replacing.catch(() => undefined);
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

  /** @param begin is given the states of the stage before where its session is gone */
  async #enter(index: number, begin: Begin): Promise<void> {
    const { session } = this.#loaded;
    const next = await load(this.artifact, this.#device, index).catch((error: unknown) => {
      if (!isOutOfMemory(error) || session.exact || (this.#users.get(session) ?? 0) > 0) throw error;
      return undefined;
    });
    if (!next) {
      this.#replacing = this.#replace(index, begin);
      await this.#replacing.finally(() => (this.#replacing = undefined));
      return;
    }
    try {
      await begin(next);
    } catch (error) {
      next.session.dispose();
      throw error;
    }
    this.#index = index;
    this.#loaded = next;
    this.#retire(session);
  }

  /** Loads a stage in the place of the one before, on a device that has room for one of them only. */
  async #replace(index: number, begin: Begin): Promise<void> {
    const { session, stage, hasWeights } = this.#loaded;
    const kept = await session.read(stage.states.map(({ name }) => name));
    session.dispose();
    let next: LoadedStage | undefined;
    try {
      next = await load(this.artifact, this.#device, index);
      await begin(next, kept);
      this.#index = index;
      this.#loaded = next;
    } catch (error) {
      next?.session.dispose();
      // What was trained may still be asked for.
      this.#loaded = await load(this.artifact, this.#device, this.#index);
      for (const name of kept.keys()) writeKept(this.#loaded, name, kept);
      this.#loaded.hasWeights = hasWeights;
      throw error;
    }
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
    return { artifact, plan, stage, session: await FoldingSession.load(device, stage), hasWeights: false };
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    throw new DeviceError(error.reason, `${error.message}\n${stageNeeds(stage.name, stage.program)}.`, error.hint);
  }
}

const isOutOfMemory = (error: unknown): error is DeviceError => error instanceof DeviceError && error.reason === "out-of-memory";

function writeKept({ session }: LoadedStage, name: string, kept: States): void {
  const values = kept.get(name);
  if (!values) throw new InternalError(`${name} was not kept`);
  session.write(name, values);
}

const stageNeeds = (name: string, { arenaBytes }: Program): string => `the stage ${name} needs ${formatBytes(arenaBytes)} at its peak`;
