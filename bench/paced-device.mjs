// A device that computes somewhere else: an entry that is said to take so long keeps it busy for as long, and no core of the host. It gives no
// numbers worth having; what it shows is whether whoever feeds it keeps up.

const ARRAYS = { f32: Float32Array, i32: Int32Array, u32: Uint32Array, u8: Uint8Array, bool: Uint8Array };

/** What a copy to a GPU moves in a millisecond: PCI Express 3, 16 lanes. */
const BYTES_PER_MS = 12e6;

export class PacedDevice {
  info = { kind: "wasm", description: "a device that keeps time", isHardware: true };
  #milliseconds;
  /** When everything that is enqueued will be done, and how long it has computed in all. */
  #free = 0;
  #busy = 0;

  /** @param milliseconds that a run of an entry takes, by its name */
  constructor(milliseconds) {
    this.#milliseconds = milliseconds;
  }

  /** Milliseconds of computing that lie between two moments of which the first was now when it was called. */
  get busy() {
    return this.#busy;
  }

  load(program) {
    const buffers = new Map(program.buffers.map((it) => [it.name, it]));
    const take = (milliseconds) => (this.#free = Math.max(this.#free, performance.now()) + milliseconds);
    const done = async () => {
      const left = this.#free - performance.now();
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
    };
    return Promise.resolve({
      write: (_, data) => void take(data.byteLength / BYTES_PER_MS),
      adopt: () => undefined,
      run: (entry, times = 1) => {
        const milliseconds = times * (this.#milliseconds[entry] ?? 0);
        this.#busy += milliseconds;
        take(milliseconds);
      },
      read: async (names) => {
        await done();
        return new Map(
          names.map((name) => {
            const { dtype, shape } = buffers.get(name);
            return [name, new ARRAYS[dtype](shape.reduce((product, extent) => product * extent, 1))];
          }),
        );
      },
      sync: done,
      dispose: () => undefined,
    });
  }

  dispose() {}
}
