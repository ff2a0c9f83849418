// `tlc trace`: the training step of a recipe on one given batch from given weights, for comparison with other implementations.
// Reads `weight/NAME`, `batch/INPUT` and `batch/label`, or `batch/OUTPUT` where outputs have names, and of a distilled network `teacher/NAME` as well; writes `loss`, `output` (`loss/OUTPUT` and `output/OUTPUT` as well) and `grad/NAME` of the first step, `after/NAME`, and
// `average/NAME` where a recipe has averages.

import { outputBuffers, type Artifact } from "../ir/artifact.ts";
import { examplesIn } from "../ir/plan.ts";
import type { BufferPlan } from "../ir/program.ts";
import { columnsIn } from "../ir/tasks.ts";
import { InternalError, sizeOf, type DType, type TensorType } from "../ir/types.ts";
import { strayValue } from "../runtime/data/loaded-split.ts";
import type { Device } from "../runtime/device.ts";
import { writeFileAtomic } from "../runtime/atomic-file.ts";
import { DataError } from "../runtime/errors.ts";
import { entryFor, initialize, Network } from "../runtime/network.ts";
import { readSafetensorsFile } from "../runtime/weights/files.ts";
import { loadTeacher, loadWeights } from "../runtime/weights/model-weights.ts";
import { wholeNetwork } from "../runtime/weights/whole-network.ts";
import { writeSafetensors, type Safetensors, type Tensor } from "../runtime/weights/safetensors.ts";
import { fromHostArray, toHostArray } from "../runtime/weights/tensor-values.ts";
import { EXIT } from "./failure.ts";
import { artifactOf, compileRequest, openingOf, type CompileOptions, type DeviceOptions } from "./open.ts";
import { requireWritable } from "./results.ts";
import { requireSpec } from "./spec-file.ts";
import type { Terminal } from "./terminal.ts";

export interface TraceOptions extends CompileOptions, DeviceOptions {
  readonly input: string;
  readonly steps: number;
  readonly out: string;
  readonly stage?: string;
}

export async function trace(file: string, options: TraceOptions, terminal: Terminal): Promise<number> {
  await requireSpec(file);
  await requireWritable(options.out);
  const input = await readSafetensorsFile(options.input);
  const batch = under(input, "batch/");
  const stray = [...input.tensors.keys()].find((name) => !/^(?:batch|weight|teacher)\//.test(name));
  if (stray !== undefined)
    throw new DataError(`${options.input} holds "${stray}"`, "name its tensors weight/NAME, batch/INPUT and batch/label");
  const device = await terminal.io.toolchain.openDevice(options.device, openingOf(options, terminal));
  try {
    const types = new Map(
      [...batch].map(([name, tensor]): [string, TensorType] => [name, { dtype: hostType(name, tensor), shape: tensor.shape }]),
    );
    const request = {
      ...compileRequest(file, options, device.info.kind, terminal, device),
      batch: types,
      ...(options.stage !== undefined && { stage: options.stage }),
    };
    const outcome = await terminal.io.toolchain.compileTrace(file, request);
    const artifact = artifactOf(outcome, terminal);
    if (outcome.withoutRandomness === true) terminal.remark("note: dropout is off in a trace, so that it can be compared");
    const weights = { tensors: under(input, "weight/"), metadata: input.metadata };
    const tensors = await runSteps(artifact, device, { weights, teacher: under(input, "teacher/") }, batch, options.steps);
    await writeFileAtomic(options.out, writeSafetensors(tensors));
    const historyOf = (name: string): readonly number[] => {
      const { data } = tensors.get(name) ?? { data: new Uint8Array() };
      return [...new Float32Array(data.buffer, data.byteOffset, options.steps)];
    };
    const list = historyOf("loss");
    const parts = artifact.recipe.tasks?.map(({ output }) => [output, historyOf(`loss/${output}`)] as const);
    const losses = parts && { losses: Object.fromEntries(parts) };
    terminal.object({ event: "trace", device: device.info.kind, steps: options.steps, loss: list, ...losses, out: options.out });
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
  { weights, teacher }: { readonly weights: Safetensors; readonly teacher: ReadonlyMap<string, Tensor> },
  batch: ReadonlyMap<string, Tensor>,
  steps: number,
): Promise<Map<string, Tensor>> {
  const network = await Network.open(artifact, device);
  try {
    const { loaded } = network;
    const { stage, session } = loaded;
    const entry = entryFor(stage, "trace");
    const plans = new Map(stage.program.buffers.map((buffer) => [buffer.name, buffer]));
    const planOf = (buffer: string): BufferPlan => {
      const plan = plans.get(buffer);
      if (plan === undefined) throw new InternalError(`the traced program has no buffer ${buffer}`);
      return plan;
    };
    initialize(loaded);
    loadWeights(loaded, weights);
    await loadTeacher(loaded, wholeNetwork(artifact.teacher?.parameters ?? [], teacher));
    for (const { column, buffer } of entry.columns) {
      const tensor = batch.get(column);
      if (tensor === undefined) continue;
      const values = toHostArray(column, tensor, planOf(buffer).dtype);
      const info = columnsIn(artifact.dataInfo).find(({ name }) => name === column);
      const stray = info && strayValue(info, values);
      if (stray) throw new DataError(`batch/${column} ${stray.problem}, in example ${Math.floor(stray.at / sizeOf(info.shape))}`);
      session.write(buffer, values);
    }
    // A schedule takes the traced steps for the whole training.
    if (entry.count !== undefined) session.write(entry.count, Int32Array.of(steps * examplesIn(artifact.recipe)));
    if (entry.epochs !== undefined) session.write(entry.epochs, Int32Array.of(1));
    const tensors = new Map<string, Tensor>();
    /** Reads buffers and keeps them under other names. */
    const keep = async (names: ReadonlyMap<string, string>): Promise<void> => {
      for (const [buffer, values] of await session.read([...names.keys()])) {
        const { dtype, shape } = planOf(buffer);
        tensors.set(names.get(buffer) ?? buffer, fromHostArray(values, dtype, shape));
      }
    };
    const first = new Map([
      ...outputBuffers(entry.output).map(({ output, buffer }) => [buffer, output === "" ? "output" : `output/${output}`] as const),
      ...entry.gradients.map(({ parameter, buffer }) => [buffer, `grad/${parameter}`] as const),
    ]);
    const losses = new Map([["loss", entry.loss], ...(entry.parts ?? []).map(({ output, buffer }) => [`loss/${output}`, buffer] as const)]);
    const histories = new Map([...losses.keys()].map((name) => [name, new Float32Array(steps)]));
    for (let step = 0; step < steps; step++) {
      session.run(entry.name);
      const values = await session.read([...losses.values()]);
      for (const [name, buffer] of losses) histories.get(name)?.fill(values.get(buffer)?.[0] ?? NaN, step, step + 1);
      if (step === 0) await keep(first);
    }
    for (const [name, history] of histories) tensors.set(name, fromHostArray(history, "f32", [steps]));
    await keep(new Map(artifact.parameters.map(({ name, state }) => [state, `after/${name}`])));
    const nameOf = new Map(artifact.parameters.map(({ name, state }) => [state, name]));
    await keep(new Map((stage.averages ?? []).map(({ weight, average }) => [average, `average/${nameOf.get(weight) ?? weight}`])));
    return tensors;
  } finally {
    network.dispose();
  }
}
