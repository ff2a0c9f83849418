// Kernels as text for people: dumps, golden files, messages. One line per stage, index arithmetic with as few parentheses as precedence
// allows. Nothing parses it.

import { InternalError } from "../types.ts";
import type { BinaryOp, Expr } from "./expr.ts";
import type { Axis, Kernel, Stage } from "./kernel.ts";

/** The kernel as a small program; see the example at the head of `kernel.ts`. */
export function printKernel(kernel: Kernel): string {
  const params = kernel.params.map((p) => `  ${p.access.replace("_", "-")} ${p.name}: ${p.dtype}[${String(p.length)}]`);
  const axes = [...kernel.axes.map(printAxis), ...(kernel.time ? [`time ${printAxis(kernel.time)}`] : [])].join(", ");
  const stages = kernel.stages.flatMap((stage, i) => printStage(kernel, stage, i)).map((line) => `  ${line}`);
  return [`kernel ${kernel.name}(${axes}) {`, ...params, ...stages, "}", ""].join("\n");
}

/** One expression; buffers by the names that `kernel` gives them. */
export const printExpr = (kernel: Pick<Kernel, "params">, expr: Expr): string => print(kernel, expr, 0);

const printAxis = (axis: Axis): string => `${axis.name} < ${String(axis.extent)}`;

function printStage(kernel: Kernel, stage: Stage, position: number): string[] {
  const text = (expr: Expr): string => print(kernel, expr, 0);
  switch (stage.kind) {
    case "reduce": {
      const over = stage.range
        ? `${stage.axes.map((axis) => axis.name).join()} in ${text(stage.range.from)}..${text(stage.range.to)}`
        : stage.axes.map(printAxis).join(", ");
      return [`%${String(position)} = ${stage.op} ${over} of ${text(stage.value)}`];
    }
    case "contract":
      return [
        `%${String(position)} = contract ${printAxis(stage.k)} of ${text(stage.lhs)} . ${text(stage.rhs)}${stage.operands ? ` in ${stage.operands}` : ""}${stage.strip ? ` with strips of ${stage.strip}` : ""}`,
      ];
    case "strip":
      return [`%${String(position)} = sum over the strip of ${text(stage.value)}`];
    case "store": {
      const loop = stage.perStrip ? "once a strip: " : stage.axes.length > 0 ? `for ${stage.axes.map(printAxis).join(", ")}: ` : "";
      return stage.writes.map(
        (write, i) =>
          `${i === 0 ? loop : " ".repeat(loop.length)}${bufferName(kernel, write.buffer)}[${text(write.index)}] = ${text(write.value)}`,
      );
    }
    default:
      return stage satisfies never;
  }
}

const bufferName = (kernel: Pick<Kernel, "params">, buffer: number): string => kernel.params[buffer]?.name ?? `?${String(buffer)}`;

const INFIX: Partial<Record<BinaryOp, readonly [symbol: string, precedence: number]>> = {
  or: ["||", 1],
  and: ["&&", 2],
  bitor: ["|", 3],
  bitxor: ["^", 4],
  bitand: ["&", 5],
  eq: ["==", 6],
  ne: ["!=", 6],
  lt: ["<", 7],
  le: ["<=", 7],
  shl: ["<<", 8],
  shr: [">>", 8],
  add: ["+", 9],
  sub: ["-", 9],
  mul: ["*", 10],
  div: ["/", 10],
  rem: ["%", 10],
};

// `outer` is the precedence of the operator around: a looser one needs parentheses.
function print(kernel: Pick<Kernel, "params">, expr: Expr, outer: number): string {
  const call = (name: string, ...args: Expr[]): string => `${name}(${args.map((arg) => print(kernel, arg, 0)).join(", ")})`;
  switch (expr.kind) {
    case "const":
      return expr.dtype === "bool" ? String(expr.value !== 0) : String(expr.value) + (expr.dtype === "u32" ? "u" : "");
    case "axis":
      return expr.name;
    case "load":
      return `${bufferName(kernel, expr.buffer)}[${print(kernel, expr.index, 0)}]`;
    case "acc":
      return `%${String(expr.stage)}`;
    case "unary":
      return expr.op === "neg" ? `-${print(kernel, expr.x, 11)}` : call(expr.op, expr.x);
    case "binary": {
      const infix = INFIX[expr.op];
      if (!infix) return call(expr.op, expr.x, expr.y);
      const [symbol, precedence] = infix;
      const tight = precedence === 10 ? symbol : ` ${symbol} `;
      const text = `${print(kernel, expr.x, precedence)}${tight}${print(kernel, expr.y, precedence + 1)}`;
      return precedence < outer ? `(${text})` : text;
    }
    case "select": {
      const text = `${print(kernel, expr.cond, 1)} ? ${print(kernel, expr.x, 1)} : ${print(kernel, expr.y, 0)}`;
      return outer > 0 ? `(${text})` : text;
    }
    case "cast":
      return call(expr.dtype, expr.x);
    case "threefry":
      return call("threefry", expr.k0, expr.k1, expr.c0, expr.c1);
    default:
      throw new InternalError(`no such expression: ${JSON.stringify(expr satisfies never)}`);
  }
}
