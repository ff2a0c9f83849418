#!/usr/bin/env node
// The process around the command line: its streams, its exit code, and the end of a pipe that nobody reads.

import module from "node:module";
import { setFlagsFromString } from "node:v8";
import { runCli } from "./program.ts";
import { toolchain } from "./default-toolchain.ts";

// Node 22 and newer keep what V8 compiled of the verbs, which are imported when one is called.
(module as { enableCompileCache?: () => unknown }).enableCompileCache?.();

// Node 20 knows WebAssembly's fused multiply-adds, twice the speed of products, behind a flag; later ones without.
if (process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");

// `tlc explain | head` closes our stdout; that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await runCli(process.argv.slice(2), { stdout: process.stdout, stderr: process.stderr, env: process.env, toolchain });

// A graphics driver may keep threads alive; output still in a pipe gets this long to leave.
setTimeout(() => process.exit(), 1000).unref();
