// A compiler of kernels, whichever it is.

export interface KernelCompiler {
  readonly name: "NVRTC" | "nvcc";
  /** As in 13.0. */
  readonly version: string;
  readonly path: string;
  /** PTX, for a virtual architecture as in `compute_80`. An error has what the compiler said. */
  compile(source: string, arch: string): Promise<string>;
}

/** What a compiler says of kernels that it refuses, or a library of itself. */
export class CompilerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CompilerError";
  }
}
