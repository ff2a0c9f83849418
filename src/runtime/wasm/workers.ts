// Worker threads as the device sees them, whatever starts them.

import type { Message, Reply } from "./messages.ts";

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

/** @param url of the built file of worker.ts */
export async function nodeWorkers(url: URL): Promise<StartWorker> {
  const { Worker } = await import(/* webpackIgnore: true */ /* @vite-ignore */ "node:worker_threads");
  return (listener) => {
    const worker = new Worker(url);
    worker.on("message", (reply: Reply) => {
      listener.onReply(reply);
    });
    worker.on("error", (error: Error) => {
      listener.onEnd(error.message);
    });
    worker.on("exit", () => {
      listener.onEnd("the worker thread ended");
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
}

/** @param start makes the worker; written out where a bundler can see the file's name */
export const webWorkers =
  (start: () => Worker): StartWorker =>
  (listener) => {
    const worker = start();
    worker.onmessage = (event: MessageEvent<Reply>) => {
      listener.onReply(event.data);
    };
    worker.onerror = (event) => {
      listener.onEnd(event.message || "the worker script could not be loaded; a content security policy must allow it: worker-src 'self'");
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

export const nodeOs = (): Promise<typeof import("node:os")> => import(/* webpackIgnore: true */ /* @vite-ignore */ "node:os");
