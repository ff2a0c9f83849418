// Shapes for contractions whose operands subgroups multiply as matrices of 16 rows and 8 columns: what a subgroup sums in its registers, and how many
// of them share what they load.

import type { OperandType } from "../../ir/loop/expr.ts";
import type { Problem } from "../problem.ts";
import type { DeviceProfile } from "./profile.ts";

/** Lanes of the subgroups that multiply matrices. */
export const MATRIX_LANES = 32;
/** Of one product: rows of the result, its columns, and words along k. */
export const [MATRIX_ROWS, MATRIX_COLUMNS, MATRIX_WORDS] = [16, 8, 8];

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

/** Below this many workgroups a GPU is not full, and smaller tiles win. */
const ENOUGH_GROUPS = 100;

export const heightOf = ({ groupsM, productsM }: Shape): number => groupsM * productsM * MATRIX_ROWS;
export const widthOf = ({ groupsN, productsN }: Shape): number => groupsN * productsN * MATRIX_COLUMNS;

/** A shape for a product whose operands are of a format that the device multiplies matrices of; undefined where they are not. */
export function matrixTile({ stage: { operands }, b, m, n }: Problem, { matrices = [], lanes }: DeviceProfile): MatrixTile | undefined {
  if (operands === undefined || !matrices.includes(operands) || lanes !== MATRIX_LANES) return undefined;
  const isFull = b * Math.ceil(m / heightOf(LARGE)) * Math.ceil(n / widthOf(LARGE)) >= ENOUGH_GROUPS;
  const shape = m <= MATRIX_ROWS ? FLAT : isFull ? LARGE : SMALL;
  return { ...shape, operands, perWord: operands === "tf32" ? 1 : 2 };
}
