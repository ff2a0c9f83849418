// Which of a module's devices is taken, what is loaded for it, and what is said where there is none. The devices compute nothing.

import { afterEach, describe, expect, it, vi } from "vitest";
import { DeviceError } from "../../../src/runtime/device.ts";
import { createModel } from "../../../src/runtime/embed/create.ts";
import type { CreateOptions, DeviceKind, TargetFiles, Targets } from "../../../src/runtime/embed/device-file.ts";
import { fakeArtifact, fakeDevice } from "../trainer/fake-session.ts";

const { target: _, stages, ...common } = fakeArtifact();

/** What a machine has: a device, one that is software, or none. */
type Machine = Readonly<Partial<Record<DeviceKind, "hardware" | "software" | "none">>>;
const GPU: Machine = { webgpu: "hardware", wasm: "hardware" };
const SOFTWARE: Machine = { webgpu: "software", wasm: "hardware" };
const NO_GPU: Machine = { webgpu: "none", wasm: "hardware" };

interface Setup {
  readonly targets: Targets;
  /** Files that were asked for, in order. */
  readonly loaded: string[];
  readonly disposed: string[];
}

function setUp(machine: Machine, kinds: readonly DeviceKind[] = ["wasm", "webgpu"]): Setup {
  const [loaded, disposed]: [string[], string[]] = [[], []];
  const filesOf = (kind: DeviceKind): TargetFiles => ({
    device: () => {
      loaded.push(`${kind}/device`);
      return Promise.resolve({
        open: (_: CreateOptions, acceptsSoftware: boolean) => {
          const { [kind]: has = "none" } = machine;
          if (has === "none" || (has === "software" && !acceptsSoftware))
            return Promise.reject(new DeviceError("unavailable", `${kind} is ${has}`, `get ${kind}`));
          const { device } = fakeDevice(fakeArtifact());
          return Promise.resolve({ ...device, dispose: () => disposed.push(kind) });
        },
      });
    },
    program: () => {
      loaded.push(`${kind}/program`);
      return Promise.resolve({ stages });
    },
  });
  return { targets: Object.fromEntries(kinds.map((kind) => [kind, filesOf(kind)])), loaded, disposed };
}

const chosen = async (machine: Machine, options?: CreateOptions, kinds?: readonly DeviceKind[]): Promise<readonly [string, string]> => {
  const { targets } = setUp(machine, kinds);
  const { device } = await createModel(common, targets, options);
  return [device.kind, device.reason];
};

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the device of a module", () => {
  it("is the best there is, and says why it is no other", async () => {
    expect(await chosen(GPU)).toEqual(["webgpu", "it is the best that the module was compiled for"]);
    expect(await chosen(SOFTWARE)).toEqual(["wasm", "webgpu is software"]);
    expect(await chosen(NO_GPU)).toEqual(["wasm", "webgpu is none"]);
    expect(await chosen({ webgpu: "software", wasm: "none" })).toEqual(["webgpu", "webgpu is software; wasm is none"]);
  });

  it("is CUDA where the module has it and the machine an NVIDIA GPU, and else the next", async () => {
    const all = ["wasm", "webgpu", "cuda"] as const;
    expect(await chosen({ ...GPU, cuda: "hardware" }, {}, all)).toEqual(["cuda", "it is the best that the module was compiled for"]);
    expect(await chosen(GPU, {}, all)).toEqual(["webgpu", "cuda is none"]);
    expect(await chosen(SOFTWARE, {}, all)).toEqual(["wasm", "cuda is none; webgpu is software"]);
    expect(await chosen({ ...GPU, cuda: "hardware" }, { device: "cuda" }, all)).toEqual(["cuda", "it was asked for"]);
    await expect(chosen(GPU, { device: "cuda" }, all)).rejects.toMatchObject({ message: "cuda is none", hint: "get cuda" });
  });

  it("is the one that was asked for, or the only one, software or not", async () => {
    expect(await chosen(SOFTWARE, { device: "webgpu" })).toEqual(["webgpu", "it was asked for"]);
    expect(await chosen(GPU, { device: "wasm" })).toEqual(["wasm", "it was asked for"]);
    expect(await chosen(SOFTWARE, {}, ["webgpu"])).toEqual(["webgpu", "the module was compiled for no other"]);
  });

  it("is none where there is none, with all reasons and ways out", async () => {
    const none: Machine = { webgpu: "none", wasm: "none" };
    await expect(chosen(none)).rejects.toMatchObject({
      ...{ name: "DeviceError", reason: "unavailable", hint: "get webgpu; get wasm" },
      message: "there is no device for this module here: webgpu is none; wasm is none",
    });
    await expect(chosen(NO_GPU, { device: "webgpu" })).rejects.toMatchObject({ message: "webgpu is none", hint: "get webgpu" });
    await expect(chosen(GPU, { device: "cuda" })).rejects.toMatchObject({
      ...{ reason: "unavailable", message: 'no device "cuda" in this module', hint: 'use "auto", "webgpu" or "wasm"' },
    });
  });

  it("does not hide what is broken behind another", async () => {
    const { targets } = setUp(GPU);
    const broken: Targets = { ...targets, webgpu: { ...targets.webgpu!, device: () => Promise.reject(new TypeError("no such file")) } };
    await expect(createModel(common, broken)).rejects.toThrow("no such file");
  });
});

describe("what is loaded", () => {
  it("is for the device that was taken, and for those that were tried", async () => {
    const { targets, loaded } = setUp(SOFTWARE);
    await createModel(common, targets);
    expect(loaded).toEqual(["webgpu/device", "wasm/device", "wasm/program"]);
  });

  it("is nothing for WebGPU on a page that has none", async () => {
    const page = setUp(GPU);
    vi.stubGlobal("process", undefined);
    vi.stubGlobal("navigator", {});
    const { device } = await createModel(common, page.targets);
    expect([device.kind, device.reason]).toEqual(["wasm", "this page has no WebGPU"]);
    await expect(createModel(common, page.targets, { device: "webgpu" })).rejects.toMatchObject({
      hint: expect.stringContaining("Chrome or Edge 113") as string,
    });
    expect(page.loaded).toEqual(["wasm/device", "wasm/program"]);
  });

  it("is nothing for CUDA on a page", async () => {
    const page = setUp({ ...GPU, cuda: "hardware" }, ["wasm", "cuda"]);
    vi.stubGlobal("process", undefined);
    const { device } = await createModel(common, page.targets);
    expect([device.kind, device.reason]).toEqual(["wasm", "a page has no CUDA"]);
    await expect(createModel(common, page.targets, { device: "cuda" })).rejects.toMatchObject({
      hint: "compile the spec for webgpu as well",
    });
    expect(page.loaded).toEqual(["wasm/device", "wasm/program"]);
  });

  it("leaves no device open when the programs cannot be had", async () => {
    const { targets, disposed } = setUp(GPU);
    const broken: Targets = { ...targets, webgpu: { ...targets.webgpu!, program: () => Promise.reject(new TypeError("no such file")) } };
    await expect(createModel(common, broken)).rejects.toThrow("no such file");
    expect(disposed).toEqual(["webgpu"]);
  });
});
