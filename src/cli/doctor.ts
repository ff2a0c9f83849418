// `tlc doctor`: what this machine can train on. It ends well whatever is missing: to say so is its work.

import { formatBytes } from "../runtime/memory.ts";
import type { Survey } from "../runtime/survey.ts";
import { EXIT } from "./failure.ts";
import { cacheFolder } from "../runtime/cache-folder.ts";
import type { Terminal } from "./terminal.ts";

export async function doctor(terminal: Terminal): Promise<number> {
  const [kernelCache, tuningCache] = [cacheFolder(terminal.io.env, "kernels"), cacheFolder(terminal.io.env, "tuning")];
  const survey = await terminal.io.toolchain.surveyMachine({ kernelCache, tuningCache });
  terminal.object({ event: "doctor", ...survey });
  for (const { title, lines, missing } of partsOf(survey)) {
    terminal.line(terminal.paintOut("bold", title));
    for (const line of lines) terminal.line(`  ${line}`);
    for (const { what, hint } of missing) {
      terminal.line(`  ${terminal.paintOut("yellow", "-")} ${what}`);
      terminal.line(`    ${terminal.paintOut("cyan", "=")} ${hint}`);
    }
  }
  return EXIT.ok;
}

interface Part {
  readonly title: string;
  readonly lines: readonly string[];
  readonly missing: Survey["cuda"]["missing"];
}

function partsOf({ node, system, processor, wasm, cuda, webgpu, tuning, auto }: Survey): readonly Part[] {
  const libraries = cuda.libraries.map(({ name, version, path }) => `${name}${version === undefined ? "" : ` ${version}`}: ${path}`);
  const has = (is: boolean, what: string): string => `${is ? "" : "no "}${what}`;
  return [
    {
      title: "CUDA",
      lines: [
        ...(cuda.driver === undefined ? [] : [`driver for CUDA ${cuda.driver}`]),
        ...cuda.gpus.map((gpu, i) => `GPU ${i}: ${gpuText(gpu)}`),
        ...(cuda.compiler ? [`kernels compiled by ${cuda.compiler.name} ${cuda.compiler.version}: ${cuda.compiler.path}`] : []),
        ...libraries,
      ],
      missing: cuda.missing,
    },
    {
      title: "WebGPU",
      lines: webgpu.adapters.map(
        ({ description, isHardware, features }) => `${[description, ...features].join(", ")}${isHardware ? "" : " (software)"}`,
      ),
      missing: webgpu.missing,
    },
    ...(tuning && tuning.contests > 0
      ? [{ title: "Measured", lines: [`times of ${tuning.contests} products are remembered: ${tuning.folder}`], missing: [] }]
      : []),
    {
      title: "WebAssembly",
      lines: [[has(wasm.simd, "SIMD"), has(wasm.relaxedSimd, "relaxed SIMD"), has(wasm.threads, "threads")].join(", ")],
      missing: [],
    },
    { title: "Node", lines: [`${node} on ${system}, ${processor.threads} x ${processor.model}`], missing: [] },
    {
      title: "--device auto",
      lines: [
        `${auto.device}: ${auto.description}`,
        ...auto.refused.map(({ device, reason, hint }) => `not ${device}: ${reason}${hint === undefined ? "" : `. ${hint}`}`),
      ],
      missing: [],
    },
  ];
}

function gpuText({ name, capability, bytes, isUsable }: Survey["cuda"]["gpus"][number]): string {
  const use = isUsable ? "" : ", too old: kernels need 8.0";
  return `${name}, compute capability ${capability}, ${formatBytes(bytes)}${use}`;
}
