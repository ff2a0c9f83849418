// Random networks on every device beside PyTorch: what `tlc trace` computes is as near to float64 as PyTorch's own float32 is, or within
// 1e-4 of it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { runCli } from "../../src/cli/program.ts";
import { compileTrace } from "../../src/compile.ts";
import { renderDiagnostics } from "../../src/diagnostics.ts";
import { sizeOf, tensorType } from "../../src/ir/types.ts";
import { DataError } from "../../src/runtime/errors.ts";
import { readSafetensors, writeSafetensors, type Tensor } from "../../src/runtime/weights/safetensors.ts";
import { fromHostArray, toFloat32 } from "../../src/runtime/weights/tensor-values.ts";
import { Failure, below, type Case, type Fuzzer, type Random } from "../fuzzer.ts";
import { randomNetwork, type NetworkCase } from "./generate.ts";
import { startPyTorch, type Noise } from "./pytorch.ts";
import { STEPS } from "./recipes.ts";

/** Relative errors that float32 may have, of what comes after steps of an optimizer and of all else. */
const TOLERANCE = { step: 1e-4, adaptive: 1e-3 };
/** How much worse than PyTorch's own float32 where that is worse than the tolerance. */
const WORSE = 8;
/** Where a gradient is zero but for rounding, that is in proportion to the others. */
const FLOOR = 1e-5;
/** Beyond it a training is lost, and nothing is learnt from comparing. */
const DIVERGED = 1e15;

const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const filled = (size: number, value: () => number): Float32Array => Float32Array.from({ length: size }, value);

/** Weights as if trained a little: none is at its initial value, variances are positive. */
function weightValues(random: Random, name: string, shape: readonly number[]): Float32Array {
  const size = sizeOf(shape);
  if (name.endsWith("running_var")) return filled(size, () => 0.5 + random());
  const scale = shape.length > 1 ? 1 / Math.sqrt(sizeOf(shape.slice(1))) : 0.3;
  const isNorm = shape.length === 1 && name.endsWith("weight");
  return filled(size, () => (isNorm ? 1 : 0) + scale * normal(random));
}

function batchTensors(random: Random, { batch }: NetworkCase): Map<string, Tensor> {
  // Now and then a constant input, or a very large one: sums must not lose what PyTorch keeps.
  const [scale, shift] = below(random, 8) === 0 ? [1, 100] : below(random, 8) === 0 ? [30, 0] : [1, 0];
  return new Map(
    [...batch].map(([name, { dtype, shape, below: most = 1 }]) => {
      const values =
        dtype === "i32"
          ? Int32Array.from({ length: sizeOf(shape) }, () => below(random, most))
          : filled(sizeOf(shape), () => (name === "label" ? 0 : shift) + scale * normal(random));
      return [`batch/${name}`, fromHostArray(values, dtype, shape)];
    }),
  );
}

async function parametersOf(
  file: string,
  { batch }: NetworkCase,
): Promise<readonly { readonly name: string; readonly shape: readonly number[] }[]> {
  const types = new Map([...batch].map(([name, { dtype, shape }]) => [name, tensorType(dtype, shape)]));
  const { artifact, diagnostics, sources } = await compileTrace(file, { target: "reference", batch: types });
  if (!artifact) throw new Failure(renderDiagnostics(diagnostics, sources));
  return artifact.parameters;
}

async function trace(file: string, given: string, device: string, out: string): Promise<void> {
  let errors = "";
  const status = await runCli(["trace", file, "--input", given, "--steps", String(STEPS), "--device", device, "--out", out], {
    stdout: { write: () => undefined },
    stderr: { write: (text: string) => (errors += text) },
    env: {},
    toolchain,
  });
  if (status !== 0) throw new Failure(`${device}: exit ${status}\n${errors}`);
}

const valuesOf = (file: string): Map<string, Float32Array> =>
  new Map([...readSafetensors(readFileSync(file)).tensors].map(([name, tensor]) => [name, toFloat32(name, tensor)]));

const rootMeanSquare = (values: Float32Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / Math.max(1, values.length));

const distance = (values: Float32Array, expected: Float32Array): number =>
  rootMeanSquare(values.map((x, i) => (Object.is(x, expected[i]) ? 0 : x - (expected[i] ?? NaN))));

interface Expected {
  readonly exact: ReadonlyMap<string, Float32Array>;
  readonly noise: Noise;
}

/** The name of the first tensor that is further from float64 than it may be, and how far. */
function compare(own: ReadonlyMap<string, Float32Array>, { exact, noise }: Expected, isAdaptive: boolean): string | undefined {
  const names = [...own.keys()].sort().join(" ");
  const expectedNames = [...exact.keys()].sort().join(" ");
  if (names !== expectedNames) return `there is ${names}\nPyTorch has ${expectedNames}`;
  const largest = Math.max(...[...exact].map(([name, values]) => (name.startsWith("grad/") ? rootMeanSquare(values) : 0)));
  for (const [name, expected] of exact) {
    const values = own.get(name) ?? new Float32Array();
    if (values.length !== expected.length) return `${name} has ${values.length} values, PyTorch ${expected.length}`;
    const isAfter = name === "loss" || name.startsWith("after/");
    const share = isAfter && isAdaptive ? TOLERANCE.adaptive : TOLERANCE.step;
    const [size, error, theirs] = [rootMeanSquare(expected), distance(values, expected), noise[name] ?? 0];
    const allowed = Math.max(share * size, WORSE * theirs, name.startsWith("grad/") ? FLOOR * largest : 1e-7);
    if (!(error <= allowed)) {
      const [off, of, most] = [error, size, theirs].map((x) => x.toExponential(2));
      return `${name} is ${off} from float64, of ${of}; PyTorch's float32 ${most}, the largest gradient ${largest.toExponential(2)}`;
    }
  }
  return undefined;
}

/** What PyTorch wrote; undefined where the training diverged. */
function valuesUnlessLost(file: string): ReadonlyMap<string, Float32Array> | undefined {
  try {
    const exact = valuesOf(file);
    return [...exact.values()].some((values) => values.some((x) => !(Math.abs(x) < DIVERGED))) ? undefined : exact;
  } catch (error) {
    if (error instanceof DataError && error.message.includes("beyond the numbers of f32")) return undefined;
    throw error;
  }
}

/** @param root of the checkout, for the other half in Python */
export const networks = (root: string): Fuzzer => ({
  doc: "random networks on each of DEVICES beside PyTorch, which PYTORCH_PYTHON has",
  count: 100,
  mostMs: 60_000,
  // Dawn over lavapipe keeps some 3 MB for a network whose devices are all destroyed: a few kilobytes for each pipeline.
  perProcess: 50,
  prepare: (folder): Case => {
    const devices = (process.env["DEVICES"] ?? "wasm,reference,webgpu").split(",");
    const ask = startPyTorch(process.env["PYTORCH_PYTHON"] ?? "python3", join(root, "fuzz/networks/pytorch.py"));
    const [file, given, out] = ["n.tlspec", "given.safetensors", "out"].map((name) => join(folder, name)) as [string, string, string];
    return async (random) => {
      const network = randomNetwork(random);
      const { spec, module, recipe } = network;
      writeFileSync(file, spec);
      const tensors = new Map<string, Tensor>();
      for (const { name, shape } of await parametersOf(file, network))
        tensors.set(`weight/${name}`, fromHostArray(weightValues(random, name, shape), "f32", shape));
      for (const [name, tensor] of batchTensors(random, network)) tensors.set(name, tensor);
      writeFileSync(given, writeSafetensors(tensors));
      const noise = await ask({
        module,
        loss: recipe.loss,
        optimizer: recipe.optimizer,
        factors: recipe.factors,
        frozen: recipe.frozen,
        given,
        out,
      });
      const exact = valuesUnlessLost(out);
      if (!exact) return "diverged";
      for (const device of devices) {
        await trace(file, given, device, `${out}.own`);
        const fault = compare(valuesOf(`${out}.own`), { exact, noise }, recipe.isAdaptive);
        if (fault !== undefined) throw new Failure(`${device}: ${fault}\n${spec}\n${module}`);
      }
      return recipe.isOfClasses ? "classes" : "numbers";
    };
  },
});
