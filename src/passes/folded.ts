// Values that are made of states alone, and held instead of made in every step: weights with a normalization folded in. Those that a stage
// leaves alone are made when it begins; what it trains is folded anew when it has changed and is asked for, by evaluation and prediction.

import type { EntryPorts, FoldReport } from "../ir/artifact.ts";
import type { Builder } from "../ir/builder.ts";
import { topologicalOrder, type Graph } from "../ir/graph.ts";
import type { ForwardModel, NetworkModel, Parameter } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import type { InputAttrs } from "../ir/ops/leaf.ts";
import type { EntryName } from "../ir/program.ts";
import { foldNorms } from "./fold-norms.ts";

interface FoldContext {
  readonly b: Builder;
  readonly network: NetworkModel;
  readonly isFrozen: (parameter: Parameter) => boolean;
}

interface Held {
  readonly value: Node;
  /** Nothing that it is made of changes in a training step. */
  readonly isSteady: boolean;
}

/** What an entry that makes held values is called, whether or not a training step changes what they are made of. */
const ENTRIES = [
  ["fold", true],
  ["fold_trained", false],
] as const;

export class Folded {
  readonly #b: Builder;
  /** States that a training step leaves alone. */
  readonly #still: ReadonlySet<Node>;
  readonly #held = new Map<string, Held>();
  readonly #leaves = new Map<Node, Node>();
  readonly #norms = { training: new Set<string>(), answers: new Set<string>() };

  /** @param updates of statistics, in a training step */
  constructor({ b, network, isFrozen }: FoldContext, updates: ForwardModel["updates"]) {
    const isLeft = (parameter: Parameter): boolean => (parameter.kind === "weight" ? isFrozen(parameter) : !updates.has(parameter.name));
    const still = [...network.parameters.filter(isLeft), ...(network.teacher?.parameters ?? [])];
    this.#b = b;
    this.#still = new Set(still.map(({ node }) => node));
  }

  /** A network as a training step computes it. */
  inTraining(model: ForwardModel): ForwardModel {
    return this.#fold(model, "training", (value) => this.#isSteady(value));
  }

  /** A network as it answers between training steps. */
  inAnswers(model: ForwardModel): ForwardModel {
    return this.#fold(model, "answers", (value) => statesOf(value) !== undefined);
  }

  report(): FoldReport {
    return { training: [...this.#norms.training], answers: [...this.#norms.answers] };
  }

  /** What makes the held values, of all that has been asked for so far. */
  entries(): readonly (readonly [EntryName, { readonly graph: Graph; readonly ports: EntryPorts }])[] {
    return ENTRIES.flatMap(([name, isSteady]) => {
      const outputs = new Map([...this.#held].flatMap(([leaf, held]) => (held.isSteady === isSteady ? [[leaf, held.value] as const] : [])));
      return outputs.size === 0 ? [] : [[name, { graph: { builder: this.#b, outputs }, ports: { purpose: "fold", isSteady } }] as const];
    });
  }

  #fold(model: ForwardModel, when: keyof FoldReport, canHold: (value: Node) => boolean): ForwardModel {
    const folded = foldNorms(this.#b, model, { canHold, hold: this.#hold });
    for (const norm of folded.norms) this.#norms[when].add(norm);
    return folded.model;
  }

  #isSteady(value: Node): boolean {
    return statesOf(value)?.every((state) => this.#still.has(state)) === true;
  }

  readonly #hold = (value: Node, wanted: string): Node => {
    const known = this.#leaves.get(value);
    if (known) return known;
    let name = `folded/${wanted}`;
    for (let i = 1; this.#held.has(name); i++) name = `folded/${wanted}@${i}`;
    const leaf = this.#b.input({ name, role: "state", kind: "folded", type: value.type });
    this.#held.set(name, { value, isSteady: this.#isSteady(value) });
    this.#leaves.set(value, leaf);
    return leaf;
  };
}

/** The states that a value is made of; undefined where it is made of anything else. */
function statesOf(value: Node): readonly Node[] | undefined {
  const leaves = topologicalOrder([value]).filter((node) => "role" in node.attrs);
  return leaves.every((node) => (node.attrs as InputAttrs).role === "state") ? leaves : undefined;
}
