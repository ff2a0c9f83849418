// Where the time of a training step goes on the wasm device, launch by launch: node bench/wasm-profile.mjs WORK... [--threads N], where
// WORK is cnn, lstm50, lstm512, or a recipe of bench/transfer.tlspec.

import { parseArgs } from "node:util";
import { importTypeScript } from "./bundle.mjs";
import "./relaxed-simd.mjs";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { threads: { type: "string", default: "1" } } });
const { profileAll } = await importTypeScript("bench/wasm-profile.ts");
await profileAll(positionals, Number(values.threads));
