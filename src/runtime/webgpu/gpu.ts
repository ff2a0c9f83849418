// A GPU device with what becomes of it: the first error that it reported, and its end.

import { InternalError } from "../../ir/types.ts";
import { DeviceError } from "../device.ts";

/** The device and the first error it reported, wherever that came from. */
export class Gpu {
  readonly device: GPUDevice;
  // Dawn's instance must outlive its devices: collected earlier, it takes the process down. Kept longer, it keeps Node from exiting.
  instance: GPU | undefined;
  #error: Error | undefined;
  #isDisposed = false;

  constructor(instance: GPU, device: GPUDevice) {
    this.instance = instance;
    this.device = device;
    device.addEventListener("uncapturederror", (event) => {
      this.report(new InternalError(`WebGPU: ${event.error.message}`));
    });
    void device.lost.then((info) => {
      if (this.#isDisposed) return;
      this.report(new DeviceError("lost", `the GPU was lost: ${info.message}`, "Start again; if it happens again, use a smaller batch."));
    });
  }

  report(error: Error): void {
    this.#error ??= error;
  }

  throwIfFailed(): void {
    if (this.#error) throw this.#error;
  }

  dispose(): void {
    this.#isDisposed = true;
    this.device.destroy();
    this.instance = undefined;
  }
}
