// What is asked of a machine with a GPU, in the order of what is worth knowing first, each with the seconds that it may take: a machine is lent for
// half an hour. A step that this machine has nothing for is skipped, with the reason.

import { cpus } from "node:os";
import { attempt } from "./attempt.mjs";
import { at, measured, output, Skipped } from "./limited.mjs";
import { tested } from "./tests.mjs";

const PYTHON = process.env.PYTORCH_PYTHON ?? "python3";
const SUITES = { cuda: ["test/runtime/cuda-gpu.test.ts"], webgpu: ["test/runtime/conformance-webgpu.test.ts", "test/runtime/webgpu"] };
/** Names of tests: PyTorch's traces of training steps, layers and networks, and all else. */
const TRACES = "are PyTorch's";
const OTHERS = `^(?!.*(${TRACES}))`;
/** What `memcheck` and `racecheck` go through: kernels of every schedule. */
const CHECKED = "cuda on a GPU (multiplies|agrees with the interpreter (matmul|conv2d|reduce|softmax|crossEntropy|gather|LSTM|on random))";

/** @typedef {{ readonly isQuick: boolean; readonly doctor: () => any }} Context of a run: whether it only tries out, and what `tlc doctor` says */

/** @type {Readonly<Record<string, { seconds: number; run: (seconds: number, context: Context) => unknown }>>} */
export const STEPS = {
  "cuda-suites": { seconds: 240, run: (seconds, context) => onGpu(context, () => suites(seconds, "cuda", OTHERS)) },
  "cuda-traces": { seconds: 240, run: (seconds, context) => onGpu(context, () => suites(seconds, "cuda", TRACES)) },
  "cuda-speed-tuned": { seconds: 240, run: (seconds, context) => onGpu(context, () => speed(seconds, "cuda", context, undefined, true)) },
  "cuda-speed": { seconds: 240, run: (seconds, context) => onGpu(context, () => speed(seconds, "cuda", context)) },
  "cuda-speed-tf32": { seconds: 200, run: (seconds, context) => onGpu(context, () => speed(seconds, "cuda", context, "tf32")) },
  "cuda-speed-bf16": { seconds: 200, run: (seconds, context) => onGpu(context, () => speed(seconds, "cuda", context, "bf16")) },
  "cuda-speed-tuned-tf32": { seconds: 200, run: (seconds, context) => onGpu(context, () => speed(seconds, "cuda", context, "tf32", true)) },
  "pytorch-eager": { seconds: 120, run: (seconds, context) => pytorch(seconds, "eager", "tf32", context) },
  "pytorch-graph": { seconds: 120, run: (seconds, context) => pytorch(seconds, "graph", "tf32", context) },
  "pytorch-max-autotune": { seconds: 300, run: (seconds, context) => pytorch(seconds, "max-autotune", "tf32", context) },
  "pytorch-eager-bf16": { seconds: 120, run: (seconds, context) => pytorch(seconds, "eager", "bf16", context) },
  "pytorch-graph-bf16": { seconds: 120, run: (seconds, context) => pytorch(seconds, "graph", "bf16", context) },
  "pytorch-max-autotune-bf16": { seconds: 300, run: (seconds, context) => pytorch(seconds, "max-autotune", "bf16", context) },
  "pytorch-eager-f32": { seconds: 120, run: (seconds, context) => pytorch(seconds, "eager", "f32", context) },
  memcheck: { seconds: 200, run: (seconds, context) => onGpu(context, () => sanitized(seconds, "memcheck")) },
  racecheck: { seconds: 200, run: (seconds, context) => onGpu(context, () => sanitized(seconds, "racecheck")) },
  "webgpu-suites": { seconds: 240, run: (seconds, context) => onAdapter(context, () => suites(seconds, "webgpu", undefined)) },
  "webgpu-speed": { seconds: 200, run: (seconds, context) => onAdapter(context, () => speed(seconds, "webgpu", context)) },
  "webgpu-speed-tuned": {
    seconds: 240,
    run: (seconds, context) => onAdapter(context, () => speed(seconds, "webgpu", context, undefined, true)),
  },
  "wasm-speed": { seconds: 120, run: (seconds, context) => speed(seconds, "wasm", context) },
  tfjs: { seconds: 60, run: (seconds) => measured(seconds, process.execPath, [at("bench/tfjs-cnn.mjs")]) },
};

function onGpu({ doctor }, run) {
  const { gpus, missing } = doctor().cuda;
  if (!gpus.some(({ isUsable }) => isUsable)) throw new Skipped(missing[0]?.what ?? "no GPU that kernels run on");
  return run();
}

/** A software adapter is for trying out: it is no measurement, and takes the time of one. */
function onAdapter({ doctor, isQuick }, run) {
  const { adapters, missing } = doctor().webgpu;
  if (adapters.length === 0) throw new Skipped(missing[0]?.what ?? "no WebGPU adapter");
  if (!isQuick && !adapters.some(({ isHardware }) => isHardware)) throw new Skipped(`only a software adapter: ${adapters[0].description}`);
  return run();
}

function suites(seconds, device, pattern) {
  const { output: text, ...result } = tested(seconds, SUITES[device], { pattern });
  if (result.passed + result.failed.length === 0 && result.error === undefined)
    return { ...result, error: `no test ran: ${text.slice(-600)}` };
  return result;
}

/** @param isTuned whether kernels and libraries are chosen by measuring; otherwise they are the compiler's guess */
function speed(seconds, name, { isQuick }, precision, isTuned = false) {
  const flags = [...(isQuick ? ["--quick"] : []), ...(isTuned ? ["--tune"] : [])];
  const options = [...flags, ...(precision === undefined ? [] : ["--precision", precision])];
  return measured(seconds, process.execPath, [at("bench/gpu/device.mjs"), name, ...options]);
}

function pytorch(seconds, mode, precision, { isQuick }) {
  const device = output(PYTHON, ["-c", "import torch; print('cuda' if torch.cuda.is_available() else 'cpu')"], 120);
  if (device === "cpu" && (mode !== "eager" || precision !== "f32")) throw new Skipped(`${mode} ${precision}: this PyTorch has no GPU`);
  const args = ["--device", device, "--mode", mode, "--precision", precision, isQuick ? "--quick" : "--large"];
  return measured(seconds, PYTHON, [at("bench/pytorch.py"), ...args]);
}

/** Kernels under NVIDIA's compute-sanitizer: what it counts as errors. */
function sanitized(seconds, tool) {
  const command = process.env.COMPUTE_SANITIZER ?? "compute-sanitizer";
  try {
    output(command, ["--version"]);
  } catch (error) {
    throw new Skipped(`compute-sanitizer does not start: ${error.message}`);
  }
  const under = [command, "--tool", tool, "--target-processes", "all", "--print-limit", "20"];
  const { output: text, ...result } = tested(seconds, SUITES.cuda, { pattern: CHECKED, under });
  const errors = [...text.matchAll(/(?:ERROR SUMMARY: (\d+) error|RACECHECK SUMMARY: (\d+) hazard)/g)].map(([, a, b]) => Number(a ?? b));
  const found = text
    .split("\n")
    .filter((line) => /========= (?!.*SUMMARY)\S/.test(line))
    .slice(0, 40);
  return { ...result, errors: errors.length > 0 ? Math.max(...errors) : undefined, ...(errors.some((n) => n > 0) && { found }) };
}

/** What identifies a run. */
export async function machine() {
  return {
    date: new Date().toISOString(),
    commit: process.env.TLC_COMMIT ?? output("git", ["rev-parse", "--short", "HEAD"]),
    gpu: await attempt(() => output("nvidia-smi", ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"])),
    processor: `${cpus().length} x ${cpus()[0]?.model}`,
    node: process.version,
    doctor: await attempt(() => JSON.parse(output(process.execPath, [at("dist/cli/main.js"), "doctor", "--json"]))),
  };
}
