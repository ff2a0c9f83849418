// A graph of cuDNN's operations, and the plans to do it by: engines that the library itself thinks fastest, of which as many are taken as the operation
// allows.

import { bytesPerElement, sizeOf, type DType } from "../../ir/types.ts";
import { Descriptors, longs, pointers, type Attribute, type CudnnLibrary } from "./cudnn-descriptors.ts";
import { CUDNN_VALUES as V } from "./cudnn-values.ts";
import { isLibraryError, type Place } from "./library.ts";

/** A tensor of a graph, in a buffer of the program: strides are elements. */
export interface GraphTensor {
  readonly param: number;
  readonly dtype: keyof typeof TYPES;
  readonly first: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** What a graph is of. */
export interface GraphOperation {
  /** All that the library's choice depends on. */
  readonly name: string;
  /** A tensor's place among them is its number in the graph. */
  readonly tensors: readonly GraphTensor[];
  /** Numbers in f32 that the host hands over with each execution; they are numbered behind the tensors. */
  readonly scalars?: Float32Array;
  /** Makes what the graph consists of, given the descriptors of its tensors, and of its scalars behind them. */
  make(descriptors: Descriptors, tensors: readonly bigint[]): readonly bigint[];
  /** Whether an engine of which this is said keeps to the precision that is asked for. */
  isAllowed(notes: readonly number[]): boolean;
}

/** What tensors are of in memory. */
const TYPES = { f32: V.CUDNN_DATA_FLOAT, bf16: V.CUDNN_DATA_BFLOAT16, f16: V.CUDNN_DATA_HALF } as const satisfies Partial<
  Record<DType, number>
>;

const NONE = new Float32Array();

/**
 * More than that is left to others, unless it is twice what the operation's tensors take: what is turned to another layout and back takes as much again,
 * and more where channels are filled up.
 */
const WORKSPACE = 128 << 20;

/** Ways of the library that are tried, and how many of them by one engine, which differ by settings: what another one does may be faster by more. */
const MOST_PLANS = 4;
const MOST_OF_ENGINE = 2;

/** Engines that are looked at: of 40 with their settings, the first that do without tensor cores may be the last ones. */
const MOST_ENGINES = 128;

/** Who is asked for engines, one after the other, until somebody knows any. */
const ADVISERS = { A: V.CUDNN_HEUR_MODE_A, B: V.CUDNN_HEUR_MODE_B, fallback: V.CUDNN_HEUR_MODE_FALLBACK } as const;

/** For whom a graph, engines and plans are: what descriptors of each say of that. */
export interface Asker {
  readonly graph: readonly Attribute[];
  readonly engines: readonly Attribute[];
  readonly plan: readonly Attribute[];
}

/** Who executes the plans as well. */
export const askerOf = (handle: bigint): Asker => ({
  graph: [[V.CUDNN_ATTR_OPERATIONGRAPH_HANDLE, V.CUDNN_TYPE_HANDLE, BigUint64Array.of(handle)]],
  engines: [],
  plan: [[V.CUDNN_ATTR_EXECUTION_PLAN_HANDLE, V.CUDNN_TYPE_HANDLE, BigUint64Array.of(handle)]],
});

/** A plan, and where it comes from. */
export interface GraphPlan extends Pick<Engine, "engine" | "notes"> {
  readonly plan: bigint;
  /** As in A0: who knew its engine, and how many were thought faster. */
  readonly advice: string;
  readonly workspaceBytes: number;
}

/** The likeliest to be fast first; none where the library cannot do it. Their descriptors are among those given. */
export function plansOf(descriptors: Descriptors, asker: Asker, operation: GraphOperation): readonly GraphPlan[] {
  const graph = graphOf(descriptors, asker, operation);
  const room = Math.max(WORKSPACE, 2 * bytesOf(operation));
  for (const [adviser, mode] of Object.entries(ADVISERS)) {
    const plans: GraphPlan[] = [];
    // One after the other, as long as some are wanted: an engine may be compiled for its plan, which takes a second.
    for (const found of attempt(() => enginesOf(descriptors, asker, graph, mode)) ?? []) {
      if (plans.length === MOST_PLANS) break;
      const { engine, notes } = found;
      const isNew = plans.filter((plan) => plan.engine === engine).length < MOST_OF_ENGINE;
      if (!isNew || !isDeterministic(notes) || !operation.isAllowed(notes)) continue;
      const plan = attempt(() => planOf(descriptors, asker, adviser, found));
      if (plan && plan.workspaceBytes <= room) plans.push(plan);
    }
    if (plans.length > 0) return plans;
  }
  return [];
}

/** Of all of its tensors. */
const bytesOf = ({ tensors }: GraphOperation): number =>
  tensors.reduce((sum, { dtype, shape }) => sum + bytesPerElement(dtype) * sizeOf(shape), 0);

/** Whether two runs have the same bits. */
const isDeterministic = (notes: readonly number[]): boolean => !notes.includes(V.CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);

/** What refuses is no way. */
function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (isLibraryError(error)) return undefined;
    throw error;
  }
}

/** A graph that the library has looked at. */
export const graphOf = (descriptors: Descriptors, asker: Asker, operation: GraphOperation): bigint =>
  descriptors.make(V.CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, [
    ...asker.graph,
    [V.CUDNN_ATTR_OPERATIONGRAPH_OPS, ...pointers(...operation.make(descriptors, tensorsOf(descriptors, operation)))],
  ]);

/** The descriptors of an operation's tensors, and of its scalars behind them. */
export function tensorsOf(descriptors: Descriptors, { tensors, scalars = NONE }: GraphOperation): readonly bigint[] {
  const one = { dtype: "f32", first: 0, shape: [1, 1, 1, 1], strides: [1, 1, 1, 1] } as const;
  return [
    ...tensors.map((tensor, i) => tensorOf(descriptors, i, tensor)),
    ...Array.from(scalars, (_, i) => tensorOf(descriptors, tensors.length + i, one, V.CUDNN_ATTR_TENSOR_IS_BY_VALUE)),
  ];
}

/** @param is which attribute says where it is, if not in memory */
export const tensorOf = (descriptors: Descriptors, id: number, tensor: Omit<GraphTensor, "param">, is?: number): bigint =>
  descriptors.make(V.CUDNN_BACKEND_TENSOR_DESCRIPTOR, [
    [V.CUDNN_ATTR_TENSOR_UNIQUE_ID, ...longs(id)],
    [V.CUDNN_ATTR_TENSOR_DATA_TYPE, V.CUDNN_TYPE_DATA_TYPE, Int32Array.of(TYPES[tensor.dtype])],
    [V.CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, ...longs(alignmentOf(tensor))],
    [V.CUDNN_ATTR_TENSOR_DIMENSIONS, ...longs(...tensor.shape)],
    [V.CUDNN_ATTR_TENSOR_STRIDES, ...longs(...tensor.strides)],
    ...(is === undefined ? [] : [[is, V.CUDNN_TYPE_BOOLEAN, Uint8Array.of(1)] as const]),
  ]);

/** An engine with its settings. */
interface Engine {
  readonly config: bigint;
  readonly rank: number;
  readonly engine: number;
  /** What is said of its numbers. */
  readonly notes: readonly number[];
}

/** Engines for a graph, the likeliest to be fast first. */
export function enginesOf(descriptors: Descriptors, asker: Asker, graph: bigint, mode: number): readonly Engine[] {
  const asked = descriptors.make(V.CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, [
    [V.CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, ...pointers(graph)],
    [V.CUDNN_ATTR_ENGINEHEUR_MODE, V.CUDNN_TYPE_HEUR_MODE, Int32Array.of(mode)],
    ...asker.engines,
  ]);
  const configs = BigUint64Array.from({ length: MOST_ENGINES }, () => descriptors.create(V.CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
  const count = descriptors.get(asked, V.CUDNN_ATTR_ENGINEHEUR_RESULTS, V.CUDNN_TYPE_BACKEND_DESCRIPTOR, configs);
  return Array.from(configs.subarray(0, count), (config, rank): Engine => {
    const engine = BigUint64Array.of(descriptors.create(V.CUDNN_BACKEND_ENGINE_DESCRIPTOR));
    descriptors.get(config, V.CUDNN_ATTR_ENGINECFG_ENGINE, V.CUDNN_TYPE_BACKEND_DESCRIPTOR, engine);
    const [index, notes] = [new BigInt64Array(1), new Int32Array(MOST_NOTES)];
    const [at = 0n] = engine;
    descriptors.get(at, V.CUDNN_ATTR_ENGINE_GLOBAL_INDEX, V.CUDNN_TYPE_INT64, index);
    const known = descriptors.get(at, V.CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, V.CUDNN_TYPE_NUMERICAL_NOTE, notes);
    return { config, rank, engine: Number(index[0]), notes: [...notes.subarray(0, known)] };
  });
}

/** Notes of an engine, at most: the library knows ten, and may know more. */
const MOST_NOTES = 32;

function planOf(descriptors: Descriptors, asker: Asker, adviser: string, { config, rank, engine, notes }: Engine): GraphPlan {
  const plan = descriptors.make(V.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, [
    ...asker.plan,
    [V.CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, ...pointers(config)],
  ]);
  const bytes = new BigInt64Array(1);
  descriptors.get(plan, V.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, V.CUDNN_TYPE_INT64, bytes);
  return { plan, advice: `${adviser}${String(rank)}`, engine, notes, workspaceBytes: Number(bytes[0]) };
}

/**
 * Throws a LibraryError.
 * @param scalarsAt where in the host's memory the operation's scalars are
 */
export function enqueue(
  library: CudnnLibrary,
  handle: bigint,
  plan: bigint,
  { tensors, scalars = NONE }: GraphOperation,
  scalarsAt: bigint,
  { addresses, workspace, stream }: Place,
): void {
  const places = [
    ...tensors.map((tensor) => (addresses[tensor.param] ?? 0n) + BigInt(bytesBefore(tensor))),
    ...Array.from(scalars, (_, i) => scalarsAt + BigInt(i * scalars.BYTES_PER_ELEMENT)),
  ];
  const pack = new Descriptors(library);
  try {
    const made = pack.make(V.CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, [
      [V.CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ...longs(...places.keys())],
      [V.CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, V.CUDNN_TYPE_VOID_PTR, BigUint64Array.from(places)],
      [V.CUDNN_ATTR_VARIANT_PACK_WORKSPACE, V.CUDNN_TYPE_VOID_PTR, BigUint64Array.of(workspace)],
    ]);
    library.call("cudnnSetStream", handle, stream);
    library.call("cudnnBackendExecute", handle, plan, made);
  } finally {
    pack.dispose();
  }
}

/** What of a tensor the library's choice depends on. */
export const nameOfTensor = (tensor: GraphTensor): string =>
  [tensor.dtype, tensor.shape.join("x"), tensor.strides.join(","), alignmentOf(tensor)].join(" ");

/** Where in its buffer the first element is. */
const bytesBefore = ({ dtype, first }: Omit<GraphTensor, "param">): number => bytesPerElement(dtype) * first;

/** Bytes that the first element's address is a multiple of: 16 are as many as engines ask for. */
const alignmentOf = (tensor: Omit<GraphTensor, "param">): number => [16, 8, 4, 2].find((bytes) => bytesBefore(tensor) % bytes === 0) ?? 1;
