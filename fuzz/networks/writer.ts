// Both texts of a random network while it is written.

import type { Random } from "../fuzzer.ts";

interface LayerOptions {
  /** What the module called so does, in Python. */
  readonly forward?: (call: string) => string;
  /** False where there is nothing to freeze. */
  readonly hasWeights?: boolean;
}

const callOf = (call: string): string => `x = ${call}(x)`;

export class Writer {
  readonly random: Random;
  readonly steps: string[] = [];
  readonly members: string[] = [];
  readonly forward: string[] = [];
  /** Scopes with parameters, which may be frozen. */
  readonly scopes: string[] = [];
  #names = 0;

  constructor(random: Random) {
    this.random = random;
  }

  name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  /** A layer with weights of its own: `x` becomes what the module gives. */
  layer(prefix: string, step: string, member: string, { forward = callOf, hasWeights = true }: LayerOptions = {}): void {
    const name = this.name(prefix);
    this.steps.push(`${name}: ${step}`);
    this.members.push(`self.${name} = ${member}`);
    this.forward.push(forward(`self.${name}`));
    if (hasWeights) this.scopes.push(name);
  }

  /** A step without weights. */
  step(step: string, forward: string): void {
    this.steps.push(step);
    this.forward.push(`x = ${forward}`);
  }
}
