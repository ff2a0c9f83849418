// cuBLASLt: products of matrices, each by the ways that the library itself thinks fastest for its shape. What is row-major to us is the transposed of
// what is column-major to it, so y = a b is asked for as y' = b' a', whose rows are our columns: there a bias belongs to a row.

import type { MatrixPlace, ProductOfLibrary } from "../../ir/program.ts";
import { bytesPerElement } from "../../ir/types.ts";
import type { Koffi } from "./koffi.ts";
import { bind } from "./koffi.ts";
import { NativeLibrary, type LibraryPlan, type Place, type ProductLibrary } from "./library.ts";
import { CUBLASLT, VERSIONS } from "./signatures.ts";
import { versionOfNumber } from "./version.ts";

/** Values of cublas_api.h, cublasLt.h and library_types.h, by the names that they have there; a test holds them to the headers. */
export const CUBLASLT_VALUES = {
  CUDA_R_32F: 0,
  CUDA_R_16F: 2,
  CUDA_R_16BF: 14,
  CUBLAS_COMPUTE_32F: 68,
  CUBLAS_COMPUTE_32F_FAST_16F: 74,
  CUBLAS_COMPUTE_32F_FAST_16BF: 75,
  CUBLAS_COMPUTE_32F_FAST_TF32: 77,
  CUBLAS_OP_N: 0,
  CUBLAS_OP_T: 1,
  CUBLASLT_MATMUL_DESC_TRANSA: 3,
  CUBLASLT_MATMUL_DESC_TRANSB: 4,
  CUBLASLT_MATMUL_DESC_EPILOGUE: 7,
  CUBLASLT_MATMUL_DESC_BIAS_POINTER: 8,
  CUBLASLT_EPILOGUE_DEFAULT: 1,
  CUBLASLT_EPILOGUE_BIAS: 4,
  CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT: 5,
  CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET: 6,
  CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES: 1,
  CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK: 3,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES: 5,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES: 6,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES: 7,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES: 8,
  CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE: 2,
  CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE: 4,
} as const;
const V = CUBLASLT_VALUES;

/** cublasStatus_t. */
export const CUBLAS_STATUSES: Readonly<Record<number, string>> = {
  1: "CUBLAS_STATUS_NOT_INITIALIZED",
  3: "CUBLAS_STATUS_ALLOC_FAILED",
  7: "CUBLAS_STATUS_INVALID_VALUE",
  8: "CUBLAS_STATUS_ARCH_MISMATCH",
  11: "CUBLAS_STATUS_MAPPING_ERROR",
  13: "CUBLAS_STATUS_EXECUTION_FAILED",
  14: "CUBLAS_STATUS_INTERNAL_ERROR",
  15: "CUBLAS_STATUS_NOT_SUPPORTED",
  16: "CUBLAS_STATUS_LICENSE_ERROR",
};

/** What matrices are of in memory. */
const TYPES = { f32: V.CUDA_R_32F, bf16: V.CUDA_R_16BF, f16: V.CUDA_R_16F } as const;

/** Of operands that are f32 in memory: as they are, or rounded by the library as they are multiplied. All others are multiplied as they are. */
const COMPUTE = {
  f32: V.CUBLAS_COMPUTE_32F,
  tf32: V.CUBLAS_COMPUTE_32F_FAST_TF32,
  bf16: V.CUBLAS_COMPUTE_32F_FAST_16BF,
  f16: V.CUBLAS_COMPUTE_32F_FAST_16F,
} as const;

/** What NVIDIA recommends for Hopper; other GPUs' algorithms ask for less. */
const MOST_WORKSPACE = 32 << 20;

/** Ways of the library that are tried. */
const MOST_PLANS = 2;

/** cublasLtMatmulHeuristicResult_t: an algorithm of 64 bytes, the bytes of its workspace, a status, a figure and what is reserved. */
export const HEURISTIC = { bytes: 96, algorithm: 64, workspace: 64, status: 72 } as const;

/** Of the arena's buffers: they begin at multiples of it. */
const ALIGNED = 256;

type Library = NativeLibrary<typeof CUBLASLT>;

/** Throws where the library cannot be loaded, or does not begin. */
export function openCublasLt(koffi: Koffi, path: string): ProductLibrary {
  const library: Library = new NativeLibrary(koffi, path, CUBLASLT, CUBLAS_STATUSES);
  const version = bind(koffi, path, VERSIONS.cublasLt, "u64").get("cublasLtGetVersion")?.() ?? 0;
  const name = `cuBLASLt ${versionOfNumber(version)}`;
  const handle = library.handle("cublasLtCreate");
  return {
    name,
    plansOf: (product) => (product.kind === "matmul" ? plansOf(library, handle, name, product) : []),
    dispose: () => library.attempt("cublasLtDestroy", handle),
  };
}

function plansOf(library: Library, handle: bigint, name: string, product: ProductOfLibrary): readonly LibraryPlan[] {
  const descriptors = new Descriptors(library);
  try {
    return plansWith(descriptors, handle, name, product);
  } catch (error) {
    descriptors.dispose();
    throw error;
  }
}

function plansWith(descriptors: Descriptors, handle: bigint, name: string, product: ProductOfLibrary): readonly LibraryPlan[] {
  const { library } = descriptors;
  const call = describe(descriptors, product);
  const results = new Uint8Array(HEURISTIC.bytes * MOST_PLANS);
  const found = new Int32Array(1);
  const preference = descriptors.preference(product);
  const { a, b, c, d } = call.layouts;
  library.call("cublasLtMatmulAlgoGetHeuristic", handle, call.operation, a, b, c, d, preference, MOST_PLANS, results, found);
  const view = new DataView(results.buffer);
  const plans = Array.from({ length: found[0] ?? 0 }, (_, i) => i * HEURISTIC.bytes).filter(
    (at) => view.getInt32(at + HEURISTIC.status, true) === 0,
  );
  // The descriptors are those of all of them.
  let users = plans.length;
  if (users === 0) descriptors.dispose();
  return plans.map((at, i): LibraryPlan => {
    const algorithm = results.slice(at, at + HEURISTIC.algorithm);
    const workspaceBytes = Number(view.getBigUint64(at + HEURISTIC.workspace, true));
    return {
      name: `${name} #${String(i)} ${nameOf(product)}`,
      workspaceBytes,
      enqueue: (place) => call.enqueue(handle, algorithm, workspaceBytes, place),
      dispose: () => {
        users -= 1;
        if (users === 0) descriptors.dispose();
      },
    };
  });
}

/** All that the library's choice depends on. */
function nameOf({ precision, batch, m, n, k, left, right, result, bias, added }: ProductOfLibrary): string {
  const places = [left, right, result, bias, added].map((it) =>
    it ? [it.dtype, it.first % ALIGNED, it.matrix, it.row, it.column].join(",") : "-",
  );
  return [precision, [batch, m, n, k].join("x"), ...places].join(" ");
}

interface Call {
  readonly operation: bigint;
  readonly layouts: { readonly a: bigint; readonly b: bigint; readonly c: bigint; readonly d: bigint };
  enqueue(handle: bigint, algorithm: Uint8Array, workspaceBytes: number, place: Place): void;
}

/** The transposed product: its left operand is our right one, its rows are our columns. */
function describe(descriptors: Descriptors, product: ProductOfLibrary): Call {
  const { precision, batch, m, n, k, left, right, result, bias, added } = product;
  const { library } = descriptors;
  const compute = COMPUTE[left.dtype === "f32" ? precision : "f32"];
  const operation = descriptors.make("cublasLtMatmulDescCreate", "cublasLtMatmulDescDestroy", compute, V.CUDA_R_32F);
  const set = (attribute: number, value: Int32Array | BigUint64Array): void =>
    library.call("cublasLtMatmulDescSetAttribute", operation, attribute, value, value.byteLength);
  /** A matrix of so many rows and columns; whether it lies there transposed. */
  const layout = (place: MatrixPlace, rows: number, columns: number, transposes: boolean): bigint => {
    const [height, width, step] = transposes ? [columns, rows, place.column] : [rows, columns, place.row];
    const made = descriptors.make(
      "cublasLtMatrixLayoutCreate",
      "cublasLtMatrixLayoutDestroy",
      TYPES[place.dtype],
      width,
      height,
      Math.max(step, width),
    );
    if (batch > 1) {
      const put = (attribute: number, value: Int32Array | BigInt64Array): void =>
        library.call("cublasLtMatrixLayoutSetAttribute", made, attribute, value, value.byteLength);
      put(V.CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, Int32Array.of(batch));
      put(V.CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, BigInt64Array.of(BigInt(place.matrix)));
    }
    return made;
  };
  const [isLeftTurned, isRightTurned] = [!isByRows(left, m, k), !isByRows(right, k, n)];
  set(V.CUBLASLT_MATMUL_DESC_TRANSA, Int32Array.of(isRightTurned ? V.CUBLAS_OP_T : V.CUBLAS_OP_N));
  set(V.CUBLASLT_MATMUL_DESC_TRANSB, Int32Array.of(isLeftTurned ? V.CUBLAS_OP_T : V.CUBLAS_OP_N));
  set(V.CUBLASLT_MATMUL_DESC_EPILOGUE, Int32Array.of(bias ? V.CUBLASLT_EPILOGUE_BIAS : V.CUBLASLT_EPILOGUE_DEFAULT));
  // Nobody reads there before the address is known.
  if (bias) set(V.CUBLASLT_MATMUL_DESC_BIAS_POINTER, BigUint64Array.of(BigInt(alignmentOf(bias))));
  const layouts = {
    a: layout(right, k, n, isRightTurned),
    b: layout(left, m, k, isLeftTurned),
    c: layout(added ?? result, m, n, false),
    d: layout(result, m, n, false),
  };
  const [one, beta] = [Float32Array.of(1), Float32Array.of(added ? 1 : 0)];
  const enqueue: Call["enqueue"] = (handle, algorithm, workspaceBytes, { addresses, workspace, stream }) => {
    const at = (place: MatrixPlace): bigint => (addresses[place.param] ?? 0n) + BigInt(bytesBefore(place));
    if (bias) set(V.CUBLASLT_MATMUL_DESC_BIAS_POINTER, BigUint64Array.of(at(bias)));
    const { a, b, c, d } = layouts;
    const operands = [operation, one, at(right), a, at(left), b, beta, at(added ?? result), c, at(result), d] as const;
    library.call("cublasLtMatmul", handle, ...operands, algorithm, workspace, workspaceBytes, stream);
  };
  return { operation, layouts, enqueue };
}

/** Whether the elements of a row lie side by side, rather than those of a column. */
const isByRows = ({ row, column }: MatrixPlace, rows: number, columns: number): boolean =>
  (column === 1 || columns === 1) && (row >= columns || rows === 1);

/** Where in its buffer the first element is. */
const bytesBefore = ({ dtype, first }: MatrixPlace): number => bytesPerElement(dtype) * first;

/** Bytes that the first element's address is a multiple of. */
const alignmentOf = (place: MatrixPlace): number => {
  let bytes = ALIGNED;
  while (bytesBefore(place) % bytes !== 0) bytes /= 2;
  return bytes;
};

/** What the library calls descriptors, which are given back together. */
class Descriptors {
  readonly library: Library;
  readonly #made: { readonly destroy: keyof typeof CUBLASLT; readonly descriptor: bigint }[] = [];

  constructor(library: Library) {
    this.library = library;
  }

  make(create: keyof typeof CUBLASLT, destroy: keyof typeof CUBLASLT, ...args: readonly number[]): bigint {
    const descriptor = this.library.handle(create, ...args);
    this.#made.push({ destroy, descriptor });
    return descriptor;
  }

  /** What an algorithm may use: our workspace, addresses as they are, and sums of f32 in an order that is the same every time. */
  preference({ left, right, result, added }: ProductOfLibrary): bigint {
    const preference = this.make("cublasLtMatmulPreferenceCreate", "cublasLtMatmulPreferenceDestroy");
    const set = (attribute: number, value: Int32Array | BigUint64Array): void =>
      this.library.call("cublasLtMatmulPreferenceSetAttribute", preference, attribute, value, value.byteLength);
    set(V.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, BigUint64Array.of(BigInt(MOST_WORKSPACE)));
    // Parts of a sum would be rounded to a result of fewer bits.
    const asResult = result.dtype === "f32" ? V.CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE : 0;
    const schemes = V.CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | asResult;
    set(V.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, Int32Array.of(schemes));
    set(V.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, Int32Array.of(alignmentOf(right)));
    set(V.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, Int32Array.of(alignmentOf(left)));
    set(V.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, Int32Array.of(alignmentOf(added ?? result)));
    set(V.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, Int32Array.of(alignmentOf(result)));
    return preference;
  }

  dispose(): void {
    for (const { destroy, descriptor } of this.#made.reverse()) this.library.attempt(destroy, descriptor);
    this.#made.length = 0;
  }
}
