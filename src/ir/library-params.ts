// What the kernels around a library's product take: the parameters of the kernel that the product is of, and behind them what they hand to each other.

import { madeMatrices } from "./matrix-place.ts";
import { lengthOf, madeOf, rolesOf } from "./tensor-place.ts";
import type { ContractionOfLibrary, ParameterType } from "./program.ts";

/** Of what kernels make before the product, one after the other. */
export const madeParams = (product: ContractionOfLibrary, count: number): readonly ParameterType[] =>
  product.kind === "matmul"
    ? madeMatrices(product, count)
    : madeOf(product, count).map((place) => ({ dtype: place.dtype, length: lengthOf(place), access: "write" }));

/** Of what comes of a product. */
export const resultOf = (product: ContractionOfLibrary): Pick<ParameterType, "dtype" | "length"> =>
  product.kind === "matmul"
    ? { dtype: product.result.dtype, length: product.batch * product.m * product.n }
    : { dtype: rolesOf(product).result.dtype, length: lengthOf(rolesOf(product).result) };

/** Of the kernel for the rest: those of its kernel, and the product. */
export const restParams = (params: readonly ParameterType[], product: ContractionOfLibrary): readonly ParameterType[] => [
  ...params,
  { ...resultOf(product), access: "read" },
];
