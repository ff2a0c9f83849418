// What libraries can do of a program's kernels: their plans, and the memory that they and the products between them and a kernel for the rest need,
// one part of the arena for all of them, since launches follow each other.

import { ALIGNMENT, type Program } from "../../ir/program.ts";
import { LibraryError, type LibraryPlan, type ProductLibrary } from "./library.ts";

export class LibraryWork {
  readonly #plans: ReadonlyMap<number, readonly LibraryPlan[]>;
  readonly #productBytes: number;
  /** Of all of it. */
  readonly bytes: number;

  constructor({ kernels }: Program, libraries: readonly ProductLibrary[]) {
    const plans = new Map<number, readonly LibraryPlan[]>();
    let product = 0;
    kernels.forEach(({ library }, i) => {
      const found = library ? libraries.flatMap((it) => plansOf(it, library.product)) : [];
      if (!library || found.length === 0) return;
      plans.set(i, found);
      const { batch, m, n } = library.product;
      if (library.rest !== undefined) product = Math.max(product, 4 * batch * m * n);
    });
    this.#plans = plans;
    this.#productBytes = aligned(product);
    const workspace = Math.max(0, ...[...plans.values()].flat().map(({ workspaceBytes }) => workspaceBytes));
    this.bytes = this.#productBytes + aligned(workspace);
  }

  plansOf(kernel: number): readonly LibraryPlan[] {
    return this.#plans.get(kernel) ?? [];
  }

  /** @param start where its memory begins */
  placesFrom(start: bigint): { readonly product: bigint; readonly workspace: bigint } {
    return { product: start, workspace: start + BigInt(this.#productBytes) };
  }

  dispose(): void {
    for (const plan of [...this.#plans.values()].flat()) plan.dispose();
  }
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** What a library refuses is done without it. */
function plansOf(library: ProductLibrary, product: Parameters<ProductLibrary["plansOf"]>[0]): readonly LibraryPlan[] {
  try {
    return library.plansOf(product);
  } catch (error) {
    if (error instanceof LibraryError) return [];
    throw error;
  }
}
