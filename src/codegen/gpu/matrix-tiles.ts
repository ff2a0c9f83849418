// Shapes for contractions whose operands subgroups multiply as matrices of 16 rows and 8 columns: what a subgroup sums in its registers, and how many
// of them share what they load.

import type { OperandType } from "../../ir/loop/expr.ts";
import { WORTH_MEASURING } from "../problem.ts";
import type { Product } from "../../ir/loop/kernel.ts";
import type { DeviceProfile } from "./profile.ts";
import { UNSURE } from "./tiles.ts";

/** Lanes of the subgroups that multiply matrices. */
export const MATRIX_LANES = 32;
/** Of one product: rows of the result, its columns, and words along k. */
export const [MATRIX_ROWS, MATRIX_COLUMNS, MATRIX_WORDS] = [16, 8, 8];

/** Lanes of a warpgroup, and of one of its products rows and columns of the result. */
export const [WARPGROUP, WIDE_ROWS, WIDE_COLUMNS] = [128, 64, 128];

export interface MatrixTile {
  readonly operands: OperandType;
  /** Elements of k in a word. */
  readonly perWord: number;
  /** Subgroups of a workgroup along m and n. */
  readonly groupsM: number;
  readonly groupsN: number;
  /** Products of a subgroup along m and n; along n an even number, since the right operand of two is loaded at once. */
  readonly productsM: number;
  readonly productsN: number;
}

type Shape = Omit<MatrixTile, "operands" | "perWord">;

const LARGE: Shape = { groupsM: 2, groupsN: 4, productsM: 4, productsN: 4 };
const SMALL: Shape = { groupsM: 2, groupsN: 2, productsM: 2, productsN: 4 };
/** For results of few rows. */
const FLAT: Shape = { groupsM: 1, groupsN: 4, productsM: 1, productsN: 4 };

/** Of warpgroups, each with one product: two below each other, two side by side, and a single one. */
export const WIDE = {
  tall: { groupsM: 8, groupsN: 1, productsM: 1, productsN: 16 },
  flat: { groupsM: 4, groupsN: 2, productsM: 1, productsN: 16 },
  single: { groupsM: 4, groupsN: 1, productsM: 1, productsN: 16 },
} as const satisfies Readonly<Record<string, Shape>>;

/** Below this many workgroups a GPU is not full, and smaller tiles win. */
const ENOUGH_GROUPS = 100;

export const heightOf = ({ groupsM, productsM }: Shape): number => groupsM * productsM * MATRIX_ROWS;
export const widthOf = ({ groupsN, productsN }: Shape): number => groupsN * productsN * MATRIX_COLUMNS;

/** Other shapes that may be the better ones after all: of a product that has a shape. */
export function otherMatrixTiles(product: Product, profile: DeviceProfile): readonly MatrixTile[] {
  const chosen = matrixTile(product, profile);
  const { b, m, n, k } = product;
  if (!chosen || b * m * n * k < WORTH_MEASURING) return [];
  const groups = groupsOf(product, LARGE);
  const isSure = groups >= UNSURE * ENOUGH_GROUPS || UNSURE * groups < ENOUGH_GROUPS;
  if (m <= MATRIX_ROWS || isSure) return [];
  return [{ ...chosen, ...(groups >= ENOUGH_GROUPS ? SMALL : LARGE) }];
}

const groupsOf = ({ b, m, n }: Product, shape: Shape): number => b * Math.ceil(m / heightOf(shape)) * Math.ceil(n / widthOf(shape));

/** A shape for a product whose operands are of a format that the device multiplies matrices of; undefined where they are not. */
export function matrixTile(product: Product, { matrices = [], lanes }: DeviceProfile): MatrixTile | undefined {
  const { operands } = product;
  if (operands === undefined || !matrices.includes(operands) || lanes !== MATRIX_LANES) return undefined;
  const isFull = groupsOf(product, LARGE) >= ENOUGH_GROUPS;
  const shape = product.m <= MATRIX_ROWS ? FLAT : isFull ? LARGE : SMALL;
  return { ...shape, operands, perWord: operands === "tf32" ? 1 : 2 };
}

/** A shape of warpgroups for a product that has one of subgroups, where it is worth trying: none where most of what they multiply would be beside the result. */
export function wideTile(product: Product, profile: DeviceProfile): MatrixTile | undefined {
  const chosen = matrixTile(product, profile);
  const { b, m, n, k } = product;
  if (!chosen || profile.warpgroups === undefined || b * m * n * k < WORTH_MEASURING) return undefined;
  if (2 * m <= WIDE_ROWS || 2 * n <= WIDE_COLUMNS) return undefined;
  const shape = m > WIDE_ROWS ? WIDE.tall : WIDE.flat;
  const isWorth = heightOf(shape) < 2 * m && widthOf(shape) < 2 * n && groupsOf(product, shape) >= ENOUGH_GROUPS;
  return { ...chosen, ...(isWorth ? shape : WIDE.single) };
}
