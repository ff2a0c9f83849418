// What the kernels around a library's product take: the parameters of the kernel that the product is of, and behind them what they hand to each other.

import { isAttention, madeForAttention } from "./attention-place.ts";
import { isProduct, madeMatrices } from "./matrix-place.ts";
import { isConvolution, lengthOf, madeOf, rolesOf } from "./tensor-place.ts";
import type { ContractionOfLibrary, ParameterType } from "./program.ts";

/** Of what kernels make before the product, one after the other. */
export function madeParams(product: ContractionOfLibrary, count: number): readonly ParameterType[] {
  if (product.kind === "matmul") return madeMatrices(product, count);
  const made = product.kind === "convolution" ? madeOf(product, count) : madeForAttention(product, count);
  return made.map((place) => ({ dtype: place.dtype, length: lengthOf(place), access: "write" }));
}

/** Of what comes of a product. */
export function resultOf(product: ContractionOfLibrary): Pick<ParameterType, "dtype" | "length"> {
  if (product.kind === "matmul") return { dtype: product.result.dtype, length: product.batch * product.m * product.n };
  const result = product.kind === "convolution" ? rolesOf(product).result : product.result;
  return { dtype: result.dtype, length: lengthOf(result) };
}

/** What is wrong with what a kernel says of a library; `params` has what is made before behind its own, and then the product where there is a rest. */
export function productFault(product: ContractionOfLibrary, params: readonly ParameterType[], hasRest: boolean): string | undefined {
  switch (product.kind) {
    case "matmul":
      return isProduct(product, params, hasRest) ? undefined : "a product of matrices that it does not have";
    case "convolution":
      return isConvolution(product, params, hasRest) ? undefined : "a convolution that it does not have";
    case "attention":
      return isAttention(product, params) && !hasRest ? undefined : "an attention that it does not have";
    default:
      return product satisfies never;
  }
}

/** Of the kernel for the rest: those of its kernel, and the product. */
export const restParams = (params: readonly ParameterType[], product: ContractionOfLibrary): readonly ParameterType[] => [
  ...params,
  { ...resultOf(product), access: "read" },
];
