// cuDNN 9: convolutions and their gradients through its graphs of operations, here of one, each by the engines that the library itself thinks fastest for
// it. What it loads besides it finds in its own folder.

import type { ConvolutionOfLibrary, TensorPlace } from "../../ir/program.ts";
import { bytesPerElement } from "../../ir/types.ts";
import { CUDNN_STATUSES, CUDNN_VALUES as V } from "./cudnn-values.ts";
import type { Koffi } from "./koffi.ts";
import { bind } from "./koffi.ts";
import { isLibraryError, NativeLibrary, type LibraryPlan, type Place, type ProductLibrary } from "./library.ts";
import { CUDNN, VERSIONS } from "./signatures.ts";
import { versionOfNumber } from "./version.ts";

/** What tensors are of in memory. */
const TYPES = { f32: V.CUDNN_DATA_FLOAT, bf16: V.CUDNN_DATA_BFLOAT16, f16: V.CUDNN_DATA_HALF } as const;

/** More than that for one convolution is left to others: a tensor turned to another layout and back takes what it has itself. */
const MOST_WORKSPACE = 128 << 20;

/** Ways of the library that are tried. */
const MOST_PLANS = 4;

/** Engines that are looked at: many have what the precision does not allow. */
const MOST_ENGINES = 16;

/** Who is asked for engines, one after the other, until somebody knows any. */
const ADVISERS = { A: V.CUDNN_HEUR_MODE_A, B: V.CUDNN_HEUR_MODE_B, fallback: V.CUDNN_HEUR_MODE_FALLBACK } as const;

/** Of an engine: sums in an order that changes, in fewer bits, or with more error than a plain sum has. */
const NEVER: ReadonlySet<number> = new Set([
  ...[
    V.CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS,
    V.CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION,
    V.CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC,
  ],
  ...[V.CUDNN_NUMERICAL_NOTE_FFT, V.CUDNN_NUMERICAL_NOTE_WINOGRAD, V.CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4],
  ...[V.CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6, V.CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13],
]);

type Library = NativeLibrary<typeof CUDNN>;

/** Throws where the library cannot be loaded, or does not begin. */
export function openCudnn(koffi: Koffi, path: string): ProductLibrary {
  const library: Library = new NativeLibrary(koffi, path, CUDNN, CUDNN_STATUSES);
  const version = bind(koffi, path, VERSIONS.cudnn, "u64").get("cudnnGetVersion")?.() ?? 0;
  const name = `cuDNN ${versionOfNumber(version)}`;
  const handle = library.handle("cudnnCreate");
  return {
    name,
    plansOf: (product) => (product.kind === "convolution" ? plansOf(library, handle, name, product) : []),
    dispose: () => library.attempt("cudnnDestroy", handle),
  };
}

function plansOf(library: Library, handle: bigint, name: string, given: ConvolutionOfLibrary): readonly LibraryPlan[] {
  const descriptors = new Descriptors(library);
  try {
    const graph = graphOf(descriptors, handle, given);
    for (const [adviser, mode] of Object.entries(ADVISERS)) {
      const found = attempt(() => enginesOf(descriptors, graph, mode)) ?? [];
      const plans = found
        .filter(({ notes }) => isAllowed(notes, given.precision))
        .flatMap((engine) => attempt(() => planOf(descriptors, handle, engine)) ?? [])
        .filter(({ workspaceBytes }) => workspaceBytes <= MOST_WORKSPACE)
        .slice(0, MOST_PLANS);
      if (plans.length > 0) return shared(descriptors, handle, given, plans, `${name} ${adviser}`);
    }
    descriptors.dispose();
    return [];
  } catch (error) {
    descriptors.dispose();
    throw error;
  }
}

/** Operands in f32 are multiplied as they are, or rounded: only tensor cores do that. */
function isAllowed(notes: readonly number[], precision: ConvolutionOfLibrary["precision"]): boolean {
  const usesTensorCores = notes.includes(V.CUDNN_NUMERICAL_NOTE_TENSOR_CORE);
  if (notes.some((note) => NEVER.has(note))) return false;
  return precision === "tf32" ? usesTensorCores : precision !== "f32" || !usesTensorCores;
}

/** Plans whose descriptors are given back with the last of them. */
function shared(
  descriptors: Descriptors,
  handle: bigint,
  given: ConvolutionOfLibrary,
  plans: readonly Plan[],
  name: string,
): readonly LibraryPlan[] {
  let users = plans.length;
  return plans.map(({ plan, rank, engine, workspaceBytes }): LibraryPlan => ({
    name: `${name}${String(rank)} engine ${String(engine)} ${nameOf(given)}`,
    workspaceBytes,
    enqueue: (place) => enqueue(descriptors.library, handle, plan, given, place),
    dispose: () => {
      users -= 1;
      if (users === 0) descriptors.dispose();
    },
  }));
}

/** All that the library's choice depends on. */
function nameOf({ direction, precision, stride, padding, dilation, groups, image, filter, response }: ConvolutionOfLibrary): string {
  const places = [image, filter, response].map(({ dtype, shape, strides, ...place }) =>
    [dtype, shape.join("x"), strides.join(","), alignmentOf({ dtype, shape, strides, ...place })].join(" "),
  );
  return [direction, precision, ...[stride, padding, dilation].map((pair) => pair.join("x")), groups, ...places].join(" ");
}

/** What refuses is no way. */
function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (isLibraryError(error)) return undefined;
    throw error;
  }
}

/** Tensors by their numbers in a graph. */
const tensorsOf = ({ image, filter, response }: ConvolutionOfLibrary): readonly TensorPlace[] => [image, filter, response];

/** What the three operations call their parts, in the order of the tensors. */
const OPERATIONS = {
  forward: {
    type: V.CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
    convolution: V.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
    scales: [V.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, V.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA],
    tensors: [
      ...[V.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, V.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W],
      V.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
    ],
  },
  data: {
    type: V.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
    convolution: V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
    scales: [V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA],
    tensors: [
      ...[V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W],
      V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
    ],
  },
  filter: {
    type: V.CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
    convolution: V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
    scales: [V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA],
    tensors: [
      ...[V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW],
      V.CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
    ],
  },
} as const satisfies Record<ConvolutionOfLibrary["direction"], object>;

/** A graph of one operation. */
function graphOf(descriptors: Descriptors, handle: bigint, given: ConvolutionOfLibrary): bigint {
  return descriptors.make(V.CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, [
    [V.CUDNN_ATTR_OPERATIONGRAPH_HANDLE, V.CUDNN_TYPE_HANDLE, BigUint64Array.of(handle)],
    [V.CUDNN_ATTR_OPERATIONGRAPH_OPS, ...pointers(operationOf(descriptors, given))],
  ]);
}

/** What the library is asked for. Groups are told by how many channels an image has, and how many a filter. */
export function operationOf(descriptors: Descriptors, given: ConvolutionOfLibrary): bigint {
  const tensors = tensorsOf(given).map((place, i) =>
    descriptors.make(V.CUDNN_BACKEND_TENSOR_DESCRIPTOR, [
      [V.CUDNN_ATTR_TENSOR_UNIQUE_ID, ...longs(i)],
      [V.CUDNN_ATTR_TENSOR_DATA_TYPE, V.CUDNN_TYPE_DATA_TYPE, Int32Array.of(TYPES[place.dtype])],
      [V.CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, ...longs(alignmentOf(place))],
      [V.CUDNN_ATTR_TENSOR_DIMENSIONS, ...longs(...place.shape)],
      [V.CUDNN_ATTR_TENSOR_STRIDES, ...longs(...place.strides)],
    ]),
  );
  const convolution = descriptors.make(V.CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, [
    [V.CUDNN_ATTR_CONVOLUTION_COMP_TYPE, V.CUDNN_TYPE_DATA_TYPE, Int32Array.of(V.CUDNN_DATA_FLOAT)],
    [V.CUDNN_ATTR_CONVOLUTION_CONV_MODE, V.CUDNN_TYPE_CONVOLUTION_MODE, Int32Array.of(V.CUDNN_CROSS_CORRELATION)],
    [V.CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, ...longs(2)],
    [V.CUDNN_ATTR_CONVOLUTION_DILATIONS, ...longs(...given.dilation)],
    [V.CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, ...longs(...given.stride)],
    [V.CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, ...longs(...given.padding)],
    [V.CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, ...longs(...given.padding)],
  ]);
  const { type, convolution: by, scales, tensors: parts } = OPERATIONS[given.direction];
  return descriptors.make(type, [
    [by, ...pointers(convolution)],
    ...tensors.map((tensor, i): Attribute => [parts[i] ?? 0, ...pointers(tensor)]),
    // The result is all that comes of it.
    ...scales.map((scale, i): Attribute => [scale, V.CUDNN_TYPE_FLOAT, Float32Array.of(i === 0 ? 1 : 0)]),
  ]);
}

/** An engine with its settings. */
interface Engine {
  readonly config: bigint;
  readonly rank: number;
  readonly engine: number;
  /** What is said of its numbers. */
  readonly notes: readonly number[];
}

function enginesOf(descriptors: Descriptors, graph: bigint, mode: number): readonly Engine[] {
  const asked = descriptors.make(V.CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, [
    [V.CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, ...pointers(graph)],
    [V.CUDNN_ATTR_ENGINEHEUR_MODE, V.CUDNN_TYPE_HEUR_MODE, Int32Array.of(mode)],
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

interface Plan extends Pick<Engine, "rank" | "engine"> {
  readonly plan: bigint;
  readonly workspaceBytes: number;
}

function planOf(descriptors: Descriptors, handle: bigint, { config, rank, engine }: Engine): Plan {
  const plan = descriptors.make(V.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, [
    [V.CUDNN_ATTR_EXECUTION_PLAN_HANDLE, V.CUDNN_TYPE_HANDLE, BigUint64Array.of(handle)],
    [V.CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, ...pointers(config)],
  ]);
  const bytes = new BigInt64Array(1);
  descriptors.get(plan, V.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, V.CUDNN_TYPE_INT64, bytes);
  return { plan, rank, engine, workspaceBytes: Number(bytes[0]) };
}

function enqueue(
  library: Library,
  handle: bigint,
  plan: bigint,
  given: ConvolutionOfLibrary,
  { addresses, workspace, stream }: Place,
): void {
  const places = tensorsOf(given).map((place) => (addresses[place.param] ?? 0n) + BigInt(bytesBefore(place)));
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

/** Where in its buffer the first element is. */
const bytesBefore = ({ dtype, first }: TensorPlace): number => bytesPerElement(dtype) * first;

/** Bytes that the first element's address is a multiple of: 16 are as many as engines ask for. */
const alignmentOf = (place: TensorPlace): number => [16, 8, 4, 2].find((bytes) => bytesBefore(place) % bytes === 0) ?? 1;

type Values = Int32Array | Float32Array | BigInt64Array | BigUint64Array;
type Attribute = readonly [name: number, type: number, values: Values];

const longs = (...values: readonly number[]): readonly [number, BigInt64Array] => [V.CUDNN_TYPE_INT64, BigInt64Array.from(values, BigInt)];
const pointers = (...values: readonly bigint[]): readonly [number, BigUint64Array] => [
  V.CUDNN_TYPE_BACKEND_DESCRIPTOR,
  BigUint64Array.from(values),
];

/** Descriptors, which are given back together. */
export class Descriptors {
  readonly library: Library;
  readonly #made: bigint[] = [];

  constructor(library: Library) {
    this.library = library;
  }

  create(type: number): bigint {
    const out = new BigUint64Array(1);
    this.library.call("cudnnBackendCreateDescriptor", type, out);
    const [made = 0n] = out;
    this.#made.push(made);
    return made;
  }

  /** A descriptor with all that it says. */
  make(type: number, attributes: readonly Attribute[]): bigint {
    const made = this.create(type);
    for (const [name, of, values] of attributes) this.library.call("cudnnBackendSetAttribute", made, name, of, values.length, values);
    this.library.call("cudnnBackendFinalize", made);
    return made;
  }

  /** How many elements an attribute has, of which as many as there is room for are in `into` then. */
  get(of: bigint, name: number, type: number, into: Values): number {
    const count = new BigInt64Array(1);
    this.library.call("cudnnBackendGetAttribute", of, name, type, into.length, count, into);
    return Math.min(into.length, Number(count[0]));
  }

  dispose(): void {
    for (const made of this.#made.reverse()) this.library.attempt("cudnnBackendDestroyDescriptor", made);
    this.#made.length = 0;
  }
}
