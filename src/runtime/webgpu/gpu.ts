// A GPU device with what becomes of it: the first error that it reported, and its end.

import { InternalError } from "../../ir/types.ts";
import { DeviceError } from "../device.ts";

/** How long after its last answers a device that is lost may take to say so. */
const LOST_MS = 2000;

/** The device and the first error it reported, wherever that came from. */
export class Gpu {
  readonly device: GPUDevice;
  // Dawn's instance must outlive its devices: collected earlier, it takes the process down. Kept longer, it keeps Node from exiting.
  instance: GPU | undefined;
  readonly #lost: Promise<void>;
  #error: Error | undefined;
  /** Who waits for the device, which may not answer any more once it is lost. */
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #onError = (event: GPUUncapturedErrorEvent): void => {
    const { error } = event;
    this.report(
      error instanceof GPUOutOfMemoryError
        ? new DeviceError("out-of-memory", `out of memory: ${error.message}`, "Use a smaller batch, or freeze more layers.")
        : new InternalError(`WebGPU: ${error.message}`),
    );
  };

  constructor(instance: GPU, device: GPUDevice) {
    this.instance = instance;
    this.device = device;
    device.addEventListener("uncapturederror", this.#onError);
    this.#lost = device.lost.then((info) => {
      this.#end(
        new DeviceError(
          "lost",
          `the GPU was lost: ${info.message || info.reason}`,
          "Start again; if it happens again, use a smaller batch.",
        ),
      );
    });
  }

  report(error: Error): void {
    this.#error ??= error;
  }

  throwIfFailed(): void {
    if (this.#error) throw this.#error;
  }

  /** What the device answers; rejects when it is lost or disposed of before, and with what it reported where it fails. */
  async answered<T>(answer: Promise<T>): Promise<T> {
    this.throwIfFailed();
    let onEnd: (error: Error) => void = () => undefined;
    try {
      // Not a race with `lost`: that would remember every answer until the device ends.
      return await new Promise<T>((resolve, reject) => {
        onEnd = reject;
        this.#waiting.add(onEnd);
        answer.then(resolve, reject);
      });
    } catch (error) {
      // An answer may fail a moment before the device says why.
      await Promise.race([this.#lost, new Promise((resolve) => setTimeout(resolve, LOST_MS))]);
      throw this.#error ?? error;
    } finally {
      this.#waiting.delete(onEnd);
    }
  }

  dispose(): void {
    // Dawn holds a listener, which holds this, which holds the device: with it, none of them would ever be collected.
    this.device.removeEventListener("uncapturederror", this.#onError);
    this.#end(new DeviceError("lost", "the device was disposed", "Open another one."));
    this.device.destroy();
    this.instance = undefined;
  }

  #end(error: Error): void {
    this.report(error);
    for (const reject of this.#waiting) reject(this.#error ?? error);
    this.#waiting.clear();
  }
}
