// Random graphs, and random steps with states, on a device and in the interpreter. Only on devices do temporaries share bytes of one
// arena, so this is also the test that the memory plan never lets two living values meet.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../../src/runtime/device.ts";
import { randomGraph } from "../support/random-graph.ts";
import { randomStep } from "../support/random-step.ts";
import { interpret, interpretSteps, runGraph, runSteps } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";

const TOLERANCE = 1e-4;
/** Float32's rounding of values near 1. */
const TINY = 1e-6;
const STEPS = 3;

export function randomGraphSuite(
  name: string,
  open: () => Promise<Device>,
  counts: { readonly graphs: number; readonly steps: number },
): void {
  describe(`${name} agrees with the interpreter`, () => {
    let device: Device;
    beforeAll(async () => {
      device = await open();
    });
    afterAll(() => device.dispose());

    it("on random graphs", async () => {
      for (let seed = 1; seed <= counts.graphs; seed++) {
        const { graph, inputs } = randomGraph(seed, 5 + ((seed * 7) % 25));
        const actual = await runGraph(device, graph, inputs);
        expect(disagreement(actual, interpret(graph, inputs), TOLERANCE, TINY), `seed ${seed}`).toBeUndefined();
      }
    }, 300_000);

    it("on random steps", async () => {
      for (let seed = 1; seed <= counts.steps; seed++) {
        const step = randomStep(seed, 4 + ((seed * 5) % 20));
        const actual = await runSteps(device, step, STEPS);
        interpretSteps(step, STEPS).forEach((values, i) =>
          expect(disagreement(actual[i], values, TOLERANCE, TINY), `seed ${seed}, step ${i}`).toBeUndefined(),
        );
      }
    }, 300_000);
  });
}
