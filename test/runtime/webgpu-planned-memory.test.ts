// What the memory plan says that a stage takes is what buffers are made for on WebGPU: beside it only the steps of loops, the data set, and one buffer
// to read back through; and disposing of a session gives all of it back.

import { describe, expect, it } from "vitest";
import { HOST_ARRAYS } from "../../src/ir/arrays.ts";
import { ALIGNMENT } from "../../src/ir/program.ts";
import { entryFor } from "../../src/runtime/network.ts";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { openWebgpuDevice, type WebgpuDevice } from "../../src/runtime/webgpu/device.ts";
import { PLANNED_EXAMPLES } from "../support/planned-examples.ts";

const found = await findAdapter();

/** A device, and the bytes of buffers that there are, by their labels. */
async function open(): Promise<{ readonly device: WebgpuDevice; readonly live: () => Readonly<Record<string, number>> }> {
  // An adapter gives one device.
  const { gpu, adapter } = (await findAdapter())!;
  const buffers = new Map<GPUBuffer, GPUBufferDescriptor>();
  const { limits, features, info } = adapter;
  const watched = {
    ...{ limits, features, info },
    requestDevice: async (wanted: GPUDeviceDescriptor) => {
      const behind = await adapter.requestDevice(wanted);
      const create = behind.createBuffer.bind(behind);
      behind.createBuffer = (descriptor) => {
        const buffer = create(descriptor);
        const destroy = buffer.destroy.bind(buffer);
        buffers.set(buffer, descriptor);
        buffer.destroy = () => {
          buffers.delete(buffer);
          destroy();
        };
        return buffer;
      };
      return behind;
    },
  } as unknown as GPUAdapter;
  const device = await openWebgpuDevice({ gpu, adapter: watched });
  const live = (): Readonly<Record<string, number>> => {
    const bytes: Record<string, number> = {};
    for (const { label = "", size } of buffers.values()) bytes[label] = (bytes[label] ?? 0) + size;
    return bytes;
  };
  return { device, live };
}

describe.skipIf(!found).each(PLANNED_EXAMPLES)("$name", ({ compile }) => {
  it("takes of a GPU's memory what is planned", async () => {
    const { device, live } = await open();
    for (const stage of (await compile("webgpu", device.limits)).stages) {
      const { program } = stage;
      const planned = { arena: Math.ceil(program.arenaBytes / ALIGNMENT) * ALIGNMENT, time: ALIGNMENT };
      const session = await device.load(program);
      expect([stage.name, live()]).toEqual([stage.name, planned]);
      // Data of some examples, and whatever steps and reading make beside it.
      const examples = 20;
      const data: Record<string, number> = {};
      for (const { name, role, dtype, shape } of program.buffers) {
        if (role !== "data") continue;
        const values = new HOST_ARRAYS[dtype](dtype === "u8" ? 3072 * examples : examples * shape.reduce((a, b) => a * b, 1));
        session.write(name, values);
        data[name] = values.byteLength;
      }
      const train = entryFor(stage, "train");
      session.write(train.count, Int32Array.of(examples));
      session.run(entryFor(stage, "initialize").name);
      session.run(train.name, 2);
      const names = stage.states.map(({ name }) => name);
      for (const part of [names, [train.losses]]) await session.read(part);
      const { readback = 0, ...rest } = live();
      expect([stage.name, rest]).toEqual([stage.name, { ...planned, ...data }]);
      // Read back are states, which are part of the plan themselves.
      expect(readback).toBeGreaterThan(0);
      expect(readback).toBeLessThanOrEqual(program.arenaBytes);
      session.dispose();
      expect([stage.name, live()]).toEqual([stage.name, {}]);
    }
    device.dispose();
  });
});
