// What `--device auto` takes of what a machine has, and what it says. Machine and devices are made up.

import { beforeEach, describe, expect, it } from "vitest";
import { chooseDevice, noteOf, type Adapter } from "../../src/runtime/choose-device.ts";
import { DeviceError, type Device } from "../../src/runtime/device.ts";
import type { OpenDeviceOptions } from "../../src/runtime/opening.ts";

const files = { gpu: true, nvidia: true };
beforeEach(() => Object.assign(files, { gpu: true, nvidia: true }));

const deviceOf = (kind: string): Device => ({
  info: { kind, description: kind.toUpperCase(), isHardware: true },
  load: () => Promise.reject(new Error("is not loaded")),
  dispose: () => undefined,
});

/** What was asked for, in order. */
let asked: string[] = [];

async function chosen(
  { cuda, webgpu }: { cuda: "is there" | "no koffi" | "broken"; webgpu: "hardware" | "software" | "none" },
  options: OpenDeviceOptions = {},
): Promise<readonly [string, string | undefined]> {
  asked = [];
  const choice = await chooseDevice(options, {
    mayHaveGpu: () => files.gpu,
    mayHaveNvidia: () => files.nvidia,
    cuda: () => {
      asked.push("cuda");
      if (cuda === "is there") return Promise.resolve(deviceOf("cuda"));
      return Promise.reject(cuda === "broken" ? new TypeError("broken") : new DeviceError("unavailable", "no koffi", "npm install koffi"));
    },
    webgpu: (_, wantsSoftware): Promise<Adapter | undefined> => {
      asked.push(wantsSoftware ? "webgpu, software too" : "webgpu");
      const isHere = webgpu === "hardware" || (webgpu === "software" && (wantsSoftware || files.gpu));
      const open = (): Promise<Device> => Promise.resolve(deviceOf("webgpu"));
      return Promise.resolve(isHere ? { description: "WEBGPU", isHardware: webgpu === "hardware", open } : undefined);
    },
    wasm: () => Promise.resolve(deviceOf("wasm")),
  });
  return [choice.device.info.kind, noteOf(choice)];
}

describe("auto", () => {
  it("takes CUDA, then a GPU through WebGPU, then the processor", async () => {
    expect(await chosen({ cuda: "is there", webgpu: "hardware" })).toEqual(["cuda", undefined]);
    expect(await chosen({ cuda: "no koffi", webgpu: "hardware" })).toEqual(["webgpu", "WEBGPU is taken: no koffi: npm install koffi"]);
    expect(await chosen({ cuda: "no koffi", webgpu: "none" })).toEqual([
      "wasm",
      "no GPU: computing on the processor (no koffi: npm install koffi; no WebGPU adapter was found)",
    ]);
  });

  it("says nothing of CUDA on a machine without an NVIDIA GPU, and does not look for it", async () => {
    files.nvidia = false;
    expect(await chosen({ cuda: "is there", webgpu: "hardware" })).toEqual(["webgpu", undefined]);
    expect(await chosen({ cuda: "is there", webgpu: "software" })).toEqual([
      "wasm",
      "no GPU: computing on the processor (WEBGPU is software and slower; to use it, say --device webgpu)",
    ]);
    files.gpu = false;
    expect(await chosen({ cuda: "is there", webgpu: "software" })).toEqual(["wasm", "no GPU: computing on the processor"]);
    expect(asked).toEqual([]);
  });

  it("does not hide what is broken", async () => {
    await expect(chosen({ cuda: "broken", webgpu: "hardware" })).rejects.toThrow("broken");
  });

  it("takes of a compiled folder what it was compiled for", async () => {
    const of = (...compiledFor: readonly string[]): OpenDeviceOptions => ({ compiledFor });
    expect(await chosen({ cuda: "is there", webgpu: "hardware" }, of("webgpu", "wasm"))).toEqual(["webgpu", undefined]);
    expect(await chosen({ cuda: "no koffi", webgpu: "software" }, of("cuda", "webgpu"))).toEqual([
      "webgpu",
      "WEBGPU is taken: no koffi: npm install koffi; WEBGPU is software and slower; to use it, say --device webgpu",
    ]);
    expect(asked).toEqual(["cuda", "webgpu", "webgpu, software too"]);
    await expect(chosen({ cuda: "no koffi", webgpu: "none" }, of("cuda", "webgpu"))).rejects.toMatchObject({
      ...{ name: "DeviceError", reason: "unavailable", hint: "npm install koffi" },
      message: "no koffi; no WebGPU adapter was found",
    });
  });
});
