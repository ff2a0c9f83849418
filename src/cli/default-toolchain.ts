// The real compiler and the real devices behind the verbs.

import { openDevice } from "../runtime/open-device.ts";
import type { Toolchain } from "./toolchain.ts";

type Compiler = Pick<Toolchain, "checkSpec" | "compileSpec" | "compileTrace" | "emit">;

const COMPILER: string = "../compile.ts";
const compiler = async (): Promise<Compiler> => (await import(COMPILER)) as Compiler;

export const toolchain: Toolchain = {
  checkSpec: async (file, request) => (await compiler()).checkSpec(file, request),
  compileSpec: async (file, request) => (await compiler()).compileSpec(file, request),
  compileTrace: async (file, request) => (await compiler()).compileTrace(file, request),
  emit: async (artifact) => (await compiler()).emit(artifact),
  openDevice,
};
