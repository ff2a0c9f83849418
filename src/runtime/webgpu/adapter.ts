// Finding a WebGPU adapter: the page's `navigator.gpu` in a browser, Dawn through the npm package `webgpu` in Node. Everything behind
// the adapter is the same code.

import { isNode } from "../is-node.ts";

export interface FoundAdapter {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
}

/** The best adapter there is, hardware first, and software only if wanted; undefined when there is none. */
export async function findAdapter(gpu?: GPU, wantsSoftware = true): Promise<FoundAdapter | undefined> {
  const given = gpu ?? pageGpu();
  if (given) {
    const adapter = await request(given);
    return adapter ? { gpu: given, adapter } : undefined;
  }
  if (!isNode()) return undefined;
  // Not seen by bundlers for the browser, which has no such module.
  const { findNodeGpu } = await import("./node.ts");
  for (const useLavapipe of wantsSoftware ? [false, true] : [false]) {
    const gpu = await findNodeGpu(useLavapipe);
    const adapter = gpu && (await request(gpu));
    if (gpu && adapter) return { gpu, adapter };
  }
  return undefined;
}

/** False for software rasterizers. */
export const isHardwareAdapter = ({ info }: GPUAdapter): boolean =>
  !info.isFallbackAdapter &&
  !/llvmpipe|lavapipe|swiftshader|software|basic render/i.test(`${info.architecture} ${info.device} ${info.description}`);

export function describeAdapter({ info }: GPUAdapter): string {
  const text = [info.description, info.device, `${info.vendor} ${info.architecture}`].find((part) => part.trim() !== "");
  return `WebGPU (${text?.trim() ?? "unnamed adapter"})`;
}

const request = (gpu: GPU): Promise<GPUAdapter | null> => gpu.requestAdapter({ powerPreference: "high-performance" });

function pageGpu(): GPU | undefined {
  // The DOM types say it is always there; before WebGPU and in Node it is not.
  return (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
}
