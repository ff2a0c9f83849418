// Worker threads as the device sees them, whatever starts them. Part of what pages load too, so Node's modules are not imported but asked
// for by `process.getBuiltinModule`, which no bundler looks into.

import type { Message, Ready, Reply } from "./messages.ts";

export interface WorkerThread {
  post(message: Message, transfer?: readonly (ArrayBuffer | MessagePort)[]): void;
  terminate(): void;
  /** Whether the process must not end before this thread has answered. */
  keepAlive(isNeeded: boolean): void;
}

export interface Listener {
  onReply(reply: Reply): void;
  /** The thread is gone or could not start. */
  onEnd(message: string): void;
}

export type StartWorker = (listener: Listener) => WorkerThread;

type NodeWorker = import("node:worker_threads").Worker;
/** Node has a MessagePort of its own. */
type NodeTransfer = readonly import("node:worker_threads").Transferable[];

/** One way to start a thread; throws, or ends it, where this way is closed. */
type Start = (hear: (message: Reply | Ready) => void, onEnd: (why: { readonly message: string }) => void) => Promise<WorkerThread>;

/**
 * @param file the built file of worker.ts
 * @param source loads its text, for applications that were bundled into a file beside which it is not
 */
export function nodeWorkers(file: () => URL, source?: () => Promise<string>): StartWorker {
  const start =
    (make: () => NodeWorker | Promise<NodeWorker>): Start =>
    async (hear, onEnd) => {
      const worker = await make();
      worker.on("message", hear);
      worker.on("error", onEnd);
      worker.on("exit", () => {
        onEnd({ message: "the worker thread ended" });
      });
      worker.on("messageerror", ({ message }: Error) => {
        onEnd({ message: `an answer cannot be read: ${message}` });
      });
      return {
        post: (message, transfer = []) => {
          worker.postMessage(message, transfer as NodeTransfer);
        },
        terminate: () => void worker.terminate(),
        keepAlive: (isNeeded) => {
          worker[isNeeded ? "ref" : "unref"]();
        },
      };
    };
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  const ofSource = source === undefined ? [] : [start(async () => new Worker(await source(), { eval: true }))];
  return inTurn([start(() => new Worker(file())), ...ofSource]);
}

/**
 * @param file makes the worker of the built file; written out where a bundler can see the file's name
 * @param source loads its text: some bundlers do not look, and then the file is not where the bundle is
 */
export function webWorkers(file: () => Worker, source: () => Promise<string>): StartWorker {
  const start =
    (make: () => Worker | Promise<Worker>): Start =>
    async (hear, onEnd) => {
      const worker = await make();
      worker.onmessage = (event: MessageEvent<Reply | Ready>) => {
        hear(event.data);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        const message =
          event.message || "the worker script could not be loaded; a content security policy must allow it: worker-src 'self'";
        onEnd({ message });
      };
      worker.onmessageerror = () => {
        onEnd({ message: "an answer cannot be read" });
      };
      return {
        post: (message, transfer = []) => {
          worker.postMessage(message, [...transfer]);
        },
        terminate: () => {
          worker.terminate();
        },
        keepAlive: () => undefined,
      };
    };
  return inTurn([start(file), start(async () => ofText(await source()))]);
}

function ofText(source: string): Worker {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url);
  worker.addEventListener("message", () => URL.revokeObjectURL(url), { once: true });
  return worker;
}

/** The first way that is open. What a thread is told before it says that it is ready is kept: transferred, it would be lost. */
const inTurn =
  (starts: readonly Start[]): StartWorker =>
  (listener) => {
    const held: Parameters<WorkerThread["post"]>[] = [];
    let thread: WorkerThread | undefined;
    let isReady = false;
    let isNeeded = false;
    const tryFrom = (index: number, firstFault?: string): void => {
      const isCurrent = (): boolean => attempt === attempts;
      const attempt = ++attempts;
      const fail = ({ message }: { readonly message: string }): void => {
        if (!isCurrent()) return;
        // Why the usual way is closed says more than why the last one is.
        if (isReady || index + 1 === starts.length) listener.onEnd(firstFault ?? message);
        else tryFrom(index + 1, firstFault ?? message);
      };
      const hear = (message: Reply | Ready): void => {
        if (message.kind !== "ready") return listener.onReply(message);
        isReady = true;
        try {
          held.splice(0).forEach((told) => thread?.post(...told));
        } catch (error) {
          // A port closes with the thread that has its other end, whose end may not have been heard of yet, or was wanted.
          fail(error as Error);
        }
      };
      starts[index]?.(hear, fail).then((started) => {
        if (!isCurrent()) return started.terminate();
        thread = started;
        thread.keepAlive(isNeeded);
      }, fail);
    };
    let attempts = 0;
    tryFrom(0);
    return {
      post: (...told) => {
        if (isReady) thread?.post(...told);
        else held.push(told);
      },
      terminate: () => {
        attempts++;
        thread?.terminate();
      },
      keepAlive: (needed) => {
        isNeeded = needed;
        thread?.keepAlive(needed);
      },
    };
  };
