// A counted loop over time steps: one body graph whatever their number. `scan` has several results, laid out one after the other in
// its value; `scanResult` names one of them.

import { evaluateNodes } from "../evaluate.ts";
import type { Node } from "../node.ts";
import { formatType, sameType, sizeOf, tensorType, type TensorType } from "../types.ts";
import { at, definePrimitive, requireThat, type Builder, type Data, type Op } from "./define.ts";
import type { ScanAttrs } from "./scan-body.ts";
import { scanGradient } from "./scan-gradient.ts";

export type { ScanAttrs, ScanBody } from "./scan-body.ts";

/** Types of the results: the final carries, then the stacked outputs. */
export const resultTypes = ({ body, length }: ScanAttrs): TensorType[] => [
  ...body.next.map((n) => n.type),
  ...body.outputs.map((n) => tensorType(n.type.dtype, [length, ...n.type.shape])),
];

const totalSize = (types: readonly TensorType[]): number => types.reduce((sum, t) => sum + sizeOf(t.shape), 0);

interface Operands<T> {
  readonly carries: readonly T[];
  readonly sequences: readonly T[];
  readonly invariants: readonly T[];
}

export function scanOperands<T>(inputs: readonly T[], { body }: ScanAttrs): Operands<T> {
  const [c, s] = [body.carries.length, body.carries.length + body.slices.length];
  return { carries: inputs.slice(0, c), sequences: inputs.slice(c, s), invariants: inputs.slice(s) };
}

export const scan: Op<ScanAttrs, -1> = definePrimitive<ScanAttrs, -1>({
  name: "scan",
  arity: -1,
  infer: (types, attrs) => {
    const { carries, sequences, invariants } = scanOperands(types, attrs);
    const { body, length } = attrs;
    const fits = (type: TensorType, local: Node | undefined): boolean => local !== undefined && sameType(type, local.type);
    requireThat(
      carries.every((t, i) => fits(t, body.carries[i]) && fits(t, body.next[i])) &&
        sequences.every((t, i) => fits(tensorType(t.dtype, t.shape.slice(1)), body.slices[i]) && t.shape[0] === length) &&
        invariants.every((t, i) => fits(t, body.invariants[i])),
      () => `the operands of a scan of ${length} steps do not fit its body: ${types.map(formatType).join(", ")}`,
    );
    return tensorType("f32", [totalSize(resultTypes(attrs))]);
  },
  evaluate: (inputs, { attrs }) => {
    const { body, length, reverse } = attrs;
    const operands = scanOperands(inputs, attrs);
    let carries = operands.carries;
    const stacks = body.outputs.map((n) => new Float64Array(length * sizeOf(n.type.shape)));
    for (let i = 0; i < length; i++) {
      const t = reverse ? length - 1 - i : i;
      const bindings = new Map<Node, Data>();
      body.carries.forEach((n, k) => bindings.set(n, at(carries, k)));
      body.invariants.forEach((n, k) => bindings.set(n, at(operands.invariants, k)));
      body.slices.forEach((n, k) => {
        const size = sizeOf(n.type.shape);
        bindings.set(n, at(operands.sequences, k).subarray(t * size, (t + 1) * size));
      });
      const values = evaluateNodes([...body.next, ...body.outputs], bindings);
      carries = values.slice(0, body.next.length);
      stacks.forEach((stack, k) => stack.set(at(values, body.next.length + k), t * sizeOf(at(body.outputs, k).type.shape)));
    }
    const out = new Float64Array(totalSize(resultTypes(attrs)));
    let offset = 0;
    for (const part of [...carries, ...stacks]) {
      out.set(part, offset);
      offset += part.length;
    }
    return out;
  },
  vjpOfResults: (b, cotangents, node) => scanGradient(b, node, cotangents),
  lower: () => ({ kind: "special" }),
  samples: [],
});

/** Result `index` of a scan. */
export const scanResult: Op<{ readonly index: number; readonly type: TensorType }, 1> = definePrimitive<
  { readonly index: number; readonly type: TensorType },
  1
>({
  name: "scanResult",
  arity: 1,
  projects: true,
  infer: (_, { type }) => type,
  evaluate: ([all], n) => {
    const offset = totalSize(resultTypes(at(n.inputs, 0).attrs as ScanAttrs).slice(0, n.attrs.index));
    return all.subarray(offset, offset + sizeOf(n.type.shape));
  },
  lower: () => ({ kind: "special" }),
  samples: [],
});

/** All results of a scan: final carries, then stacked outputs. */
export const scanResults = (b: Builder, node: Node<ScanAttrs>): Node[] =>
  resultTypes(node.attrs).map((type, index) => b.scanResult(node, { index, type }));
