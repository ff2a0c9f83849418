// NVRTC, NVIDIA's compiler as a library: CUDA C++ to PTX within this process, with nothing of a toolkit but it.

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { bind, type Koffi } from "./koffi.ts";
import { NVRTC } from "./signatures.ts";
import { CompilerError, type KernelCompiler } from "./compiler.ts";

/** Throws where the library cannot be loaded. */
export function openNvrtc(koffi: Koffi, path: string): KernelCompiler {
  // Looks for this one by its name, where Python's packages are not: there it is found as loaded already.
  const folder = dirname(path);
  for (const file of readdirSync(folder)) if (file.startsWith("libnvrtc-builtins.so.")) koffi.load(join(folder, file));
  const functions = bind(koffi, path, NVRTC);
  type Name = keyof typeof NVRTC;
  const called = (name: Name): NonNullable<ReturnType<(typeof functions)["get"]>> => {
    const found = functions.get(name);
    if (!found) throw new CompilerError(`${path} has no ${name}`);
    return found;
  };
  const check = (name: Name, code: number, log = ""): void => {
    if (code !== 0) throw new CompilerError(`${name} gave error ${code}${log}`);
  };
  const call = (name: Name, ...args: readonly unknown[]): void => {
    check(name, called(name)(...args));
  };
  /** A text that the library has, without the zero at its end. */
  const text = (size: Name, take: Name, program: bigint): string => {
    const bytes = new BigUint64Array(1);
    call(size, program, bytes);
    const content = new Uint8Array(Number(bytes[0]));
    call(take, program, content);
    return new TextDecoder().decode(content.subarray(0, -1));
  };
  const [major, minor] = [new Int32Array(1), new Int32Array(1)];
  call("nvrtcVersion", major, minor);
  return {
    name: "NVRTC",
    version: `${String(major[0])}.${String(minor[0])}`,
    path,
    compile: async (source, arch) => {
      const handle = new BigUint64Array(1);
      call("nvrtcCreateProgram", handle, source, "kernels.cu", 0, 0, 0);
      const program = handle[0] ?? 0n;
      try {
        const options = [`--gpu-architecture=${arch}`];
        const code = await new Promise<number>((resume, reject) => {
          called("nvrtcCompileProgram").async(program, options.length, options, (error, result) => {
            if (error) reject(error);
            else resume(result);
          });
        });
        if (code !== 0) check("nvrtcCompileProgram", code, `:\n${text("nvrtcGetProgramLogSize", "nvrtcGetProgramLog", program)}`);
        return text("nvrtcGetPTXSize", "nvrtcGetPTX", program);
      } finally {
        call("nvrtcDestroyProgram", handle);
      }
    },
  };
}
