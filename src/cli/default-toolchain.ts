// The real compiler and the real devices behind the verbs.

import { nearest } from "../diagnostics/suggest.ts";
import { openDevice } from "../runtime/open-device.ts";
import { UsageError } from "./failure.ts";
import type { CompileRequest, Toolchain } from "./toolchain.ts";

// Loaded late: the help of a verb must not wait for a parser.
const compiler = (): Promise<typeof import("../compile.ts")> => import("../compile.ts");

async function checkedCompiler({ dumpAfter }: CompileRequest): Promise<typeof import("../compile.ts")> {
  const loaded = await compiler();
  if (dumpAfter === undefined || loaded.PASS_NAMES.includes(dumpAfter)) return loaded;
  const suggestion = nearest(dumpAfter, loaded.PASS_NAMES);
  throw new UsageError(
    `there is no pass ${dumpAfter}`,
    `${suggestion === undefined ? "" : `did you mean ${suggestion}? `}passes are ${loaded.PASS_NAMES.join(", ")}`,
  );
}

/** @param beforeDevice called before a device is opened */
export const toolchainOf = (beforeDevice: () => void): Toolchain => ({
  checkSpec: async (file, request) => (await import("../check.ts")).checkSpec(file, request),
  compileSpec: async (file, request) => (await checkedCompiler(request)).compileSpec(file, request),
  compileTrace: async (file, request) => (await checkedCompiler(request)).compileTrace(file, request),
  emit: async (artifacts, options) => (await compiler()).emitFolder(artifacts, options),
  openDevice: (name, options) => {
    beforeDevice();
    return openDevice(name, options);
  },
  surveyMachine: async (options) => {
    beforeDevice();
    return (await import("../runtime/survey.ts")).surveyMachine(options);
  },
});

export const toolchain = toolchainOf(() => undefined);
