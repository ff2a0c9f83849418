// The file that a worker thread starts with, in Node and in browsers alike: messages in, messages out.

import type { Message, Reply } from "./messages.ts";
import { Thread } from "./thread.ts";

interface Port {
  postMessage(message: Reply, transfer?: ArrayBuffer[]): void;
}

const isNode = typeof process === "object" && typeof process.versions === "object" && typeof process.versions.node === "string";

if (isNode) {
  const { parentPort } = await import(/* webpackIgnore: true */ /* @vite-ignore */ "node:worker_threads");
  if (parentPort) {
    const port = parentPort;
    const thread = threadOf(port);
    port.on("message", (message: Message) => {
      thread.receive(message);
    });
  }
} else {
  const scope = globalThis as unknown as Port & { onmessage: ((event: { readonly data: Message }) => void) | null };
  const thread = threadOf(scope);
  scope.onmessage = (event) => {
    thread.receive(event.data);
  };
}

function threadOf(port: Port): Thread {
  return new Thread((reply, transfer = []) => {
    port.postMessage(reply, [...transfer]);
  });
}
