// Random graphs, and random steps with states, on a device and in the interpreter. Only on devices do temporaries share bytes of one
// arena, so this is also the test that the memory plan never lets two living values meet.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import type { Device } from "../../src/runtime/device.ts";
import { randomGraph } from "../support/random-graph.ts";
import { randomStep } from "../support/random-step.ts";
import { interpret, interpretSteps, runGraph, runSteps } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";

const TOLERANCE = 1e-4;
/** Float32's rounding of values near 1. */
const TINY = 1e-6;
const STEPS = 3;

interface Counts {
  readonly graphs: number;
  readonly steps: number;
}

const graphOf = (seed: number): ReturnType<typeof randomGraph> => randomGraph(seed, 5 + ((seed * 7) % 25));
const stepOf = (seed: number): ReturnType<typeof randomStep> => randomStep(seed, 4 + ((seed * 5) % 20));

/** What the suite runs. */
export const randomGraphs = ({ graphs, steps }: Counts): Graph[] => [
  ...Array.from({ length: graphs }, (_, i) => graphOf(i + 1).graph),
  ...Array.from({ length: steps }, (_, i) => stepOf(i + 1).graph),
];

export function randomGraphSuite(name: string, open: () => Promise<Device>, counts: Counts): void {
  describe(`${name} agrees with the interpreter`, () => {
    let device: Device;
    beforeAll(async () => {
      device = await open();
    });
    afterAll(() => device.dispose());

    it("on random graphs", async () => {
      for (let seed = 1; seed <= counts.graphs; seed++) {
        const { graph, inputs } = graphOf(seed);
        const actual = await runGraph(device, graph, inputs);
        expect(disagreement(actual, interpret(graph, inputs), TOLERANCE, TINY), `seed ${seed}`).toBeUndefined();
      }
    });

    it("on random steps", async () => {
      for (let seed = 1; seed <= counts.steps; seed++) {
        const step = stepOf(seed);
        const actual = await runSteps(device, step, STEPS);
        interpretSteps(step, STEPS).forEach((values, i) =>
          expect(disagreement(actual[i], values, TOLERANCE, TINY), `seed ${seed}, step ${i}`).toBeUndefined(),
        );
      }
    });
  });
}
