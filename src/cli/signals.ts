// Ctrl-C, kill and a terminal that closes: the first lets the step finish and the weights be saved, the second leaves at once.

import type { Terminal } from "./terminal.ts";

const CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const SIGNALS = Object.keys(CODES) as Signal[];
type Signal = keyof typeof CODES;

export interface Interruption {
  readonly signal: AbortSignal;
  /** 128 and the number of the signal, once one came. */
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
    terminal.remark("stopping after this step, and saving the weights and a checkpoint; once more to leave at once");
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    return await body({ signal: controller.signal, code: () => code });
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}
