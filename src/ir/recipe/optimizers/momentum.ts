// What SGD and LARS share: the direction with a share of those before it.

import type { Node } from "../../node.ts";
import { arg, problem, type Problem } from "../define.ts";
import type { OptimizerContext, Update } from "./define.ts";

export const MOMENTUM_ARGS = {
  momentum: arg("fraction", "share of the last update that is kept", 0),
  dampening: arg("fraction", "share of the gradient that momentum leaves out", 0),
  nesterov: arg("bool", "look ahead along the momentum", false),
} as const;

export const MOMENTUM_SLOTS = { momentum: 0 } as const;

interface Momentum {
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
}

export const checkMomentum = ({ nesterov, momentum, dampening }: Momentum): Problem | undefined =>
  nesterov && (momentum === 0 || dampening !== 0)
    ? problem("out-of-range", { what: "`momentum` with `nesterov`", wanted: "greater than 0, without dampening", got: String(momentum) })
    : undefined;

/** `weight` less the rate times the direction in which momentum carries it. */
export function momentumStep(
  { b, step, rate, slot, cycled }: OptimizerContext,
  { momentum: own, dampening, nesterov }: Momentum,
  weight: Node,
  along: Node,
): Update {
  const momentum = cycled ?? own;
  if (momentum === 0) return { weight: b.sub(weight, b.mul(rate, along)), slots: {} };
  const damped = b.add(b.mul(slot("momentum"), momentum), b.mul(along, 1 - dampening));
  // The first buffer is the gradient itself, undamped.
  const buffer = dampening === 0 ? damped : b.where(b.equal(step, 0), along, damped);
  const direction = nesterov ? b.add(along, b.mul(buffer, momentum)) : buffer;
  return { weight: b.sub(weight, b.mul(rate, direction)), slots: { momentum: buffer } };
}
