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

/** @typedef {{ readonly isQuick: boolean; readonly doctor: () => any; readonly tell: (result: object) => void }} Context of a run: whether it only tries out, what `tlc doctor` says, and who is told what there is before the end */

/** @type {Readonly<Record<string, { seconds: number; run: (seconds: number, context: Context) => unknown }>>} */
export const STEPS = {
  "cuda-suites": { seconds: 240, run: (seconds, context) => onGpu(context, () => suites(seconds, "cuda", context, OTHERS)) },
  "cuda-traces": { seconds: 240, run: (seconds, context) => onGpu(context, () => suites(seconds, "cuda", context, TRACES)) },
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
  memcheck: { seconds: 200, run: (seconds, context) => onGpu(context, () => sanitized(seconds, "memcheck", context)) },
  racecheck: { seconds: 200, run: (seconds, context) => onGpu(context, () => sanitized(seconds, "racecheck", context)) },
  "webgpu-suites": { seconds: 240, run: (seconds, context) => onAdapter(context, () => suites(seconds, "webgpu", context)) },
  "webgpu-speed": { seconds: 200, run: (seconds, context) => onAdapter(context, () => speed(seconds, "webgpu", context)) },
  "webgpu-speed-tuned": {
    seconds: 240,
    run: (seconds, context) => onAdapter(context, () => speed(seconds, "webgpu", context, undefined, true)),
  },
  "wasm-speed": { seconds: 120, run: (seconds, context) => speed(seconds, "wasm", context) },
  tfjs: { seconds: 60, run: (seconds, { tell }) => measured(seconds, process.execPath, [at("bench/tfjs-cnn.mjs")], tell) },
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

async function suites(seconds, device, { tell }, pattern) {
  const { result } = await tested(seconds, SUITES[device], { pattern, tell });
  return result;
}

/** @param isTuned whether kernels and libraries are chosen by measuring; otherwise they are the compiler's guess */
function speed(seconds, name, { isQuick, tell }, precision, isTuned = false) {
  const flags = [...(isQuick ? ["--quick"] : []), ...(isTuned ? ["--tune"] : [])];
  const options = [...flags, ...(precision === undefined ? [] : ["--precision", precision])];
  return measured(seconds, process.execPath, [at("bench/gpu/device.mjs"), name, ...options], tell);
}

async function pytorch(seconds, mode, precision, { isQuick, tell }) {
  const device = await output(PYTHON, ["-c", "import torch; print('cuda' if torch.cuda.is_available() else 'cpu')"], 120);
  if (device === "cpu" && (mode !== "eager" || precision !== "f32")) throw new Skipped(`${mode} ${precision}: this PyTorch has no GPU`);
  const args = ["--device", device, "--mode", mode, "--precision", precision, isQuick ? "--quick" : "--large"];
  return measured(seconds, PYTHON, [at("bench/pytorch.py"), ...args], tell);
}

/** Kernels under NVIDIA's compute-sanitizer: what it counts as errors. */
async function sanitized(seconds, tool, { tell }) {
  const command = process.env.COMPUTE_SANITIZER ?? "compute-sanitizer";
  try {
    await output(command, ["--version"]);
  } catch (error) {
    throw new Skipped(`compute-sanitizer does not start: ${error.message}`);
  }
  const under = [command, "--tool", tool, "--target-processes", "all", "--print-limit", "20"];
  const { result, text } = await tested(seconds, SUITES.cuda, { pattern: CHECKED, under, tell });
  const counts = [...text.matchAll(/(?:ERROR SUMMARY: (\d+) error|RACECHECK SUMMARY: (\d+) hazard)/g)].map(([, a, b]) => Number(a ?? b));
  const found = text
    .split("\n")
    .filter((line) => /========= (?!.*SUMMARY)\S/.test(line))
    .slice(0, 40);
  // What says nothing has found nothing out.
  if (counts.length === 0) return { ...result, error: result.error ?? `${tool} has no summary`, found };
  const errors = Math.max(...counts);
  return { ...result, errors, ...(errors > 0 && { found }) };
}

/** What identifies a run. */
export async function machine() {
  return {
    date: new Date().toISOString(),
    commit: process.env.TLC_COMMIT ?? (await output("git", ["rev-parse", "--short", "HEAD"])),
    gpu: await attempt(() => output("nvidia-smi", ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"])),
    processor: `${cpus().length} x ${cpus()[0]?.model}`,
    node: process.version,
    doctor: await attempt(async () => JSON.parse(await output(process.execPath, [at("dist/cli/main.js"), "doctor", "--json"]))),
  };
}
