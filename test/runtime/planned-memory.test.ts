// What the memory plan says that a stage takes is what a device takes for it: for examples of several kinds, in all their stages. CUDA by what is
// allocated of its driver; WebAssembly by where its memory ends, of which kernels' tables and the threads' scratch are no part of the plan. WebGPU, whose
// buffers are counted, is in webgpu-planned-memory.test.ts.

import { describe, expect, it } from "vitest";
import { findKoffi } from "../../src/runtime/cuda/koffi.ts";
import { layOut } from "../../src/runtime/wasm/layout.ts";
import { PAGE } from "../../src/runtime/wasm/memory.ts";
import { PLANNED_EXAMPLES } from "../support/planned-examples.ts";
import { hostDriver, NO_HOST_COMPILER, openHostDriver } from "../support/cuda-host.ts";

/** Of the host, where the driver reads the arguments of launches, and two maps of matrices. */
const ARGUMENTS = 1024 + 2 * 128;

describe.each(PLANNED_EXAMPLES)("$name", ({ compile }) => {
  it("takes of WebAssembly's memory what is planned, and tables and scratch", async () => {
    for (const { name, program, report } of (await compile("wasm")).stages) {
      expect(report.bytes.arena).toBe(program.arenaBytes);
      const { end, margin, tables, scratchBytes, tablesAt } = layOut(program, 2);
      // The arena ends where the tables begin, but for a page and what kernels may read beside it.
      expect([name, Math.ceil(tablesAt / 256)]).toEqual([name, Math.ceil((PAGE + 2 * margin + program.arenaBytes) / 256)]);
      expect(end - tablesAt).toBeLessThanOrEqual(4 * tables.length + 2 * scratchBytes + margin + 4 * 256);
    }
  });

  const without = NO_HOST_COMPILER;
  it.skipIf(without !== undefined)("takes of CUDA's memory what is planned, to the byte", async (context) => {
    if (!(await findKoffi())) context.skip("the npm package koffi is not installed");
    const device = await openHostDriver();
    const used = device.driver.koffi.load(await hostDriver()).func("fake_used", "uint64", []) as unknown as () => bigint | number;
    for (const { name, program } of (await compile("cuda")).stages) {
      const before = Number(used());
      const session = await device.load(program);
      expect([name, Number(used()) - before]).toEqual([name, program.arenaBytes + ARGUMENTS]);
      session.dispose();
      expect(Number(used())).toBe(before);
    }
    device.dispose();
  });
});
