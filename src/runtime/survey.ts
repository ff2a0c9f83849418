// What this machine has that a network can be trained on, and what is missing of it: what `tlc doctor` says. Nothing is compiled or trained, and
// whatever is not there, or refuses, is a line of the survey.

import { availableParallelism, cpus } from "node:os";
import { surveyCuda, type CudaSurvey, type Missing } from "./cuda/survey.ts";
import { mayHaveGpu } from "./gpu-files.ts";
import { loadPackage } from "./load-package.ts";
import { chooseBest } from "./open-device.ts";
import type { OpenDeviceOptions } from "./opening.ts";

export interface Survey {
  /** Of Node, as in v20.19.0. */
  readonly node: string;
  /** As in linux x64. */
  readonly system: string;
  readonly processor: { readonly model: string; readonly threads: number };
  /** What WebAssembly has here: fused multiply-adds are twice as fast as products, and threads use all cores. */
  readonly wasm: { readonly simd: boolean; readonly relaxedSimd: boolean; readonly threads: boolean };
  readonly cuda: CudaSurvey;
  readonly webgpu: WebgpuSurvey;
  /** What is remembered of measuring kernels: the folder, and how many contests. */
  readonly tuning?: { readonly folder: string; readonly contests: number };
  /** What `--device auto` takes, and why none that would be better. */
  readonly auto: {
    readonly device: string;
    readonly description: string;
    readonly refused: readonly { readonly device: string; readonly reason: string; readonly hint?: string }[];
  };
}

export interface WebgpuSurvey {
  /** Whether the npm package webgpu is installed. */
  readonly package: boolean;
  /** One for each kind of driver: the system's, and Mesa's for the processor. */
  readonly adapters: readonly { readonly description: string; readonly isHardware: boolean; readonly features: readonly string[] }[];
  readonly missing: readonly Missing[];
}

/** Features of an adapter that kernels are, or will be, compiled for. */
const FEATURES = ["subgroups", "shader-f16", "timestamp-query"];

export async function surveyMachine(options: OpenDeviceOptions = {}): Promise<Survey> {
  const [{ hasRelaxedSimd, hasSimd }, { countTimes }] = await Promise.all([import("./wasm/engine.ts"), import("./tuning/kept-times.ts")]);
  const { tuningCache: folder } = options;
  return {
    node: process.version,
    system: `${process.platform} ${process.arch}`,
    processor: { model: cpus()[0]?.model ?? "unknown", threads: availableParallelism() },
    wasm: { simd: hasSimd(), relaxedSimd: hasRelaxedSimd(), threads: typeof SharedArrayBuffer === "function" },
    cuda: await surveyCuda(process.env),
    webgpu: await surveyWebgpu(),
    ...(folder !== undefined && { tuning: { folder, contests: await countTimes(folder) } }),
    auto: await surveyAuto(options),
  };
}

async function surveyAuto(options: OpenDeviceOptions): Promise<Survey["auto"]> {
  const { device, refusals } = await chooseBest(options);
  const { kind, description } = device.info;
  device.dispose();
  return { device: kind, description, refused: refusals.map(({ isPlain: _, ...refusal }) => refusal) };
}

async function surveyWebgpu(): Promise<WebgpuSurvey> {
  const isInstalled = (await loadPackage("webgpu")) !== undefined;
  if (!isInstalled)
    return { package: false, adapters: [], missing: [{ what: "the npm package webgpu is not installed", hint: "npm install webgpu" }] };
  const [{ describeAdapter, isHardwareAdapter }, { findNodeGpu }] = await Promise.all([
    import("./webgpu/adapter.ts"),
    import("./webgpu/node.ts"),
  ]);
  const found = new Map<string, WebgpuSurvey["adapters"][number]>();
  // Vulkan drivers that find nothing complain on stderr: where there is certainly no GPU, they are not asked.
  for (const useLavapipe of mayHaveGpu() ? [false, true] : [true]) {
    const gpu = await findNodeGpu(useLavapipe);
    const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) continue;
    const description = describeAdapter(adapter);
    const features = FEATURES.filter((feature) => adapter.features.has(feature));
    found.set(description, { description, isHardware: isHardwareAdapter(adapter), features });
  }
  const adapters = [...found.values()];
  const hint = "install the Vulkan driver of the GPU, or, to try WebGPU without one, Mesa's: apt-get install mesa-vulkan-drivers";
  return { package: true, adapters, missing: adapters.length > 0 ? [] : [{ what: "no WebGPU adapter was found", hint }] };
}
