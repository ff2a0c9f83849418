// The rules a Kernel must keep, checked between lowering and code generation: a bad kernel fails here, by its name, and not as a strange
// message of a shader compiler or as wrong numbers.

import { InternalError, isHalf, type DType } from "../types.ts";
import { isLeaf, operands, type Expr, type ScalarType } from "./expr.ts";
import type { Axis, ContractStage, Kernel } from "./kernel.ts";

const IDENTIFIER = /^[A-Za-z][A-Za-z0-9_]*$/;

/** Throws an InternalError that names the kernel and the rule: the compiler made it. */
export function verifyKernel(kernel: Kernel): void {
  const problem = kernelProblem(kernel);
  if (problem !== undefined) throw new InternalError(problem);
}

/** The rule that a kernel of anybody's breaks. */
export function kernelProblem(kernel: Kernel): string | undefined {
  try {
    check(kernel);
    return undefined;
  } catch (error) {
    if (error instanceof KernelFault) return error.message;
    throw error;
  }
}

class KernelFault extends Error {}

function check(kernel: Kernel): void {
  const fail = (what: string): never => {
    throw new KernelFault(`kernel ${kernel.name}: ${what}`);
  };
  if (!IDENTIFIER.test(kernel.name)) fail("its name is no identifier");
  const names = new Set<string>();
  for (const param of kernel.params) {
    if (!IDENTIFIER.test(param.name)) fail(`parameter ${param.name}: the name is no identifier`);
    if (names.has(param.name)) fail(`two parameters are named ${param.name}`);
    names.add(param.name);
    if (!Number.isInteger(param.length) || param.length < 0) fail(`parameter ${param.name} has length ${String(param.length)}`);
  }
  if (kernel.room !== undefined && kernel.params[kernel.room]?.dtype !== "f32")
    fail(`its room is parameter ${String(kernel.room)}, which is no f32`);
  const checkAxes = (axes: readonly Axis[], outer: ReadonlyMap<string, number>): Map<string, number> => {
    const known = new Map(outer);
    for (const axis of axes) {
      if (!IDENTIFIER.test(axis.name)) fail(`axis ${axis.name}: the name is no identifier`);
      if (known.has(axis.name)) fail(`axis ${axis.name} is bound twice`);
      if (!Number.isInteger(axis.extent) || axis.extent < 1) fail(`axis ${axis.name} has extent ${String(axis.extent)}`);
      known.set(axis.name, axis.extent);
    }
    return known;
  };
  const accs: (ScalarType | undefined)[] = [];
  const checked = new Map<Expr, ReadonlyMap<string, number>>();
  const checkExpr = (expr: Expr, axes: ReadonlyMap<string, number>): void => {
    if (!isLeaf(expr)) {
      if (checked.get(expr) === axes) return;
      checked.set(expr, axes);
      for (const operand of operands(expr)) checkExpr(operand, axes);
    }
    const problem = exprProblem(expr, kernel, axes, accs);
    if (problem !== undefined) fail(problem);
  };

  const points = checkAxes(kernel.time ? [...kernel.axes, kernel.time] : kernel.axes, new Map());
  if (!kernel.stages.some((stage) => stage.kind === "store")) fail("it stores nothing");
  const [first] = kernel.stages;
  const hasStrips = first?.kind === "contract" && first.strip !== undefined;
  kernel.stages.forEach((stage, position) => {
    switch (stage.kind) {
      case "reduce": {
        checkExpr(stage.value, checkAxes(stage.axes, points));
        if (stage.value.dtype !== stage.dtype) fail(`stage ${String(position)} reduces ${stage.value.dtype} to ${stage.dtype}`);
        if (stage.dtype === "bool") fail(`stage ${String(position)} reduces bools`);
        if (!stage.range) break;
        if (stage.axes.length !== 1) fail(`stage ${String(position)} has a range of ${String(stage.axes.length)} axes`);
        for (const bound of [stage.range.from, stage.range.to]) {
          checkExpr(bound, points);
          if (bound.dtype !== "i32") fail(`stage ${String(position)} has a bound of type ${bound.dtype}`);
        }
        break;
      }
      case "contract": {
        const problem = contractProblem(kernel, stage, position);
        if (problem !== undefined) fail(problem);
        const axes = checkAxes([stage.k], points);
        checkExpr(stage.lhs, axes);
        checkExpr(stage.rhs, axes);
        break;
      }
      case "strip":
        checkExpr(stage.value, points);
        if (!hasStrips) fail(`stage ${String(position)} sums strips, which the kernel has not`);
        if (stage.value.dtype !== stage.dtype || stage.dtype !== "f32")
          fail(`stage ${String(position)} sums ${stage.value.dtype} of strips to ${stage.dtype}`);
        break;
      case "store": {
        const axes = checkAxes(stage.axes, points);
        if (stage.perStrip && (!hasStrips || stage.axes.length > 0))
          fail(`stage ${String(position)} stores once a strip, which the kernel has not`);
        if (stage.writes.length === 0) fail(`stage ${String(position)} writes nothing`);
        for (const write of stage.writes) {
          const param = kernel.params[write.buffer];
          if (!param) return fail(`stage ${String(position)} writes parameter ${String(write.buffer)} of ${String(kernel.params.length)}`);
          if (param.access === "read") fail(`stage ${String(position)} writes ${param.name}, which is to be read only`);
          checkExpr(write.index, axes);
          checkExpr(write.value, axes);
          if (write.index.dtype !== "i32") fail(`stage ${String(position)} writes ${param.name} at an index of type ${write.index.dtype}`);
          if (write.value.dtype !== loadedType(param.dtype) && write.value.dtype !== param.dtype)
            fail(`stage ${String(position)} writes ${write.value.dtype} to ${param.name}, which is ${param.dtype}`);
        }
        break;
      }
      default:
        stage satisfies never;
    }
    accs.push(stage.kind === "store" ? undefined : stage.dtype);
  });
}

// The type a load may widen storage to, beside the storage type itself.
const loadedType = (dtype: DType): ScalarType => (isHalf(dtype) ? "f32" : dtype === "u8" ? "u32" : dtype);

function contractProblem(kernel: Kernel, stage: ContractStage, position: number): string | undefined {
  if (position !== 0) return "a contraction must be the first stage";
  if (kernel.axes.map((axis) => axis.name).join() !== "b,m,n") return "the axes of a contraction must be b, m, n";
  if (stage.lhs.dtype !== stage.dtype || stage.rhs.dtype !== stage.dtype) return "the operands of a contraction must have its type";
  if (stage.operands && stage.dtype !== "f32") return `a contraction of ${stage.operands} is summed in ${stage.dtype}`;
  const strips = (kernel.axes.at(-1)?.extent ?? 1) / (stage.strip ?? 1);
  if (!Number.isInteger(strips)) return `its strips of ${String(stage.strip)} do not come out even`;
  if (kernel.stages.some((other) => other.kind === "reduce") && stage.strip !== undefined)
    return "a contraction with strips has no reductions";
  if (mentions(stage.lhs, "n")) return "the left operand of a contraction mentions n";
  if (mentions(stage.rhs, "m")) return "the right operand of a contraction mentions m";
  return undefined;
}

function mentions(expr: Expr, name: string, seen = new Set<Expr>()): boolean {
  if (seen.has(expr)) return false;
  seen.add(expr);
  return (expr.kind === "axis" && expr.name === name) || operands(expr).some((operand) => mentions(operand, name, seen));
}

function exprProblem(
  expr: Expr,
  kernel: Kernel,
  axes: ReadonlyMap<string, number>,
  accs: readonly (ScalarType | undefined)[],
): string | undefined {
  switch (expr.kind) {
    case "const":
      return Number.isNaN(expr.value) ? "a constant is NaN" : undefined;
    case "axis": {
      const extent = axes.get(expr.name);
      if (extent === undefined) return `axis ${expr.name} is used outside its loop`;
      return extent === expr.extent ? undefined : `axis ${expr.name} has extent ${String(extent)}, not ${String(expr.extent)}`;
    }
    case "load": {
      const param = kernel.params[expr.buffer];
      if (!param) return `it loads parameter ${String(expr.buffer)} of ${String(kernel.params.length)}`;
      if (expr.index.dtype !== "i32") return `${param.name} is loaded at an index of type ${expr.index.dtype}`;
      const widened = param.dtype === "u8" ? ["u32", "i32", "f32"] : [param.dtype, loadedType(param.dtype)];
      return widened.includes(expr.dtype) ? undefined : `${param.name} is ${param.dtype} but is loaded as ${expr.dtype}`;
    }
    case "acc": {
      const dtype = accs[expr.stage];
      if (dtype === undefined) return `the result of stage ${String(expr.stage)} is used before it is there`;
      return dtype === expr.dtype ? undefined : `stage ${String(expr.stage)} gives ${dtype}, not ${expr.dtype}`;
    }
    case "unary":
      return expr.x.dtype === expr.dtype ? undefined : `${expr.op} of ${expr.x.dtype} is not ${expr.dtype}`;
    case "binary": {
      const isShift = expr.op === "shl" || expr.op === "shr";
      if (expr.x.dtype !== expr.y.dtype && !isShift) return `${expr.op} of ${expr.x.dtype} and ${expr.y.dtype}`;
      if ((expr.op === "and" || expr.op === "or") && expr.x.dtype !== "bool") return `${expr.op} of ${expr.x.dtype}`;
      return undefined;
    }
    case "select":
      if (expr.cond.dtype !== "bool") return `a select on ${expr.cond.dtype}`;
      return expr.x.dtype === expr.dtype && expr.y.dtype === expr.dtype ? undefined : `a select of ${expr.x.dtype} and ${expr.y.dtype}`;
    case "cast":
      return undefined;
    case "threefry":
      return [expr.k0, expr.k1, expr.c0, expr.c1].every((x) => x.dtype === "u32") ? undefined : "threefry of other than u32";
    default:
      return expr satisfies never;
  }
}
