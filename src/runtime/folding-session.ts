// A session that keeps folded weights what they are made of: their entry runs before the next one that reads them, where anything they are made
// of has been written since, by the host or by training. Everybody else runs entries and knows nothing of it.

import type { CompiledStage } from "../ir/artifact.ts";
import type { EntryName } from "../ir/program.ts";
import type { StateKind } from "../ir/state.ts";
import type { Device, HostArray, Session } from "./device.ts";

/** What is folded is made of these. */
const FOLDED_OF: readonly StateKind[] = ["weight", "statistic", "teacher", "average"];

/** What reads only what a training step leaves alone; all others read whatever there is. */
const AS_TRAINED: ReadonlySet<string | undefined> = new Set(["train", "trace", "features", "views"]);

interface Fold {
  readonly entry: EntryName;
  readonly isSteady: boolean;
  isStale: boolean;
}

export class FoldingSession implements Session {
  readonly #inner: Session;
  readonly #folds: readonly Fold[];
  readonly #states: ReadonlySet<string>;
  readonly #purposes: ReadonlyMap<EntryName, string>;
  readonly exact?: NonNullable<Session["exact"]>;

  static async load(device: Device, stage: CompiledStage): Promise<Session> {
    return new FoldingSession(await device.load(stage.program), stage);
  }

  private constructor(inner: Session, { entries, features, states }: CompiledStage) {
    this.#inner = inner;
    const all = Object.entries({ ...entries, ...features?.entries });
    this.#folds = all.flatMap(([entry, ports]) => (ports.purpose === "fold" ? [{ entry, isSteady: ports.isSteady, isStale: true }] : []));
    this.#states = new Set(states.flatMap(({ name, kind }) => (FOLDED_OF.includes(kind) ? [name] : [])));
    this.#purposes = new Map(all.map(([entry, { purpose }]) => [entry, purpose]));
    const { exact } = inner;
    if (!exact) return;
    this.exact = {
      read: (buffers) => exact.read(buffers),
      write: (buffer, data) => {
        this.#written([buffer]);
        exact.write(buffer, data);
      },
    };
  }

  write(buffer: string, data: HostArray): void {
    this.#written([buffer]);
    this.#inner.write(buffer, data);
  }

  adopt(previous: Session, buffers: readonly string[]): void {
    this.#written(buffers);
    this.#inner.adopt(previous instanceof FoldingSession ? previous.#inner : previous, buffers);
  }

  run(entry: EntryName, times?: number): void {
    const purpose = this.#purposes.get(entry);
    if (purpose !== "initialize") this.#fold(AS_TRAINED.has(purpose));
    this.#inner.run(entry, times);
    if (purpose === "initialize") this.#written(this.#states);
    if (purpose === "train" || purpose === "trace") for (const fold of this.#folds) fold.isStale ||= !fold.isSteady;
  }

  read(buffers: readonly string[]): Promise<Map<string, HostArray>> {
    return this.#inner.read(buffers);
  }

  sync(): Promise<void> {
    return this.#inner.sync();
  }

  dispose(): void {
    this.#inner.dispose();
  }

  #written(buffers: Iterable<string>): void {
    for (const buffer of buffers) if (this.#states.has(buffer)) for (const fold of this.#folds) fold.isStale = true;
  }

  #fold(isSteadyOnly: boolean): void {
    for (const fold of this.#folds) {
      if (!fold.isStale || (isSteadyOnly && !fold.isSteady)) continue;
      this.#inner.run(fold.entry);
      fold.isStale = false;
    }
  }
}
