// Threads that read pictures while others compute: each takes a part of what is asked for. They start with the first question, and end when
// nobody has asked for a while, so that nobody has to close them. Node only.

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { WordPlan } from "../../ir/plan.ts";
import { PLACE } from "../../ir/recipe/steps/places.ts";
import { InternalError, type Shape } from "../../ir/types.ts";
import { packageRoot } from "../../package-root.ts";
import { DataError } from "../errors.ts";
import type { Column } from "./loaded-split.ts";
import type { PictureSource, PicturesRead } from "./read-pictures.ts";

/** More would wait for the disk, and for each other. */
const MOST_THREADS = 8;
/** Pictures for which a thread is worth asking. */
const LEAST_PART = 8;
/** Milliseconds without a question after which threads end. */
const IDLE = 5000;

/** What a thread is started with: a source without functions. */
export interface ThreadSource extends Omit<PictureSource, "storage"> {
  readonly plans: readonly WordPlan[];
  readonly shape: Shape;
}

export interface Question {
  readonly id: number;
  readonly examples: Int32Array;
}

export type Answer =
  | { readonly id: number; readonly read: PicturesRead }
  /** Of the data, with its hint, or of the program. */
  | { readonly id: number; readonly fault: { readonly message: string; readonly hint?: string } };

interface Waiting {
  readonly resolve: (read: PicturesRead) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

export class PictureThreads {
  readonly #source: ThreadSource;
  #threads: Thread[] = [];
  #ids = 0;
  #busy = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor({ files, storage: { steps, shape }, skipsWithin, masks }: PictureSource) {
    this.#source = { files, skipsWithin, masks, shape, plans: steps.map(({ plan }) => plan) };
  }

  async read(examples: Int32Array): Promise<PicturesRead> {
    clearTimeout(this.#idle);
    const most = Math.min(MOST_THREADS, availableParallelism());
    const count = Math.max(1, Math.min(most, Math.floor(examples.length / LEAST_PART)));
    while (this.#threads.length < count) this.#threads.push(this.#start());
    const size = Math.ceil(examples.length / count);
    this.#busy++;
    try {
      const parts = await Promise.all(
        this.#threads.slice(0, count).map((thread, i) => this.#ask(thread, examples.slice(i * size, (i + 1) * size))),
      );
      return { column: joined(parts.map(({ column }) => column)), skipped: parts.flatMap(({ skipped }) => skipped) };
    } finally {
      if (--this.#busy === 0) this.#idle = setTimeout(() => this.#end(), IDLE).unref();
    }
  }

  #start(): Thread {
    const worker = new Worker(join(packageRoot(), "dist", "picture-worker.js"), { workerData: this.#source });
    const thread: Thread = { worker, waiting: new Map() };
    const fail = (error: Error): void => {
      this.#threads = this.#threads.filter((it) => it !== thread);
      for (const { reject } of thread.waiting.values()) reject(error);
    };
    worker.on("message", (answer: Answer) => {
      const waiting = thread.waiting.get(answer.id);
      thread.waiting.delete(answer.id);
      if (thread.waiting.size === 0) worker.unref();
      if ("read" in answer) return waiting?.resolve(answer.read);
      const { message, hint } = answer.fault;
      waiting?.reject(hint === undefined ? new InternalError(message) : new DataError(message, hint));
    });
    worker.on("error", fail);
    worker.on("exit", () => fail(new InternalError("a thread that reads pictures ended")));
    return thread;
  }

  #ask({ worker, waiting }: Thread, examples: Int32Array): Promise<PicturesRead> {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ id, examples } satisfies Question);
    });
  }

  #end(): void {
    for (const { worker } of this.#threads.splice(0)) void worker.terminate();
  }
}

/** One behind the other. */
function joined(parts: readonly Column[]): Column {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first ?? { dtype: "u8", shape: [], data: new Uint8Array(0) };
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  const places: number[] = [];
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    part.places?.forEach((value, i) => places.push(i % PLACE === 0 ? value + at : value));
    at += part.data.length;
  }
  return { dtype: first.dtype, shape: first.shape, data, ...(first.places && { places: Int32Array.from(places) }) };
}
