// What this engine's WebAssembly can do, by asking it to validate a few bytes; and a program's kernels compiled for it.

import type { Program } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";
import { sharedFlagAt } from "../../ir/wasm-module.ts";
import { DeviceError } from "../device.ts";

/** (func (result v128) ...): the header of a module with one function without parameters. */
const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0];
const ZERO = [0x41, 0, 0xfd, 15];

const validates = (body: readonly number[]): boolean =>
  WebAssembly.validate(Uint8Array.from([...HEADER, 10, body.length + 4, 1, body.length + 2, 0, ...body, 0x0b]));

/** Fused multiply-adds (f32x4.relaxed_madd): Chrome 114, Firefox 145, Node 21. */
export const hasRelaxedSimd = (): boolean => validates([...ZERO, ...ZERO, ...ZERO, 0xfd, 0x85, 2]);

export const hasSimd = (): boolean => typeof WebAssembly === "object" && validates(ZERO);

export function requireSimd(): void {
  if (hasSimd()) return;
  throw new DeviceError(
    "unavailable",
    "this engine has no WebAssembly SIMD",
    "Use Node 20 or later, or a browser with it: Chrome or Edge 91, Firefox 89, Safari 16.4 or later.",
  );
}

/** The modules of all kernels, in their order. */
export async function compileKernels(program: Program, isShared: boolean): Promise<WebAssembly.Module[]> {
  const isRelaxed = hasRelaxedSimd();
  return Promise.all(
    program.kernels.map(async ({ name, wasm }) => {
      if (!wasm) throw new InternalError(`kernel ${name} was not compiled for the wasm device`);
      const bytes = fromBase64(isRelaxed ? wasm.relaxed : wasm.simd);
      if (!isShared) bytes[sharedFlagAt(bytes)] = 1;
      let module: WebAssembly.Module;
      try {
        module = await WebAssembly.compile(bytes);
      } catch (error) {
        throw new InternalError(`kernel ${name} does not compile: ${error instanceof Error ? error.message : String(error)}`);
      }
      // A module reaches what it imports and nothing else.
      const imports = WebAssembly.Module.imports(module).map((it) => `${it.kind} ${it.module}.${it.name}`);
      const exports = WebAssembly.Module.exports(module).map((it) => `${it.kind} ${it.name}`);
      if (imports.join() !== "memory env.memory" || !exports.includes("function run"))
        throw new InternalError(`kernel ${name} imports ${imports.join()} and exports ${exports.join()}`);
      return module;
    }),
  );
}

// A loop, since it runs before anything else can: `Uint8Array.from` over a string's characters takes ten times as long.
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}
