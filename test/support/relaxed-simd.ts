// Tests of the wasm device run what users run: the command line has Node 20 fuse multiply-adds, which later ones do by themselves. Before
// each file, since files share a process; test/runtime/wasm-plain-simd.test.ts has them apart.

import { setFlagsFromString } from "node:v8";

/** Whether multiply-adds can be had fused and apart in one process. */
export const HAS_BOTH = process.versions.node.startsWith("20.");

export function fuseMultiplyAdds(isFused: boolean): void {
  if (HAS_BOTH) setFlagsFromString(`--${isFused ? "" : "no-"}experimental-wasm-relaxed-simd`);
}
