// Host memory for the arguments of one launch: buffers, maps of matrices in them, and the step of a loop. The driver takes them when the launch is enqueued.

import { MOST_MAPS, type CudaKernel } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";
import { CudaError, type Driver } from "./driver.ts";
import { LibraryError } from "./library.ts";
import { TENSOR_MAP_BYTES, tensorMapArguments } from "./tensor-maps.ts";

const MOST_ARGUMENTS = 64;
/** Where what lies in it begins, in bytes: values of eight, the maps, and the address of each argument. */
const [ADDRESSES_AT, MAPS_AT] = [8 * MOST_ARGUMENTS, 16 * MOST_ARGUMENTS];
const BYTES = MAPS_AT + MOST_MAPS * TENSOR_MAP_BYTES;

export class LaunchArguments {
  readonly #driver: Driver;
  readonly #address: bigint;
  readonly #words: BigUint64Array;

  constructor(driver: Driver) {
    this.#driver = driver;
    this.#address = driver.handle("cuMemAllocHost_v2", BYTES);
    this.#words = new BigUint64Array(driver.koffi.view(this.#address, MAPS_AT));
    this.#words.fill(this.#address, MOST_ARGUMENTS);
  }

  /**
   * The address of what a launch of a kernel is given. One that takes no step does not look at what follows. Throws a LibraryError where the driver makes no
   * map of a matrix: nothing has to be done by it.
   */
  of({ entry, maps = [] }: CudaKernel, buffers: readonly bigint[], time: number): bigint {
    if (buffers.length + maps.length >= MOST_ARGUMENTS || maps.length > MOST_MAPS) throw new InternalError(`${entry} takes too much`);
    const mapAt = (i: number): bigint => this.#address + BigInt(MAPS_AT + i * TENSOR_MAP_BYTES);
    maps.forEach((map, i) => {
      this.#encode(mapAt(i), tensorMapArguments(map, buffers[map.param] ?? 0n));
    });
    const valueAt = (i: number): bigint => this.#address + BigInt(8 * i);
    this.#words.set([...buffers, BigInt(time)]);
    this.#words.set([...buffers.map((_, i) => valueAt(i)), ...maps.map((_, i) => mapAt(i)), valueAt(buffers.length)], MOST_ARGUMENTS);
    return this.#address + BigInt(ADDRESSES_AT);
  }

  dispose(): void {
    this.#driver.attempt("cuMemFreeHost", this.#address);
  }

  #encode(to: bigint, given: ReturnType<typeof tensorMapArguments>): void {
    try {
      this.#driver.call("cuTensorMapEncodeTiled", to, ...given);
    } catch (error) {
      if (!(error instanceof CudaError)) throw error;
      throw new LibraryError("maps of matrices", error.message);
    }
  }
}
