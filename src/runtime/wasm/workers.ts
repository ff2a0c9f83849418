// Worker threads as the device sees them, whatever starts them. Part of what pages load too, so Node's modules are not imported but asked
// for by `process.getBuiltinModule`, which no bundler looks into.

import type { Message, Ready, Reply } from "./messages.ts";

export interface WorkerThread {
  post(message: Message, transfer?: readonly ArrayBuffer[]): void;
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

/** One way to start a thread; throws, or ends it, where this way is closed. */
type Start = (hear: (message: Reply | Ready) => void, onEnd: (message: string) => void) => WorkerThread;

/**
 * @param file the built file of worker.ts
 * @param source its text, for applications that were bundled into a file beside which it is not
 */
export function nodeWorkers(file: () => URL, source?: string): StartWorker {
  const start =
    (make: () => import("node:worker_threads").Worker): Start =>
    (hear, onEnd) => {
      const worker = make();
      worker.on("message", hear);
      worker.on("error", (error: Error) => {
        onEnd(error.message);
      });
      worker.on("exit", () => {
        onEnd("the worker thread ended");
      });
      worker.on("messageerror", (error: Error) => {
        onEnd(`an answer cannot be read: ${error.message}`);
      });
      worker.unref();
      return {
        post: (message, transfer = []) => {
          worker.postMessage(message, [...transfer]);
        },
        terminate: () => void worker.terminate(),
        keepAlive: (isNeeded) => {
          if (isNeeded) worker.ref();
          else worker.unref();
        },
      };
    };
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  const ofSource = source === undefined ? [] : [start(() => new Worker(source, { eval: true }))];
  return inTurn([start(() => new Worker(file())), ...ofSource]);
}

/**
 * @param file makes the worker of the built file; written out where a bundler can see the file's name
 * @param source its text: some bundlers do not look, and then the file is not where the bundle is
 */
export function webWorkers(file: () => Worker, source: string): StartWorker {
  const start =
    (make: () => Worker): Start =>
    (hear, onEnd) => {
      const worker = make();
      worker.onmessage = (event: MessageEvent<Reply | Ready>) => {
        hear(event.data);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        onEnd(event.message || "the worker script could not be loaded; a content security policy must allow it: worker-src 'self'");
      };
      worker.onmessageerror = () => {
        onEnd("an answer cannot be read");
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
  return inTurn([start(file), start(() => ofText(source))]);
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
      const fail = (message: string): void => {
        if (!isCurrent()) return;
        // Why the usual way is closed says more than why the last one is.
        if (isReady || index + 1 === starts.length) listener.onEnd(firstFault ?? message);
        else tryFrom(index + 1, firstFault ?? message);
      };
      const hear = (message: Reply | Ready): void => {
        if (message.kind !== "ready") return listener.onReply(message);
        isReady = true;
        held.splice(0).forEach((told) => thread?.post(...told));
      };
      try {
        thread = starts[index]?.(hear, fail);
        thread?.keepAlive(isNeeded);
      } catch (error) {
        queueMicrotask(() => {
          fail(error instanceof Error ? error.message : String(error));
        });
      }
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
