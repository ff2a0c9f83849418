// How threads wait for each other: a barrier that looks for a while and then sleeps, over a few shared words. Between commands the
// followers wait for the leader's next one in the same way.

import { InternalError } from "../../ir/types.ts";

const WORDS = { command: 0, session: 1, entry: 2, times: 3, arrived: 4, phase: 5, failed: 6, sleepers: 7, taken: 8 } as const;

/** `taken` is two words for each thread: of this launch and of the next one. */
export const controlBytes = (threads: number): number => 4 * (WORDS.taken + 2 * threads);

export interface Command {
  readonly session: number;
  /** Number of an entry of the session's program; -1 sends the followers back to their messages. */
  readonly entry: number;
  readonly times: number;
}

/** Another thread failed; what it was is in its own message. */
export class TeamFailure extends Error {}

export class Team {
  readonly thread: number;
  readonly threads: number;
  readonly #words: Int32Array | undefined;
  readonly #spins: number;
  #seen = 0;
  #launch = 0;

  constructor(thread: number, threads: number, spins: number, control?: SharedArrayBuffer) {
    this.thread = thread;
    this.threads = threads;
    this.#spins = spins;
    this.#words = control && new Int32Array(control);
  }

  /** Returns when all threads have called it. What they wrote before, all can read. */
  barrier(): void {
    const words = this.#words;
    if (!words || this.threads === 1) return;
    const phase = Atomics.load(words, WORDS.phase);
    if (Atomics.add(words, WORDS.arrived, 1) === this.threads - 1) {
      Atomics.store(words, WORDS.arrived, 0);
      Atomics.store(words, WORDS.phase, phase + 1);
      wake(words, WORDS.phase);
    } else this.#waitFor(words, WORDS.phase, phase);
    throwIfFailed(words);
  }

  /** All threads call it before a launch that they share, between the barriers around that. */
  share(): void {
    this.#launch ^= 1;
    // Nobody takes of the next launch's words before the barrier after this one.
    if (this.#words) Atomics.store(this.#words, this.#takenOf(this.thread, this.#launch ^ 1), 0);
  }

  /** Takes the next so many units of a thread's share of the launch; returns how many were taken of it before. */
  take(owner: number, units: number): number {
    if (!this.#words) throw new InternalError("a thread alone shares nothing");
    return Atomics.add(this.#words, this.#takenOf(owner, this.#launch), units);
  }

  #takenOf(thread: number, launch: number): number {
    return WORDS.taken + 2 * thread + launch;
  }

  /** The leader's: wakes the followers for a command. They must meet it at a barrier before the next. */
  announce({ session, entry, times }: Command): void {
    const words = this.#words;
    if (!words) return;
    words[WORDS.session] = session;
    words[WORDS.entry] = entry;
    words[WORDS.times] = times;
    Atomics.add(words, WORDS.command, 1);
    wake(words, WORDS.command);
  }

  /** A follower's: the next command, once there is one. */
  next(): Command {
    const words = this.#words;
    if (!words) throw new TeamFailure();
    this.#waitFor(words, WORDS.command, this.#seen);
    throwIfFailed(words);
    this.#seen = Atomics.load(words, WORDS.command);
    return { session: words[WORDS.session] ?? 0, entry: words[WORDS.entry] ?? 0, times: words[WORDS.times] ?? 0 };
  }

  /** Frees everybody who waits for this thread. */
  fail(): void {
    const words = this.#words;
    if (!words) return;
    Atomics.store(words, WORDS.failed, 1);
    for (const word of [WORDS.phase, WORDS.command]) {
      Atomics.add(words, word, 1);
      Atomics.notify(words, word);
    }
  }

  #waitFor(words: Int32Array, word: number, old: number): void {
    for (let i = 0; i < this.#spins; i++) if (Atomics.load(words, word) !== old) return;
    Atomics.add(words, WORDS.sleepers, 1);
    // After a failure nobody comes any more.
    while (Atomics.load(words, word) === old && Atomics.load(words, WORDS.failed) === 0) Atomics.wait(words, word, old);
    Atomics.sub(words, WORDS.sleepers, 1);
  }
}

// A thread counts itself before it looks a last time and sleeps, so whoever changed the word before and saw no sleeper left none behind.
function wake(words: Int32Array, word: number): void {
  if (Atomics.load(words, WORDS.sleepers) > 0) Atomics.notify(words, word);
}

function throwIfFailed(words: Int32Array): void {
  if (Atomics.load(words, WORDS.failed) !== 0) throw new TeamFailure();
}
