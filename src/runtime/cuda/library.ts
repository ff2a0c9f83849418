// A library of NVIDIA's that does what some kernels do, as the session sees it: plans that are made once, and enqueued like kernels.

import type { ContractionOfLibrary } from "../../ir/program.ts";
import type { Argument } from "./driver.ts";
import { bind, type Koffi, type NativeFunction } from "./koffi.ts";
import type { Signatures } from "./signatures.ts";

/** Where a plan works. */
export interface Place {
  /** On the device, of a kernel's parameter; behind them, of operands that are made before, and of the product where a kernel does the rest. */
  readonly addresses: readonly bigint[];
  /** As many bytes as the plan asks for. */
  readonly workspace: bigint;
  readonly stream: bigint;
}

/** A way of a library to do a product of matrices, or a convolution. */
export interface LibraryPlan {
  /** As it is remembered: the library, its version, and which of its ways. */
  readonly name: string;
  readonly workspaceBytes: number;
  /** Throws a LibraryError. Allocates nothing and waits for nothing, so that it can be part of a graph. */
  enqueue(place: Place): void;
  dispose(): void;
}

export interface ProductLibrary {
  /** As in cuBLASLt 13.1.0. */
  readonly name: string;
  /** The likeliest to be fast first; none where the library cannot do it. */
  plansOf(product: ContractionOfLibrary): readonly LibraryPlan[];
  dispose(): void;
}

/** A call that a library refused. */
export class LibraryError extends Error {
  constructor(call: string, status: string) {
    super(`${call}: ${status}`);
    this.name = "LibraryError";
  }
}

/** By name: in a compiled folder what throws lies in another file than who asks. */
export const isLibraryError = (error: unknown): error is LibraryError => error instanceof Error && error.name === "LibraryError";

/** The functions of a library, each call checked. */
export class NativeLibrary<Table extends Signatures> {
  readonly #functions: ReadonlyMap<keyof Table, NativeFunction>;
  readonly #statuses: Readonly<Record<number, string>>;

  /** @param statuses what its codes are called */
  constructor(koffi: Koffi, path: string, table: Table, statuses: Readonly<Record<number, string>>) {
    this.#functions = bind(koffi, path, table);
    this.#statuses = statuses;
  }

  call(name: keyof Table & string, ...args: readonly Argument[]): void {
    const code = this.#functions.get(name)?.(...args) ?? -1;
    if (code !== 0) throw new LibraryError(name, this.#statuses[code] ?? `status ${String(code)}`);
  }

  /** Calls a function where nothing can be done about a failure. */
  attempt(name: keyof Table & string, ...args: readonly Argument[]): void {
    this.#functions.get(name)?.(...args);
  }

  /** The handle that a function gives back through its first parameter. */
  handle(name: keyof Table & string, ...args: readonly Argument[]): bigint {
    const out = new BigUint64Array(1);
    this.call(name, out, ...args);
    return out[0] ?? 0n;
  }
}
