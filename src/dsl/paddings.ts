// The inputs of a network whose sequences end before their padding: its layers see zeros there, and ask which steps are real.

import type { Builder } from "../ir/builder.ts";
import type { Node } from "../ir/node.ts";
import { unpadded } from "../ir/padding.ts";
import { requireShape } from "./layers/define.ts";

export class Paddings {
  /** Steps of a padded input, with bool[batch, steps]: false behind the end of a sequence. */
  readonly #found: { readonly steps: number; readonly valid: Node }[] = [];
  /** Padded inputs, with zeros for their padding. */
  readonly values = new Map<Node, Node>();

  /** What the network sees of a padded input [batch, steps]. */
  add(b: Builder, input: Node): Node {
    const { valid, values } = unpadded(b, input);
    this.#found.push({ steps: input.type.shape[1] ?? 0, valid });
    this.values.set(input, values);
    return values;
  }

  /** A sequence [batch, time, …] has the lengths of the padded input that has as many steps; undefined where none has. */
  validSteps(x: Node): Node | undefined {
    const [found, another] = this.#found.filter(({ steps }) => steps === x.type.shape[1]);
    requireShape(
      another === undefined,
      () => `two padded inputs have ${String(found?.steps)} steps, and nothing says whose this sequence has: give \`pad\` other lengths`,
    );
    return found?.valid;
  }
}
