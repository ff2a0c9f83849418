// Whether what a kernel says of matrices in its buffers is a matrix that a library takes, all of whose elements are there.

import type { MatrixPlace, ParameterType, ProductOfLibrary } from "./program.ts";

/** Rows or columns lie side by side, and one behind the other what does not. */
export function isMatrix({ row, column }: Pick<MatrixPlace, "row" | "column">, rows: number, columns: number): boolean {
  const isByRows = (column === 1 || columns === 1) && (row >= columns || rows === 1);
  const isByColumns = (row === 1 || rows === 1) && (column >= rows || columns === 1);
  return isByRows || isByColumns;
}

/** Whether a library multiplies matrices of these types, and gives one of that: operands alike, and sums of f32 or as they are. */
export const isOfTypes = ({ precision, left, right, result, bias = result, added = result }: TypesOfProduct): boolean =>
  left.dtype === right.dtype &&
  (left.dtype === "f32" || left.dtype === precision) &&
  (result.dtype === "f32" || result.dtype === left.dtype) &&
  bias.dtype === result.dtype &&
  added.dtype === result.dtype;

type TypesOfProduct = Pick<ProductOfLibrary, "precision" | "left" | "right" | "result" | "bias" | "added">;

/**
 * What kernels make before a product: their parameters are behind those of the kernel, in that order. Matrices lie row by row, one for all of a batch
 * or one for each.
 */
export function madeMatrices({ batch, m, n, k, left, right }: ProductOfLibrary, count: number): readonly ParameterType[] {
  const length = ({ matrix }: MatrixPlace, elements: number): number => (matrix === 0 ? elements : batch * elements);
  return [
    { place: left, elements: length(left, m * k) },
    { place: right, elements: length(right, k * n) },
  ]
    .filter(({ place }) => place.param >= count)
    .sort((a, b) => a.place.param - b.place.param)
    .map(({ place, elements }): ParameterType => ({ dtype: place.dtype, length: elements, access: "write" }));
}

/** Whether a product is one over buffers of these types; `params` has what is made for it behind the kernel's, and then the product where there is a rest. */
export function isProduct(product: ProductOfLibrary, params: readonly ParameterType[], hasRest: boolean): boolean {
  const { batch, m, n, k, left, right, result, bias, added } = product;
  const isThere = (place: MatrixPlace, rows: number, columns: number, access: "read" | "write"): boolean => {
    const { [place.param]: given } = params;
    if (given?.dtype !== place.dtype || (given.access !== access && given.access !== "read_write")) return false;
    return place.first + (batch - 1) * place.matrix + (rows - 1) * place.row + (columns - 1) * place.column < given.length;
  };
  const isSideBySide = (place: MatrixPlace): boolean => place.column === 1 && place.row >= n;
  return (
    isOfTypes(product) &&
    isThere(left, m, k, "read") &&
    isMatrix(left, m, k) &&
    isThere(right, k, n, "read") &&
    isMatrix(right, k, n) &&
    isThere(result, m, n, hasRest ? "read" : "write") &&
    (!hasRest || (result.param === params.length - 1 && !bias && !added)) &&
    isSideBySide(result) &&
    (batch === 1 || result.matrix >= (m - 1) * result.row + n) &&
    (!bias || (isThere(bias, 1, n, "read") && bias.column === 1 && bias.row === 0 && bias.matrix === 0)) &&
    (!added || (isThere(added, m, n, "read") && isSideBySide(added)))
  );
}
