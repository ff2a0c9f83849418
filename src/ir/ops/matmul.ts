// The (batched) matrix product.

import { delinearize } from "../loop/index-math.ts";
import type { Expr } from "../loop/expr.ts";
import type { Node } from "../node.ts";
import { formatType, sameShape, sizeOf, tensorType, type Shape, type TensorType } from "../types.ts";
import { at, definePrimitive, factorType, formatTypes, requireThat, type Op } from "./define.ts";

export interface MatmulAttrs {
  /** Read the left operand as [..., k, m]. */
  readonly transposeA?: boolean;
  /** Read the right operand as [..., n, k]. */
  readonly transposeB?: boolean;
}

const f32 = (...shape: number[]): TensorType => tensorType("f32", shape);

interface Extents {
  readonly batch: Shape;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly kOfB: number;
}

function extentsOf([a, b]: readonly [TensorType, TensorType], { transposeA, transposeB }: MatmulAttrs): Extents {
  const rank = a.shape.length;
  requireThat(rank >= 2 && b.shape.length === rank, () => `matmul needs two tensors of one rank, at least 2, not ${formatTypes([a, b])}`);
  const [rows, columns] = [at(a.shape, rank - 2), at(a.shape, rank - 1)];
  const [rowsB, columnsB] = [at(b.shape, rank - 2), at(b.shape, rank - 1)];
  const batch = a.shape.slice(0, -2);
  requireThat(sameShape(batch, b.shape.slice(0, -2)), () => `matmul needs equal batch axes, not ${formatTypes([a, b])}`);
  return {
    batch,
    m: transposeA ? columns : rows,
    k: transposeA ? rows : columns,
    kOfB: transposeB ? columnsB : rowsB,
    n: transposeB ? rowsB : columnsB,
  };
}

const typesOf = (node: Node): readonly [TensorType, TensorType] => [at(node.inputs, 0).type, at(node.inputs, 1).type];

/** a [..., m, k] times b [..., k, n] -> [..., m, n]. */
export const matmul: Op<MatmulAttrs, 2> = definePrimitive<MatmulAttrs, 2>({
  name: "matmul",
  arity: 2,
  reuse: () => Infinity,
  infer: (types, attrs) => {
    const { batch, m, n, k, kOfB } = extentsOf(types, attrs);
    requireThat(k === kOfB, () => `matmul cannot multiply ${formatType(types[0])} by ${formatType(types[1])}: ${k} is not ${kOfB}`);
    return tensorType(factorType("matmul", ...types), [...batch, m, n]);
  },
  vjp: (b, ct, node) => {
    const [x, y] = [at(node.inputs, 0), at(node.inputs, 1)];
    const { transposeA = false, transposeB = false } = node.attrs;
    // With C = A B: dA = dC B^T and dB = A^T dC; a transposed operand's gradient is the transpose of that.
    return [
      transposeA
        ? b.matmul(y, ct, { transposeA: transposeB, transposeB: true })
        : b.matmul(ct, y, { transposeA: false, transposeB: !transposeB }),
      transposeB
        ? b.matmul(ct, x, { transposeA: true, transposeB: transposeA })
        : b.matmul(x, ct, { transposeA: !transposeA, transposeB: false }),
    ];
  },
  evaluate: ([a, b], node) => {
    const { batch, m, n, k } = extentsOf(typesOf(node), node.attrs);
    const { transposeA, transposeB } = node.attrs;
    const out = new Float64Array(sizeOf(node.type.shape));
    for (let p = 0; p < sizeOf(batch); p++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let q = 0; q < k; q++) {
            const x = at(a, p * m * k + (transposeA ? q * m + i : i * k + q));
            sum += x * at(b, p * k * n + (transposeB ? j * k + q : q * n + j));
          }
          out[(p * m + i) * n + j] = sum;
        }
      }
    }
    return out;
  },
  lower: (node) => {
    const { batch, m, n, k } = extentsOf(typesOf(node), node.attrs);
    const { transposeA, transposeB } = node.attrs;
    const outer = (b: Expr): Expr[] => delinearize(b, batch);
    return {
      kind: "contract",
      b: sizeOf(batch),
      m,
      n,
      k,
      lhs: (read, b, i, q) => read(0, [...outer(b), ...(transposeA ? [q, i] : [i, q])]),
      rhs: (read, b, q, j) => read(1, [...outer(b), ...(transposeB ? [j, q] : [q, j])]),
      outputIndex: (b, i, j) => [...outer(b), i, j],
    };
  },
  samples: [
    { inputs: [f32(3, 4), f32(4, 5)], attrs: {} },
    { inputs: [f32(4, 3), f32(4, 5)], attrs: { transposeA: true } },
    { inputs: [f32(3, 4), f32(5, 4)], attrs: { transposeB: true } },
    { inputs: [f32(2, 4, 3), f32(2, 5, 4)], attrs: { transposeA: true, transposeB: true } },
  ],
});
