// `tlc check`: everything that can be said about a spec and its data without running it. Loads neither a device nor an image library.

import { dataFolders } from "../runtime/inside.ts";
import { EXIT } from "./failure.ts";
import { compileRequest, DEFAULT_TARGET, showDiagnostics, type CompileOptions } from "./open.ts";
import { requireSpec } from "./spec-file.ts";
import type { Terminal } from "./terminal.ts";
import type { CheckRequest } from "./toolchain.ts";
import { weightAccess } from "./weights.ts";

export async function check(files: readonly string[], options: CompileOptions, terminal: Terminal): Promise<number> {
  let failed = false;
  for (const file of files) {
    await requireSpec(file);
    const compiled = compileRequest(file, options, DEFAULT_TARGET, terminal);
    const request: CheckRequest = {
      ...compiled,
      // What a run would stumble over when it loads its data.
      describeData: async (plan, labels) => {
        const info = await compiled.describeData(plan, labels);
        await (await import("../runtime/data/index.ts")).examineTables(plan, info, { within: dataFolders(file, options) });
        return info;
      },
      // What is not here is not waited for.
      describeWeights: async (source: string) =>
        (await import("../runtime/weights/published.ts")).describeWeightsAtHand(source, weightAccess(file, options, terminal)),
    };
    const outcome = await terminal.io.toolchain.checkSpec(file, request);
    const { errors, warnings } = showDiagnostics(outcome, terminal);
    failed ||= errors > 0;
    terminal.object({ event: "check", file, errors, warnings });
    const counted = [errors > 0 ? plural(errors, "error") : "", warnings > 0 ? plural(warnings, "warning") : ""].filter(
      (text) => text !== "",
    );
    if (counted.length === 0) terminal.line(`${terminal.paintOut("green", "ok")} ${file}`);
    else terminal.line(`${file}: ${counted.join(", ")}`);
  }
  return failed ? EXIT.usage : EXIT.ok;
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;
