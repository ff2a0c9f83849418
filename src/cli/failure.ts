// From errors to exit codes: 1 the run failed, 2 the user's spec, data or usage, 3 the environment, 4 a loss that is no number. Nobody
// gets a stack trace for a mistake of their own; a mistake of ours says that it is one.

import { DeviceError } from "../runtime/device.ts";
import { DataError, NonFiniteLossError } from "../runtime/errors.ts";
import { systemReason } from "../runtime/system-reason.ts";
import type { Terminal } from "./terminal.ts";

export const EXIT = { ok: 0, failed: 1, usage: 2, environment: 3, nonFinite: 4 } as const;

/** Ends a verb whose complaint is printed already. */
export class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** A command that cannot be meant. */
export class UsageError extends Error {
  readonly hint: string;
  constructor(message: string, hint = "") {
    super(message);
    this.hint = hint;
  }
}

/** Prints what happened and says with which code to leave. */
export function reportFailure(error: unknown, terminal: Terminal): number {
  if (error instanceof Exit) return error.code;
  const { code, message, hint } = classify(error);
  terminal.fail(message, hint);
  if (error instanceof Error && terminal.io.env["TLC_DEBUG"] === "1") terminal.note(error.stack ?? "");
  terminal.object({ event: "error", code, message, ...(hint === "" ? {} : { hint }) });
  return code;
}

function classify(error: unknown): { readonly code: number; readonly message: string; readonly hint: string } {
  if (error instanceof UsageError || error instanceof DataError) return { code: EXIT.usage, message: error.message, hint: error.hint };
  if (error instanceof NonFiniteLossError) return { code: EXIT.nonFinite, message: error.message, hint: error.hint };
  if (error instanceof DeviceError) {
    return { code: error.reason === "unavailable" ? EXIT.environment : EXIT.failed, message: error.message, hint: error.hint };
  }
  if (error instanceof Error && "syscall" in error) {
    const path = "path" in error ? ` ${String(error.path)}` : "";
    return { code: EXIT.failed, message: `cannot ${String(error.syscall)}${path}: ${systemReason(error)}`, hint: "" };
  }
  return {
    code: EXIT.failed,
    message: `something broke inside tlc: ${error instanceof Error ? error.message : String(error)}`,
    hint: "this is a bug of tlc, not yours; please report it with the spec and the command (TLC_DEBUG=1 shows where it happened)",
  };
}
