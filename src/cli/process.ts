// The process around the command line: its streams, its exit code, and the end of a pipe that nobody reads.

import { visible } from "../diagnostics/visible.ts";
import { systemReason } from "../runtime/system-reason.ts";
import { toolchainOf } from "./default-toolchain.ts";
import { EXIT } from "./failure.ts";
import { runCli } from "./program.ts";

/** @param keep keeps what has been compiled of this by now; called before a device may change V8's flags, which are part of what is kept */
export async function main(keep: () => void): Promise<void> {
  // Output that nobody takes stops output, not what makes it: `tlc run | head -1` trains on, and so does a run whose terminal is gone. A
  // full disk is said once.
  let cannotWrite = "";
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || error.code === "EIO" || cannotWrite !== "") return;
    cannotWrite = systemReason(error);
    process.stderr.write(`error: cannot write the output: ${cannotWrite}\n`);
  });
  process.stderr.on("error", () => undefined);
  process.on("uncaughtException", broken);
  process.on("unhandledRejection", broken);

  const toolchain = toolchainOf(() => {
    keep();
    // Node 20 knows WebAssembly's fused multiply-adds, twice the speed of products, behind a flag; later ones without.
    if (process.versions.node.startsWith("20.")) process.getBuiltinModule("node:v8").setFlagsFromString("--experimental-wasm-relaxed-simd");
  });
  const { stdout, stderr, env } = process;
  const code = await runCli(process.argv.slice(2), { stdout, stderr, stdin: () => process.stdin, env, toolchain });
  process.exitCode = code;
  process.on("exit", () => {
    if (cannotWrite !== "" && code === EXIT.ok) process.exitCode = EXIT.failed;
  });

  // A graphics driver may keep threads alive; output still in a pipe gets this long to leave.
  setTimeout(() => process.exit(), 1000).unref();
}

/** What nobody waited for: a line about it, and not the source around it, which is minified. */
function broken(reason: unknown): void {
  process.stderr.write(`${visible(`error: something broke inside tlc: ${reason instanceof Error ? reason.message : String(reason)}`)}\n`);
  process.exit(EXIT.failed);
}
