// The labelled steps of a network by their paths: which there are, and what each has made, for those who ask for a value in the middle of a
// network by its name (`backbone.layer3`).

import type * as Ast from "./ast.ts";
import { evaluate, type Environment } from "./evaluate.ts";
import { describeValue, isUnknown, type Value } from "./values.ts";

export class Scopes {
  /** Nothing yet of those that are being built. */
  readonly #values = new Map<string, Value | undefined>();

  enter(path: string): void {
    this.#values.set(path, undefined);
  }

  leave(path: string, value: Value): void {
    this.#values.set(path, value);
  }

  has(path: string): boolean {
    return this.#values.has(path);
  }

  get paths(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** The nearest one from a place on outwards, as names are looked up. */
  valueFrom(place: string, path: string): Value | undefined {
    for (let around = place; ; around = around.slice(0, Math.max(0, around.lastIndexOf(".")))) {
      const value = this.#values.get(around === "" ? path : `${around}.${path}`);
      if (value !== undefined || around === "") return value;
    }
  }
}

/** The name of a scope, with what its braces say. */
export const labelText = ({ parts }: Ast.Label, env: Environment): string =>
  parts
    .map((part) => {
      if (typeof part === "string") return part;
      const value = evaluate(part, env);
      if ((typeof value === "number" && Number.isInteger(value) && value >= 0) || (typeof value === "string" && /^\w+$/.test(value)))
        return String(value);
      if (!isUnknown(value))
        env.sink.report("wrong-type", part.span, {
          what: "a part of a scope name",
          wanted: "a whole number or a name",
          got: describeValue(value),
        });
      return "0";
    })
    .join("");
