// What libraries can do of a program's kernels: their plans, and the memory that they and what lies between them and the kernels around them need,
// one part of the arena for all of them, since launches follow each other.

import { madeParams, resultOf } from "../../ir/library-params.ts";
import { ALIGNMENT, type CompiledKernel, type ContractionOfLibrary, type Program } from "../../ir/program.ts";
import { bytesPerElement } from "../../ir/types.ts";
import { isLibraryError, type LibraryPlan, type ProductLibrary } from "./library.ts";

interface Work {
  readonly plans: readonly LibraryPlan[];
  /** From the start of the memory between: of each operand that is made before, and of the product where there is a rest. */
  readonly offsets: readonly number[];
}

export class LibraryWork {
  readonly #work: ReadonlyMap<number, Work>;
  readonly #betweenBytes: number;
  /** Of all of it. */
  readonly bytes: number;

  constructor({ kernels }: Program, libraries: readonly ProductLibrary[]) {
    const work = new Map<number, Work>();
    let between = 0;
    kernels.forEach((kernel, i) => {
      const { library } = kernel;
      const plans = library ? libraries.flatMap((it) => plansOf(it, library.product)) : [];
      if (plans.length === 0) return;
      const offsets: number[] = [];
      let end = 0;
      for (const bytes of bytesBetween(kernel)) {
        offsets.push(end);
        end += aligned(bytes);
      }
      work.set(i, { plans, offsets });
      between = Math.max(between, end);
    });
    this.#work = work;
    this.#betweenBytes = between;
    const workspace = Math.max(0, ...[...work.values()].flatMap(({ plans }) => plans).map(({ workspaceBytes }) => workspaceBytes));
    this.bytes = between + aligned(workspace);
  }

  plansOf(kernel: number): readonly LibraryPlan[] {
    return this.#work.get(kernel)?.plans ?? [];
  }

  /**
   * Where a kernel's plans work.
   * @param start of all of the memory
   */
  placesOf(kernel: number, start: bigint): { readonly between: readonly bigint[]; readonly workspace: bigint } {
    const { offsets = [] } = this.#work.get(kernel) ?? {};
    return { between: offsets.map((offset) => start + BigInt(offset)), workspace: start + BigInt(this.#betweenBytes) };
  }

  dispose(): void {
    for (const plan of [...this.#work.values()].flatMap(({ plans }) => plans)) plan.dispose();
  }
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Of what a library's product takes from a kernel before it, and leaves to the one after it. */
function bytesBetween({ library, params = [] }: CompiledKernel): readonly number[] {
  if (!library) return [];
  const { product, rest } = library;
  const between = [...madeParams(product, params.length), ...(rest === undefined ? [] : [resultOf(product)])];
  return between.map(({ dtype, length }) => bytesPerElement(dtype) * length);
}

/** What a library refuses is done without it. */
function plansOf(library: ProductLibrary, product: ContractionOfLibrary): readonly LibraryPlan[] {
  try {
    return library.plansOf(product);
  } catch (error) {
    if (isLibraryError(error)) return [];
    throw error;
  }
}
