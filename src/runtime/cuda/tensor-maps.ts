// What the driver is told of matrices in buffers, for kernels that take maps of them.

import type { MatrixType, TensorMap } from "../../ir/program.ts";
import { MAP_BYTES } from "../../ir/tensor-map.ts";
import { bytesPerElement } from "../../ir/types.ts";
import type { Argument } from "./driver.ts";

/** A CUtensorMap, which begins at a multiple of as many: of 64 until CUDA 13. */
export const TENSOR_MAP_BYTES = 128;

/** As cuda.h has them. */
export const TENSOR_MAP_VALUES = {
  CU_TENSOR_MAP_DATA_TYPE_FLOAT16: 6,
  CU_TENSOR_MAP_DATA_TYPE_FLOAT32: 7,
  CU_TENSOR_MAP_DATA_TYPE_BFLOAT16: 9,
  CU_TENSOR_MAP_INTERLEAVE_NONE: 0,
  CU_TENSOR_MAP_SWIZZLE_128B: 3,
  CU_TENSOR_MAP_L2_PROMOTION_L2_256B: 3,
  CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE: 0,
} as const;

const TYPES: Readonly<Record<MatrixType, number>> = {
  f16: TENSOR_MAP_VALUES.CU_TENSOR_MAP_DATA_TYPE_FLOAT16,
  f32: TENSOR_MAP_VALUES.CU_TENSOR_MAP_DATA_TYPE_FLOAT32,
  bf16: TENSOR_MAP_VALUES.CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
};

/** The arguments of cuTensorMapEncodeTiled behind its first. @param buffer the address of the matrix's buffer */
export function tensorMapArguments({ dtype, first, rows, columns, row, box }: TensorMap, buffer: bigint): readonly Argument[] {
  const size = bytesPerElement(dtype);
  return [
    TYPES[dtype],
    2,
    buffer + BigInt(first * size),
    BigUint64Array.of(BigInt(columns), BigInt(rows)),
    BigUint64Array.of(BigInt(row * size)),
    Uint32Array.of(MAP_BYTES / size, box),
    Uint32Array.of(1, 1),
    TENSOR_MAP_VALUES.CU_TENSOR_MAP_INTERLEAVE_NONE,
    TENSOR_MAP_VALUES.CU_TENSOR_MAP_SWIZZLE_128B,
    TENSOR_MAP_VALUES.CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
    TENSOR_MAP_VALUES.CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
  ];
}
