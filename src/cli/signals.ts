// Ctrl-C and kill: the first lets the step finish and the weights be saved, the second leaves at once.

import type { Terminal } from "./terminal.ts";

const CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof CODES;

export interface Interruption {
  readonly signal: AbortSignal;
  /** 130 or 143 once a signal came. */
  readonly code: () => number | undefined;
}

export async function interruptible<T>(terminal: Terminal, body: (interruption: Interruption) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let code: number | undefined;
  const onSignal = (name: Signal): void => {
    if (code !== undefined) {
      terminal.clearLive();
      process.exit(CODES[name]);
    }
    code = CODES[name];
    terminal.note("stopping after this step and saving the weights; once more to leave at once");
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await body({ signal: controller.signal, code: () => code });
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}
