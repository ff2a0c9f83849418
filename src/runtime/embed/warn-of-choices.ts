// What an application is told of choices by measuring: only of ways that compute something else, by Node's own warnings, which it can listen to.

import { differingWays, type Choice } from "../tuning/tuner.ts";

export function warnOfChoices(choices: readonly Choice[]): void {
  for (const text of choices.flatMap(differingWays)) process.emitWarning(text, "TlspecWarning");
}
