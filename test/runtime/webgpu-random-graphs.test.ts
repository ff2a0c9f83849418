// Random graphs on WebGPU and on the reference device. Only here do temporaries share bytes of one arena, so this is also the test
// that the memory plan never lets two living values meet.

import { describe, expect, it } from "vitest";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { openWebgpuDevice } from "../../src/runtime/webgpu/device.ts";
import { randomGraph } from "../support/random-graph.ts";
import { runGraph } from "../support/run-graph.ts";
import { relativeError } from "../support/values.ts";

const COUNT = 25;

const found = await findAdapter();
if (!found) console.warn("skipped: no WebGPU adapter (see scripts/setup.sh)");

describe.skipIf(!found)("random graphs on webgpu", () => {
  it("agree with the reference device", async () => {
    if (!found) return;
    const device = await openWebgpuDevice(found);
    const reference = openReferenceDevice();
    try {
      for (let seed = 1; seed <= COUNT; seed++) {
        const { graph, inputs } = randomGraph(seed, 5 + ((seed * 7) % 25));
        const expected = await runGraph(reference, graph, inputs);
        const actual = await runGraph(device, graph, inputs);
        for (const [name, data] of expected) {
          const error = relativeError(actual.get(name) ?? [], data);
          const isTiny = Math.max(...Array.from(data, Math.abs)) < 1e-6;
          if (!(error < 1e-4 || isTiny)) expect.fail(`seed ${seed}: ${name} differs by ${error}`);
        }
      }
    } finally {
      device.dispose();
    }
  }, 120_000);
});
