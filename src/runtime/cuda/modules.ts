// A program's kernels as modules of the driver: one for every GPU, loaded at once, and those of kernels that need an architecture when one of them is first
// asked for, which none is where nothing was found to be faster by them.

import type { Architecture, Program } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";
import { CudaError, type Driver } from "./driver.ts";
import { LibraryError } from "./library.ts";

/** PTX with a zero at its end, by what kernels need. */
export type Images = ReadonlyMap<Architecture | undefined, Uint8Array>;

/** cuda.h's CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES. */
const MOST_SHARED_AT_LAUNCH = 8;

export class Modules {
  readonly #driver: Driver;
  readonly #program: Program;
  readonly #images: Images;
  readonly #modules = new Map<Architecture | undefined, bigint>();
  readonly #functions = new Map<number, bigint>();

  constructor(driver: Driver, program: Program, images: Images) {
    this.#driver = driver;
    this.#program = program;
    this.#images = images;
    program.kernels.forEach(({ cuda }, kernel) => cuda && cuda.needs === undefined && this.functionOf(kernel));
  }

  /** Whether the GPU runs a kernel, and those that run next. */
  runs(kernel: number): boolean {
    const { cuda, then } = this.#program.kernels[kernel] ?? {};
    return this.#images.has(cuda?.needs) && (then === undefined || this.runs(then));
  }

  /** Throws a LibraryError where the driver takes no module of an architecture: nothing has to be done by it. */
  functionOf(kernel: number): bigint {
    const known = this.#functions.get(kernel);
    if (known !== undefined) return known;
    const { name = "", cuda } = this.#program.kernels[kernel] ?? {};
    if (!cuda) throw new InternalError(`${name} is no CUDA kernel`);
    const { needs, sharedBytes = 0 } = cuda;
    try {
      const found = this.#driver.handle("cuModuleGetFunction", this.#moduleOf(needs), cuda.entry);
      if (sharedBytes > 0) this.#driver.call("cuFuncSetAttribute", found, MOST_SHARED_AT_LAUNCH, sharedBytes);
      this.#functions.set(kernel, found);
      return found;
    } catch (error) {
      if (needs === undefined || !(error instanceof CudaError)) throw error;
      throw new LibraryError(`kernels for ${needs}`, error.message);
    }
  }

  dispose(): void {
    for (const module of this.#modules.values()) this.#driver.attempt("cuModuleUnload", module);
  }

  #moduleOf(needs: Architecture | undefined): bigint {
    const known = this.#modules.get(needs);
    if (known !== undefined) return known;
    // What is not there, the driver refuses.
    const loaded = this.#driver.handle("cuModuleLoadData", this.#images.get(needs) ?? null);
    this.#modules.set(needs, loaded);
    return loaded;
  }
}
