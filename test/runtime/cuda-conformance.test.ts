// CUDA kernels against the graph interpreter, run by the host's C++ compiler; skipped, with the reason, where there is none.

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { tensorType } from "../../src/ir/types.ts";
import { NO_HOST_COMPILER, openHostCuda } from "../support/cuda-host.ts";
import { kernelsOfGraphs } from "../support/cuda-kernels.ts";
import { interpret, runGraph } from "../support/run-graph.ts";
import { disagreement } from "../support/values.ts";
import { conformance } from "./conformance.ts";

if (NO_HOST_COMPILER !== undefined)
  describe("cuda", () => {
    it.skip(`conformance: ${NO_HOST_COMPILER}`, () => undefined);
  });
else {
  const device = openHostCuda();
  conformance({
    name: "cuda on the host",
    open: () => Promise.resolve(device),
    prepare: (graphs) => device.prepare([...kernelsOfGraphs(graphs).values()]),
    tolerance: 2e-6,
  });

  it("cuda on the host runs kernels of one text for as many rows as each program has", async () => {
    const sizes = [129, 3];
    const graphs = sizes.map((rows): Graph => {
      const b = createBuilder();
      const x = b.input({ name: "x", role: "batch", type: tensorType("f32", [rows, 257]) });
      return { builder: b, outputs: new Map([["y", b.softmax(x, { axis: 1 })]]) };
    });
    const together = openHostCuda();
    await together.prepare([...kernelsOfGraphs(graphs).values()]);
    for (const [i, graph] of graphs.entries()) {
      const rows = sizes[i] ?? 0;
      const inputs = new Map([["x", Float64Array.from({ length: rows * 257 }, (_, at) => Math.fround(Math.sin(at)))]]);
      const actual = await runGraph(together, graph, inputs);
      expect(disagreement(actual, interpret(graph, inputs), 1e-5, 1e-6), `${String(rows)} rows`).toBeUndefined();
    }
    together.dispose();
  });
}
