// The states of one program: an entry declares what it carries from step to step when it first reads it, and the entry that gives
// everything its initial value is made of this list.

import type { Builder } from "../ir/builder.ts";
import type { Graph } from "../ir/graph.ts";
import type { Node } from "../ir/node.ts";
import type { State } from "../ir/state.ts";
import { InternalError, sameType, tensorType } from "../ir/types.ts";

/** The buffer of the number from which all random numbers of a program come. */
export const SEED = "seed";

export const seedOf = (b: Builder): Node => b.input({ name: SEED, role: "batch", type: tensorType("u32", []) });

export class StateTable {
  readonly #b: Builder;
  readonly #states = new Map<string, State>();

  constructor(b: Builder) {
    this.#b = b;
  }

  /** The state's value before the step. */
  declare(state: State): Node {
    const known = this.#states.get(state.name);
    if (known && !(known.kind === state.kind && sameType(known.type, state.type)))
      throw new InternalError(`${state.name} is declared as two different states`);
    if (!known) this.#states.set(state.name, state);
    return this.#b.input({ name: state.name, role: "state", kind: state.kind, type: state.type });
  }

  /** The value before the step of a state that is declared. */
  valueOf(name: string): Node {
    const state = this.#states.get(name);
    if (!state) throw new InternalError(`${name} is no state`);
    return this.declare(state);
  }

  has({ name }: Pick<State, "name">): boolean {
    return this.#states.has(name);
  }

  /** In the order in which they were declared. */
  list(): readonly State[] {
    return [...this.#states.values()];
  }

  /** Initial values by name. A state's place in the list is its stream of random numbers. */
  initialValues(): Graph {
    const seed = seedOf(this.#b);
    return {
      builder: this.#b,
      outputs: new Map(this.list().map((state, stream) => [state.name, initialValue(this.#b, seed, state, stream)])),
    };
  }
}

function initialValue(b: Builder, seed: Node, { init, type }: State, stream: number): Node {
  const step = b.constant({ value: 0, type: tensorType("u32", []) });
  const { shape } = type;
  switch (init.kind) {
    case "constant":
      return b.constant({ value: init.value, type });
    case "uniform":
      return b.mul(b.sub(b.mul(b.randomUniform(seed, step, { shape, stream }), 2), 1), init.bound);
    case "normal":
      return b.mul(b.randomNormal(seed, step, { shape, stream }), init.std);
    default:
      return init satisfies never;
  }
}
