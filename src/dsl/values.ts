// The values that expressions have while a network is built or a recipe is read.

import type { Node } from "../ir/node.ts";
import type { RangeValue, TensorValue } from "../ir/recipe/arguments.ts";
import type { BlockDeclaration, DatasetDeclaration, Expr, MemberExpr, NetworkDeclaration } from "./ast.ts";
import type { AnyLayer } from "./layers/define.ts";
import type { Module } from "./module.ts";

export type { RangeValue, TensorValue };

export type Value = number | boolean | string | readonly Value[] | RangeValue | TensorValue | Callable | DatasetValue | UnknownValue;

export interface LayerValue {
  readonly kind: "layer";
  readonly layer: AnyLayer;
}

export interface BlockValue {
  readonly kind: "block";
  readonly declaration: BlockDeclaration;
  readonly module: Module;
}

/** A network with the arguments that an alias or a recipe has given so far. */
export interface NetworkValue {
  readonly kind: "network";
  readonly declaration: NetworkDeclaration;
  readonly module: Module;
  readonly bound: ReadonlyMap<string, Value>;
}

export type Callable = LayerValue | BlockValue | NetworkValue;

export interface DatasetValue {
  readonly kind: "dataset";
  readonly declaration: DatasetDeclaration;
  /** One of its inputs, whose categories can be asked for. */
  readonly input?: string;
}

/** Stands for a value whose making failed; everything made from it is unknown too, and no further fault. */
export interface UnknownValue {
  readonly kind: "unknown";
}

export const UNKNOWN: UnknownValue = Object.freeze({ kind: "unknown" });

const kindOf = (value: Value): string | undefined => (typeof value === "object" && "kind" in value ? value.kind : undefined);

export const isTensor = (value: Value): value is TensorValue => kindOf(value) === "tensor";
export const isUnknown = (value: Value): value is UnknownValue => kindOf(value) === "unknown";
export const isDataset = (value: Value): value is DatasetValue => kindOf(value) === "dataset";
export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);
/** Whether its making failed, or that of anything in it. */
export const hasUnknown = (value: Value): boolean => isUnknown(value) || (isList(value) && value.some(hasUnknown));
export const isCallable = (value: Value): value is Callable => ["layer", "block", "network"].includes(kindOf(value) ?? "");

export const nameOfCallable = (it: Callable): string => (it.kind === "layer" ? it.layer.name : it.declaration.name);

/** An example's shape: the batch axis is not the user's business. */
export const shapeText = (node: Node): string => `${node.type.dtype}[${node.type.shape.slice(1).join(", ")}]`;

/** What was written, where no value is wanted. */
export function describeExpr(it: Expr): string {
  switch (it.kind) {
    case "number":
    case "bool":
      return String(it.value);
    case "string":
      return describeValue(it.value);
    case "list":
      return "a list";
    case "rest":
      return "`*`, which stands for the columns of a table";
    default:
      return "an expression";
  }
}

/** As diagnostics name it: "3", "a list of 2". */
export function describeValue(value: Value): string {
  switch (typeof value) {
    case "number":
      return String(value);
    case "string":
      return `the string "${value.length > 30 ? `${value.slice(0, 30)}…` : value}"`;
    case "boolean":
      return String(value);
    default:
  }
  if (isList(value)) return `a list of ${value.length}`;
  switch (value.kind) {
    case "range":
      return `the range ${value.from}..${value.to}`;
    case "tensor":
      return `a tensor ${shapeText(value.node)}`;
    case "layer":
      return `the layer \`${value.layer.name}\``;
    case "block":
    case "network":
      return `the ${value.kind} \`${value.declaration.name}\``;
    case "dataset":
      return `the data set \`${value.declaration.name}\`${value.input === undefined ? "" : `'s \`${value.input}\``}`;
    case "unknown":
      return "unknown";
  }
}

/** The names of `a.b.c`; undefined of what is no path. */
export function pathOf(it: MemberExpr): readonly string[] | undefined {
  const names = [it.name];
  let object = it.object;
  for (; object.kind === "member"; object = object.object) names.unshift(object.name);
  return object.kind === "ref" ? [object.name, ...names] : undefined;
}
