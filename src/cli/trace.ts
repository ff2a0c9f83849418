// `tlc trace`: the training step of a recipe on one given batch from given weights, for comparison with other implementations.
// Reads `weight/NAME`, `batch/INPUT` and `batch/label`; writes `loss`, `output` and `grad/NAME` of the first step, `after/NAME`.

import type { Artifact } from "../ir/artifact.ts";
import type { BufferPlan } from "../ir/program.ts";
import { InternalError, type DType, type TensorType } from "../ir/types.ts";
import type { Device, HostArray } from "../runtime/device.ts";
import { DataError } from "../runtime/errors.ts";
import { initialize } from "../runtime/resident.ts";
import { readSafetensorsFile, writeFileAtomic } from "../runtime/weights/files.ts";
import { loadWeights } from "../runtime/weights/model-weights.ts";
import { writeSafetensors, type Safetensors, type Tensor } from "../runtime/weights/safetensors.ts";
import { fromHostArray, toHostArray } from "../runtime/weights/tensor-values.ts";
import { EXIT } from "./failure.ts";
import { artifactOf, compileRequest, openingOf, type CompileOptions, type DeviceOptions } from "./open.ts";
import { requireSpec } from "./spec-file.ts";
import type { Terminal } from "./terminal.ts";

export interface TraceOptions extends CompileOptions, DeviceOptions {
  readonly input: string;
  readonly steps: number;
  readonly out: string;
}

export async function trace(file: string, options: TraceOptions, terminal: Terminal): Promise<number> {
  await requireSpec(file);
  const input = await readSafetensorsFile(options.input);
  const batch = under(input, "batch/");
  const device = await terminal.io.toolchain.openDevice(options.device, openingOf(options, terminal));
  try {
    const types = new Map(
      [...batch].map(([name, tensor]): [string, TensorType] => [name, { dtype: hostType(name, tensor), shape: tensor.shape }]),
    );
    const request = { ...compileRequest(options, device.info.kind, terminal, device.limits), batch: types };
    const artifact = artifactOf(await terminal.io.toolchain.compileTrace(file, request), terminal);
    const weights = { tensors: under(input, "weight/"), metadata: input.metadata };
    const tensors = await runSteps(artifact, device, weights, batch, options.steps);
    await writeFileAtomic(options.out, writeSafetensors(tensors));
    const losses = tensors.get("loss")?.data ?? new Uint8Array();
    const list = [...new Float32Array(losses.buffer, losses.byteOffset, options.steps)];
    terminal.object({ event: "trace", device: device.info.kind, steps: options.steps, loss: list, out: options.out });
    terminal.line(`loss ${list.map((loss) => loss.toPrecision(7)).join(" ")}; ${tensors.size} tensors in ${options.out}`);
    return EXIT.ok;
  } finally {
    device.dispose();
  }
}

/** Tensors whose name starts with `prefix`, without it. */
const under = (file: Safetensors, prefix: string): Map<string, Tensor> =>
  new Map(
    [...file.tensors].flatMap(([name, tensor]): [string, Tensor][] =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [],
    ),
  );

function hostType(name: string, tensor: Tensor): DType {
  switch (tensor.dtype) {
    case "F32":
    case "F64":
    case "F16":
    case "BF16":
      return "f32";
    case "I32":
    case "I64":
      return "i32";
    case "U8":
      return "u8";
    default:
      throw new DataError(`batch/${name} is ${tensor.dtype}, which no network takes`);
  }
}

async function runSteps(
  artifact: Artifact,
  device: Device,
  weights: Safetensors,
  batch: ReadonlyMap<string, Tensor>,
  steps: number,
): Promise<Map<string, Tensor>> {
  const buffers = new Map(artifact.program.buffers.map((buffer) => [buffer.name, buffer]));
  const bufferOf = (name: string): BufferPlan => {
    const buffer = buffers.get(name);
    if (buffer === undefined) throw new InternalError(`the traced program has no buffer ${name}`);
    return buffer;
  };
  const gradients = [...buffers.keys()].filter((name) => name.startsWith("grad/"));
  const session = await device.load(artifact.program);
  try {
    initialize(artifact, session);
    loadWeights(artifact, session, weights);
    for (const [name, tensor] of batch) session.write(`batch/${name}`, toHostArray(name, tensor, bufferOf(`batch/${name}`).dtype));
    // A schedule takes the traced steps for the whole training.
    const { batch: size } = artifact.recipe;
    if (buffers.has("train/count")) session.write("train/count", Int32Array.of(steps * size));
    if (buffers.has("train/epochs")) session.write("train/epochs", Int32Array.of(1));
    const tensors = new Map<string, Tensor>();
    const keep = (read: ReadonlyMap<string, HostArray>, rename: (name: string) => string): void => {
      for (const [name, values] of read) {
        const { dtype, shape } = bufferOf(name);
        tensors.set(rename(name), fromHostArray(values, dtype, shape));
      }
    };
    const losses = new Float32Array(steps);
    for (let step = 0; step < steps; step++) {
      session.run("train");
      losses[step] = (await session.read(["loss"])).get("loss")?.[0] ?? NaN;
      if (step === 0) keep(await session.read(["output", ...gradients]), (name) => name);
    }
    tensors.set("loss", fromHostArray(losses, "f32", [steps]));
    const after = artifact.parameters.map(({ name }) => `weight/${name}`);
    keep(await session.read(after), (name) => name.replace("weight/", "after/"));
    return tensors;
  } finally {
    session.dispose();
  }
}
