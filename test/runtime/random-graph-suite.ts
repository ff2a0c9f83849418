// Random graphs on a device and on the reference device. Only on devices do temporaries share bytes of one arena, so this is also the
// test that the memory plan never lets two living values meet.

import { expect, it } from "vitest";
import type { Device } from "../../src/runtime/device.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { randomGraph } from "../support/random-graph.ts";
import { runGraph } from "../support/run-graph.ts";
import { relativeError } from "../support/values.ts";

export function randomGraphSuite(name: string, open: () => Promise<Device>, count: number): void {
  it(`random graphs on ${name} agree with the reference device`, async () => {
    const device = await open();
    const reference = openReferenceDevice();
    try {
      for (let seed = 1; seed <= count; seed++) {
        const { graph, inputs } = randomGraph(seed, 5 + ((seed * 7) % 25));
        const expected = await runGraph(reference, graph, inputs);
        const actual = await runGraph(device, graph, inputs);
        for (const [output, data] of expected) {
          const error = relativeError(actual.get(output) ?? [], data);
          const isTiny = Math.max(...Array.from(data, Math.abs)) < 1e-6;
          if (!(error < 1e-4 || isTiny)) expect.fail(`seed ${seed}: ${output} differs by ${error}`);
        }
      }
    } finally {
      device.dispose();
    }
  }, 120_000);
}
