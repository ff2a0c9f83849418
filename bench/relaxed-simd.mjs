// Imported for what it does: fused multiply-adds on Node 20 too, as the command line has them; see src/cli/process.ts.

import { setFlagsFromString } from "node:v8";

if (process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
