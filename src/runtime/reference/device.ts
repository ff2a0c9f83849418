// The device that is always there: interprets loop kernels in float64 on the host. Slow, and the definition of what is right; every
// other device is compared with it. Floats keep float64 between kernels and are rounded only when the host reads them.

import { hostArrayFrom, interpreterArray, type HostArray, type InterpreterArray } from "../../ir/arrays.ts";
import { fromHalf } from "../../ir/half.ts";
import { interpret } from "../../ir/loop/interpret.ts";
import { at } from "../../ir/ops/define.ts";
import type { CompiledKernel, EntryName, KernelLaunch, Program } from "../../ir/program.ts";
import { bytesPerElement, InternalError, sizeOf, type DType } from "../../ir/types.ts";
import type { Device, Session } from "../device.ts";
import { outOfMemory } from "../memory.ts";

export function openReferenceDevice(): Device {
  return {
    info: { kind: "reference", description: "reference interpreter (float64)", isHardware: false },
    load: (program) => Promise.resolve(new ReferenceSession(program)),
    dispose: () => undefined,
  };
}

function allocate(program: Program, dtype: DType, length: number): InterpreterArray {
  try {
    return interpreterArray(dtype, length);
  } catch (error) {
    if (error instanceof RangeError) throw outOfMemory(program, `the system does not have room for ${String(length)} numbers`);
    throw error;
  }
}

/** Each buffer has its own array, since the arena's offsets are in bytes of storage types, which float64 does not have; or a part of its pack's. */
function arraysOf(program: Program): (InterpreterArray | undefined)[] {
  const { buffers } = program;
  const packs = buffers
    .filter(({ role }) => role === "pack")
    .map((plan) => ({ plan, array: allocate(program, plan.dtype, sizeOf(plan.shape)) }));
  return buffers.map(({ role, dtype, shape, offset }) => {
    if (role === "data") return undefined;
    const pack = packs.find(({ plan }) => plan.offset <= offset && offset < plan.offset + plan.bytes);
    if (!pack) return allocate(program, dtype, sizeOf(shape));
    const begin = (offset - pack.plan.offset) / bytesPerElement(dtype);
    return pack.array.subarray(begin, begin + sizeOf(shape));
  });
}

class ReferenceSession implements Session {
  readonly #program: Program;
  readonly #arrays: (InterpreterArray | undefined)[];
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #kernels: readonly CompiledKernel[];

  constructor(program: Program) {
    this.#program = program;
    this.#arrays = arraysOf(program);
    this.#indexes = new Map(program.buffers.map((plan, i) => [plan.name, i]));
    this.#kernels = program.kernels;
    const unknown = program.kernels.find(({ kernel, parts }) => !kernel && !parts);
    if (unknown) throw new InternalError(`kernel ${unknown.name} was not compiled for the reference device`);
  }

  write(buffer: string, data: HostArray): void {
    const index = this.#index(buffer);
    const plan = this.#program.buffers[index];
    if (!plan) throw new InternalError(`no buffer ${buffer}`);
    // How many examples a data set has is not in the program.
    if (plan.role === "data") this.#arrays[index] = allocate(this.#program, plan.dtype, data.length);
    const array = this.#arrays[index];
    if (!array || data.length > array.length) throw new InternalError(`${String(data.length)} elements written to ${buffer}`);
    if (plan.dtype === "f16" && data instanceof Uint16Array) data.forEach((bits, i) => (array[i] = fromHalf(bits)));
    else array.set(data);
  }

  adopt(previous: Session, buffers: readonly string[]): void {
    if (!(previous instanceof ReferenceSession)) throw new InternalError("a session of another device");
    for (const name of buffers) {
      const [from, to] = [previous.#arrays[previous.#index(name)], this.#arrays[this.#index(name)]];
      if (!from || from.length !== to?.length) throw new InternalError(`${name} has another size in the session before`);
      to.set(from);
    }
  }

  run(entry: EntryName, times = 1): void {
    const launches = this.#program.entries[entry];
    if (!launches) throw new InternalError(`the program has no entry ${entry}`);
    for (let i = 0; i < times; i++) {
      for (const launch of launches) {
        if (launch.kind === "kernel") {
          this.#launch(launch, 0);
          continue;
        }
        for (let step = 0; step < launch.count; step++) {
          const time = launch.reverse ? launch.count - 1 - step : step;
          for (const inner of launch.body) this.#launch(inner, time);
        }
      }
    }
  }

  read(buffers: readonly string[]): Promise<Map<string, HostArray>> {
    return Promise.resolve(new Map(buffers.map((name) => [name, hostArrayFrom(...this.#written(name))])));
  }

  /** Floats are float64 here: rounded, a training would go on from other numbers. */
  readonly exact = {
    read: (buffers: readonly string[]): Promise<Map<string, HostArray | Float64Array>> =>
      Promise.resolve(
        new Map(
          buffers.map((name) => {
            const [array, dtype] = this.#written(name);
            return [name, array instanceof Float64Array ? array.slice() : hostArrayFrom(array, dtype)];
          }),
        ),
      ),
    write: (buffer: string, data: Float64Array): void => {
      const [array] = this.#written(buffer);
      if (data.length !== array.length) throw new InternalError(`${String(data.length)} elements written to ${buffer}`);
      array.set(data);
    },
  };

  #written(name: string): [InterpreterArray, DType] {
    const index = this.#index(name);
    const array = this.#arrays[index];
    const dtype = this.#program.buffers[index]?.dtype;
    if (!array || !dtype) throw new InternalError(`buffer ${name} is read before it is written`);
    return [array, dtype];
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  dispose(): void {
    this.#arrays.length = 0;
  }

  #index(buffer: string): number {
    const index = this.#indexes.get(buffer);
    if (index === undefined) throw new InternalError(`the program has no buffer ${buffer}`);
    return index;
  }

  #launch(launch: KernelLaunch, time: number): void {
    const compiled = this.#kernels[launch.kernel];
    if (!compiled) throw new InternalError(`the program has no kernel ${String(launch.kernel)}`);
    const arrays = launch.buffers.map((buffer) => {
      const array = this.#arrays[buffer];
      if (!array)
        throw new InternalError(`kernel ${compiled.name} uses ${this.#program.buffers[buffer]?.name ?? "?"} before it is written`);
      return array;
    });
    if (compiled.kernel) interpret(compiled.kernel, arrays, time);
    for (const { kernel, slots } of compiled.parts ?? [])
      interpret(
        kernel,
        slots.map((slot) => at(arrays, slot)),
        time,
      );
  }
}
