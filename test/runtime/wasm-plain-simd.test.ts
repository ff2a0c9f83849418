// The wasm device where products and sums are rounded apart, as engines without relaxed SIMD have them. All other tests have them fused.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDevice } from "../../src/runtime/open-device.ts";
import { fuseMultiplyAdds, HAS_BOTH } from "../support/relaxed-simd.ts";
import { conformance } from "./conformance.ts";
import { extremes } from "./extremes.ts";
import { traceSuite } from "./trace-suite.ts";

const open = () => openDevice("wasm", { threads: 2 });

async function describeDevice(): Promise<string> {
  const device = await open();
  device.dispose();
  return device.info.description;
}

it("is not what users have, nor other tests", async () => {
  expect(await describeDevice()).toContain("relaxed SIMD");
});

describe.skipIf(!HAS_BOTH)("without relaxed SIMD, which only Node 20 can leave out", () => {
  beforeAll(() => fuseMultiplyAdds(false));
  afterAll(() => fuseMultiplyAdds(true));

  it("the device has plain SIMD", async () => {
    expect(await describeDevice()).toMatch(/, SIMD/);
  });

  conformance({ name: "wasm, plain SIMD", open, tolerance: 2e-6 });
  extremes({ name: "wasm, plain SIMD", open, tolerance: 1e-5 });
  traceSuite("wasm", { names: ["cnn-sgd", "residual-sgd", "reader-sgd", "tagger-adam", "regressor-radam"] });
});
