// What an operation is. Everything the compiler knows about one stands in one object: shape inference, gradient rule, float64
// evaluation, lowering to loops, and samples from which one test derives all checks. Nodes and builders are defined by operations, and
// these by them: the three forms stand together.

import type { Expr, OperandType } from "../loop/expr.ts";
import type { ProductShape, ReduceOp } from "../loop/kernel.ts";
import type { Origin } from "../origin.ts";
import { formatType, InternalError, type DType, type TensorType } from "../types.ts";

/** An operation applied to nodes. Immutable and interned by its builder, so that equality of meaning is equality of reference. */
export interface Node<A extends object = object> {
  /** Creation order within a builder: inputs have smaller ids, so ids order a graph topologically. */
  readonly id: number;
  readonly op: AnyOp;
  readonly inputs: readonly Node[];
  readonly attrs: A;
  readonly type: TensorType;
}

export type None = Record<never, never>;

export type Tuple<T, N extends number> = N extends 0
  ? readonly []
  : N extends 1
    ? readonly [T]
    : N extends 2
      ? readonly [T, T]
      : N extends 3
        ? readonly [T, T, T]
        : readonly T[];

/** A value in the interpreter: row-major, any dtype as float64 (bools are 0 and 1). */
export type Data = Float64Array;

/** The expression of input `input` at an index, one expression per axis. */
export type Read = (input: number, index: readonly Expr[]) => Expr;

/** How a node becomes loops. Indices are i32 expressions, one per axis. */
export type Lowering =
  /** Each output element is an expression of input elements. */
  | { readonly kind: "pointwise"; value(read: Read, index: readonly Expr[]): Expr }
  /** Each output element reduces an expression over `extents`. */
  | {
      readonly kind: "reduce";
      readonly op: ReduceOp;
      readonly extents: readonly number[];
      value(read: Read, index: readonly Expr[], over: readonly Expr[]): Expr;
      /** Of the only extent, the part that an output element reduces; all of it where this is left out. */
      readonly range?: {
        /** Clamped to the extent by whoever lowers. Type i32. */
        bounds(read: Read, index: readonly Expr[]): readonly [from: Expr, to: Expr];
        /** Elements on average. */
        readonly mean: number;
      };
    }
  /** A (batched) matrix product over flattened axes; see ContractStage. `outputIndex` maps b, m, n to the output's axes. */
  | (ProductShape & {
      readonly kind: "contract";
      lhs(read: Read, b: Expr, m: Expr, k: Expr): Expr;
      rhs(read: Read, b: Expr, k: Expr, n: Expr): Expr;
      outputIndex(b: Expr, m: Expr, n: Expr): readonly Expr[];
      /** The result is [images, channels, …]: m, where there is one b, is the channel, and n counts all other axes in their order. */
      readonly byChannel?: true;
    })
  /** A value that exists before the kernels run (an input), or loops of its own (a scan): the lowering pass knows how. */
  | { readonly kind: "special" };

/** One test case: inputs of these types, filled by the harness (`domain` bounds the values), with these attributes. */
export interface Sample<A> {
  readonly inputs: readonly TensorType[];
  readonly attrs: A;
  /** Values of every float input; default [-2, 2]. */
  readonly domain?: readonly [number, number];
  /** Exclusive upper bound of integer inputs; default 3. */
  readonly below?: number;
}

/** What an op of a training network is in other circumstances. */
export interface TrainingRule<N extends number> {
  /** Its value outside of training. */
  outside(b: Builder, inputs: Tuple<Node, N>, node: Node): Node;
  /** Whether it is the same within a training that leaves some parameters alone; `isFrozen` is about the op's inputs. */
  readonly isOutsideIf?: (isFrozen: (input: number) => boolean) => boolean;
  /** It draws random numbers: it is the same where there are none. */
  readonly draws?: true;
}

interface OpBase<A extends object, N extends number> {
  readonly name: string;
  /** Number of inputs; -1 for any number, given as one array. */
  readonly arity: N;
  /** Same shape in and out, element by element; the builder broadcasts its operands. */
  readonly elementwise?: true;
  /** Cotangents of the inputs, given the output's; null where none flows. May be missing where the output is not a float. */
  readonly vjp?: (b: Builder, cotangent: Node, node: Node<A>) => readonly (Node | null)[];
  /** Instead of `vjp`, for an op with several results: their cotangents, undefined where none flows. */
  readonly vjpOfResults?: (b: Builder, cotangents: readonly (Node | undefined)[], node: Node<A>) => readonly (Node | null)[];
  /** Scalar operations per element, for the decision what to compute again rather than store; default 1, 0 for what only moves. */
  readonly cost?: number;
  /** How often each element of input `i` is read; default once. */
  readonly reuse?: (node: Node<A>, i: number) => number;
  /** For an op that reads each element of its only input once: the index of the result where an input's element lands. */
  readonly lands?: (index: readonly Expr[], node: Node<A>) => readonly Expr[];
  /** For an op whose elements are those of its inputs, each once: the index of the result where an element of input `i` is. */
  readonly joins?: (index: readonly Expr[], node: Node<A>, i: number) => readonly Expr[];
  /** Element k of the result comes from element k of the only input, both counted in row-major order. */
  readonly keepsOrder?: true;
  /** The axes of the result along which input `i` is repeated; along the others it has the result's elements in order. */
  readonly repeatsAlong?: (node: Node<A>, i: number) => readonly number[] | undefined;
  /** For a reduction over whole axes of its only input: which ones. */
  readonly reducedAxes?: (node: Node<A>) => readonly number[];
  /** For a sum over strips of its only input (strips.ts): how many elements each has. */
  readonly stripLength?: (node: Node<A>) => number;
  /** For an op that repeats a value of each strip along the strip. */
  readonly repeatsStrips?: true;
  /** The same value by sums over strips of the first input, each of this length; undefined where there are none. */
  readonly inStrips?: (b: Builder, node: Node<A>, length: number) => Node | undefined;
  /** For an op whose values are all of a format with fewer bits than their type: which. */
  readonly roundsTo?: (node: Node<A>) => OperandType;
  /**
   * What an op makes of floats of a format with fewer bits (`precision bf16`), as PyTorch's autocast has it: where it `keeps` them, its values are
   * theirs, their negatives, and constants; where it `rounds`, they are computed of them, and of that format again once they are rounded; and some
   * are better left f32. Left out: elementwise ops round, and all others give f32.
   */
  readonly narrows?: "keeps" | "rounds" | "never";
  /** How many inputs, from the first, that is about; all of them where it is left out. Others are f32 whatever it makes: scales and statistics of a norm. */
  readonly narrowed?: number;
  /** For an op that reads rows (axis 0) of one input at the indices in another: which inputs these are. */
  readonly picksRows?: { readonly of: number; readonly at: number };
  /** For an op that does something else while its network trains. */
  readonly training?: TrainingRule<N>;
  /** Picks result `attrs.index` of an op with several. */
  readonly projects?: true;
  readonly samples: readonly Sample<A>[];
  /** The result type; throws OpError when the inputs do not fit. */
  infer(inputs: Tuple<TensorType, N>, attrs: A): TensorType;
}

export interface Primitive<A extends object, N extends number> extends OpBase<A, N> {
  readonly kind: "primitive";
  evaluate(inputs: Tuple<Data, N>, node: Node<A>): Data;
  lower(node: Node<A>): Lowering;
}

/** Defined by other ops; inherits their gradient, evaluation and lowering, and may bring a gradient of its own. */
export interface Composite<A extends object, N extends number> extends OpBase<A, N> {
  readonly kind: "composite";
  decompose(b: Builder, inputs: Tuple<Node, N>, node: Node<A>): Node;
}

export type Op<A extends object = None, N extends number = number> = Primitive<A, N> | Composite<A, N>;

// The one place where attribute types are erased: passes handle ops of every kind alike.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyOp = Op<any, any>;

type Operands<N extends number> = N extends 0
  ? []
  : N extends 1
    ? [x: Node]
    : N extends 2
      ? [x: Operand, y: Operand]
      : N extends 3
        ? [x: Operand, y: Operand, z: Operand]
        : [inputs: readonly Node[]];

export type Operand = Node | number;

type Emit<O> =
  O extends Op<infer A, infer N> ? (...args: [...Operands<N>, ...(Partial<A> extends A ? [attrs?: A] : [attrs: A])]) => Node : never;

/** The operations that there are, by name: filled by the list in `index.ts`, which knows their definitions as these do not know it. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- a declaration to be merged with
export interface Registry {}

/** Makes nodes: one method for each operation. */
export type Builder = { readonly [K in keyof Registry]: Emit<Registry[K]> } & {
  /** Applies an op met as a value, e.g. when rewriting; no broadcasting. */
  readonly apply: (op: AnyOp, inputs: readonly Node[], attrs: object) => Node;
  /** Nodes that `make` is the first to ask for come from there; without an origin, from where everything comes at the moment. */
  readonly withOrigin: <T>(origin: Origin | undefined, make: () => T) => T;
  readonly originOf: (node: Node) => Origin | undefined;
};

type Definition<T> = Omit<T, "kind">;

export const definePrimitive = <A extends object, N extends number>(op: Definition<Primitive<A, N>>): Primitive<A, N> =>
  Object.freeze({ kind: "primitive", ...op });

export const defineComposite = <A extends object, N extends number>(op: Definition<Composite<A, N>>): Composite<A, N> =>
  Object.freeze({ kind: "composite", ...op });

/** Shapes that do not fit: the user's fault, reported at the layer that asked. */
export class OpError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "OpError";
  }
}

export function requireThat(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new OpError(message());
}

/** The dtype that two factors have in common. */
export function factorType(name: string, x: TensorType, y: TensorType): DType {
  requireThat(x.dtype === y.dtype, () => `${name} needs operands of one dtype, not ${formatTypes([x, y])}`);
  return x.dtype;
}

export const formatTypes = (types: readonly TensorType[]): string => types.map(formatType).join(" and ");

/** Element `i` of an array whose bounds the caller has proved. */
export function at<T>(array: ArrayLike<T>, i: number): T {
  const value = array[i];
  if (value === undefined) throw new InternalError(`index ${i} of ${array.length}`);
  return value;
}
