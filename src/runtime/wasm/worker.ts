// The file that a worker thread starts with, in Node and in browsers alike: messages in, messages out. A script of the old kind would do, too:
// some bundlers make one of it, so it neither imports nor waits at its top.

import { isNode } from "../is-node.ts";
import type { Message, Ready, Reply } from "./messages.ts";
import { Thread } from "./thread.ts";

interface Port {
  postMessage(message: Reply | Ready, transfer?: ArrayBuffer[]): void;
}

if (isNode()) {
  const { parentPort } = process.getBuiltinModule("node:worker_threads");
  if (parentPort) listen(parentPort, (receive) => parentPort.on("message", receive));
} else {
  const scope = globalThis as unknown as Port & { onmessage: ((event: { readonly data: Message }) => void) | null };
  listen(scope, (receive) => {
    scope.onmessage = (event) => {
      receive(event.data);
    };
  });
}

function listen(port: Port, on: (receive: (message: Message) => void) => void): void {
  const thread = new Thread((reply, transfer = []) => {
    port.postMessage(reply, [...transfer]);
  });
  on((message) => {
    thread.receive(message);
  });
  port.postMessage({ kind: "ready" });
}
