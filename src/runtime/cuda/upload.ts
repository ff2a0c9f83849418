// Data that comes again and again, as windows of a data set that is too large for the GPU: it goes to the GPU while that computes on what came before. The
// host puts it down in memory that the GPU reads by itself, in two places by turns; a stream of its own takes it from there to a place beside; and in its turn the
// session's stream moves it to where kernels read it, which takes a hundredth of the time.

import type { HostArray } from "../../ir/arrays.ts";
import { CudaError, type Driver } from "./driver.ts";

const NON_BLOCKING = 1;
/** cuda.h's CU_EVENT_DISABLE_TIMING. */
const NO_TIMES = 2;

/** Memory of the host, and when the GPU has read what was put there last. */
interface Place {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly isRead: bigint;
}

interface Room {
  readonly places: readonly [Place, Place];
  readonly beside: bigint;
  readonly size: number;
}

export class Upload {
  readonly #driver: Driver;
  /** Of the session. */
  readonly #stream: bigint;
  readonly #own: bigint;
  /** When what was beside has been moved. */
  readonly #isMoved: bigint;
  #room: Room | undefined;
  #turn = 0;

  constructor(driver: Driver, stream: bigint) {
    this.#driver = driver;
    this.#stream = stream;
    this.#own = driver.handle("cuStreamCreate", NON_BLOCKING);
    this.#isMoved = driver.handle("cuEventCreate", NO_TIMES);
  }

  /** Copies data to the device, in the turn of the session's stream. False where there is no memory to do it by: nothing was done. */
  write(to: bigint, data: HostArray): boolean {
    const room = this.#roomFor(data.byteLength);
    if (!room) return false;
    const driver = this.#driver;
    const place = room.places[this.#turn++ % 2 === 0 ? 0 : 1];
    driver.call("cuEventSynchronize", place.isRead);
    place.bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    driver.call("cuStreamWaitEvent", this.#own, this.#isMoved, 0);
    driver.call("cuMemcpyHtoDAsync_v2", room.beside, place.bytes, data.byteLength, this.#own);
    driver.call("cuEventRecord", place.isRead, this.#own);
    driver.call("cuStreamWaitEvent", this.#stream, place.isRead, 0);
    driver.call("cuMemcpyDtoDAsync_v2", to, room.beside, data.byteLength, this.#stream);
    driver.call("cuEventRecord", this.#isMoved, this.#stream);
    return true;
  }

  dispose(): void {
    this.#driver.attempt("cuStreamSynchronize", this.#own);
    this.#giveBack();
    this.#driver.attempt("cuEventDestroy_v2", this.#isMoved);
    this.#driver.attempt("cuStreamDestroy_v2", this.#own);
  }

  #roomFor(bytes: number): Room | undefined {
    if (this.#room && this.#room.size >= bytes) return this.#room;
    const driver = this.#driver;
    // Nobody reads what is given back.
    driver.call("cuEventSynchronize", this.#isMoved);
    driver.call("cuStreamSynchronize", this.#own);
    this.#giveBack();
    const taken: (() => void)[] = [];
    const keep = (address: bigint, free: "cuMemFreeHost" | "cuMemFree_v2" | "cuEventDestroy_v2"): bigint => {
      taken.push(() => driver.attempt(free, address));
      return address;
    };
    const makePlace = (): Place => {
      const address = keep(driver.handle("cuMemAllocHost_v2", bytes), "cuMemFreeHost");
      const isRead = keep(driver.handle("cuEventCreate", NO_TIMES), "cuEventDestroy_v2");
      return { address, isRead, bytes: new Uint8Array(driver.koffi.view(address, bytes)) };
    };
    try {
      const beside = keep(driver.handle("cuMemAlloc_v2", bytes), "cuMemFree_v2");
      return (this.#room = { beside, places: [makePlace(), makePlace()], size: bytes });
    } catch (error) {
      for (const free of taken) free();
      if (error instanceof CudaError && error.isOutOfMemory) return undefined;
      throw error;
    }
  }

  #giveBack(): void {
    if (!this.#room) return;
    const { beside, places } = this.#room;
    this.#room = undefined;
    this.#driver.attempt("cuMemFree_v2", beside);
    for (const { address, isRead } of places) {
      this.#driver.attempt("cuMemFreeHost", address);
      this.#driver.attempt("cuEventDestroy_v2", isRead);
    }
  }
}
