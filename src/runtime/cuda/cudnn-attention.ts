// Attention as cuDNN takes it: a graph of products, a softmax in steps and products, by whose pattern the library knows what it has one kernel for. What
// lies between the operations is nowhere in memory. The pattern ends a softmax by its statistics, as for a gradient; here nobody asks for them.

import type { AttentionOfLibrary, Four } from "../../ir/program.ts";
import { packedStrides } from "../../ir/tensor-place.ts";
import { isPreciseEnough } from "./cudnn-convolution.ts";
import { pointers, type Descriptors } from "./cudnn-descriptors.ts";
import { nameOfTensor, tensorOf, type GraphOperation } from "./cudnn-graph.ts";
import { CUDNN_VALUES as V } from "./cudnn-values.ts";

export function attentionOperation(given: AttentionOfLibrary): GraphOperation {
  const { query, key, value, bias, result, scale, precision } = given;
  const [batch, heads, keys, width] = key.shape;
  const [ofBatch, ofHead, ofKey, ofElement] = key.strides;
  const turned = { ...key, shape: [batch, heads, width, keys], strides: [ofBatch, ofHead, ofElement, ofKey] } as const;
  const tensors = [query, turned, value, result, ...(bias ? [bias] : [])];
  return {
    name: ["attention", precision, scale, ...tensors.map(nameOfTensor)].join(" "),
    tensors,
    scalars: Float32Array.of(scale),
    isAllowed: (notes) => isPreciseEnough(notes, precision),
    make: (descriptors, made) => {
      const [queries = 0n, turnedKeys = 0n, values = 0n, found = 0n, ...more] = made;
      const [biases, factor = 0n] = bias ? more : [undefined, ...more];
      const graph = new Steps(descriptors, made.length, given);
      const scaled = graph.pointwise(V.CUDNN_POINTWISE_MUL, graph.product(queries, turnedKeys), factor);
      const scores = biases === undefined ? scaled : graph.pointwise(V.CUDNN_POINTWISE_ADD, scaled, biases);
      const largest = graph.reduction(V.CUDNN_REDUCE_TENSOR_MAX, scores);
      const raised = graph.pointwise(V.CUDNN_POINTWISE_EXP, graph.pointwise(V.CUDNN_POINTWISE_SUB, scores, largest));
      const total = graph.reduction(V.CUDNN_REDUCE_TENSOR_ADD, raised);
      graph.pointwise(V.CUDNN_POINTWISE_ADD, largest, graph.pointwise(V.CUDNN_POINTWISE_LOG, total, undefined, "row"), "row");
      graph.product(graph.pointwise(V.CUDNN_POINTWISE_DIV, raised, total, "weights"), values, found);
      return graph.operations;
    },
  };
}

/** What one operation hands to the next: scores of all queries and keys, one number for each query, or what values are multiplied by. */
type Handed = "scores" | "row" | "weights";

/** Operations one after the other. */
class Steps {
  readonly operations: bigint[] = [];
  readonly #descriptors: Descriptors;
  readonly #given: AttentionOfLibrary;
  #next: number;

  /** @param first number that no tensor in memory has */
  constructor(descriptors: Descriptors, first: number, given: AttentionOfLibrary) {
    this.#descriptors = descriptors;
    this.#given = given;
    this.#next = first;
  }

  product(left: bigint, right: bigint, to = this.#handed("scores")): bigint {
    const matmul = this.#descriptors.make(V.CUDNN_BACKEND_MATMUL_DESCRIPTOR, [[V.CUDNN_ATTR_MATMUL_COMP_TYPE, ...IN_F32]]);
    return this.#add(to, V.CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR, [
      [V.CUDNN_ATTR_OPERATION_MATMUL_DESC, matmul],
      [V.CUDNN_ATTR_OPERATION_MATMUL_ADESC, left],
      [V.CUDNN_ATTR_OPERATION_MATMUL_BDESC, right],
      [V.CUDNN_ATTR_OPERATION_MATMUL_CDESC, to],
    ]);
  }

  pointwise(mode: number, x: bigint, y?: bigint, kind: Handed = "scores"): bigint {
    const to = this.#handed(kind);
    const by = this.#descriptors.make(V.CUDNN_BACKEND_POINTWISE_DESCRIPTOR, [
      [V.CUDNN_ATTR_POINTWISE_MODE, V.CUDNN_TYPE_POINTWISE_MODE, Int32Array.of(mode)],
      [V.CUDNN_ATTR_POINTWISE_MATH_PREC, ...IN_F32],
    ]);
    return this.#add(to, V.CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, [
      [V.CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, by],
      [V.CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x],
      ...(y === undefined ? [] : [[V.CUDNN_ATTR_OPERATION_POINTWISE_BDESC, y] as const]),
      [V.CUDNN_ATTR_OPERATION_POINTWISE_YDESC, to],
    ]);
  }

  /** Over keys. */
  reduction(operator: number, x: bigint): bigint {
    const to = this.#handed("row");
    const by = this.#descriptors.make(V.CUDNN_BACKEND_REDUCTION_DESCRIPTOR, [
      [V.CUDNN_ATTR_REDUCTION_OPERATOR, V.CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, Int32Array.of(operator)],
      [V.CUDNN_ATTR_REDUCTION_COMP_TYPE, ...IN_F32],
    ]);
    return this.#add(to, V.CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR, [
      [V.CUDNN_ATTR_OPERATION_REDUCTION_DESC, by],
      [V.CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x],
      [V.CUDNN_ATTR_OPERATION_REDUCTION_YDESC, to],
    ]);
  }

  #add(to: bigint, type: number, parts: readonly (readonly [name: number, descriptor: bigint])[]): bigint {
    const attributes = parts.map(([name, descriptor]) => [name, ...pointers(descriptor)] as const);
    this.operations.push(this.#descriptors.make(type, attributes));
    return to;
  }

  #handed(kind: Handed): bigint {
    const { query, key } = this.#given;
    const [batch, heads, queries] = query.shape;
    const shape: Four = [batch, heads, queries, kind === "row" ? 1 : key.shape[2]];
    const tensor = { dtype: kind === "weights" ? query.dtype : "f32", first: 0, shape, strides: packedStrides(shape) } as const;
    return tensorOf(this.#descriptors, this.#next++, tensor, V.CUDNN_ATTR_TENSOR_IS_VIRTUAL);
  }
}

const IN_F32 = [V.CUDNN_TYPE_DATA_TYPE, Int32Array.of(V.CUDNN_DATA_FLOAT)] as const;
