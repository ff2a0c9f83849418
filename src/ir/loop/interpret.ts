// The meaning of the loop IR: runs a kernel over arrays in float64 arithmetic, one point after the other. Every device is tested
// against this. Integers are exact 32-bit. It is printed to a JavaScript function once per kernel, since walking the tree at every
// point would make even a small training step take minutes.

import type { InterpreterArray } from "../arrays.ts";
import { erf, threefry2x32 } from "../ops/special-functions.ts";
import { ROUNDINGS } from "../rounding.ts";
import { InternalError, isHalf } from "../types.ts";
import type { BinaryOp, Expr, ScalarType, UnaryOp } from "./expr.ts";
import { expressionsOf, identityOf, type Axis, type ContractStage, type Kernel, type ReduceStage, type StoreStage } from "./kernel.ts";
import { BRACES, indented, Statements, type Syntax } from "./statements.ts";

type KernelFunction = (buffers: readonly InterpreterArray[], time: number) => void;

const compiled = new WeakMap<Kernel, KernelFunction>();

/** Runs `kernel` once; `buffers[i]` is parameter i, `time` the value of its time axis. */
export function interpret(kernel: Kernel, buffers: readonly InterpreterArray[], time = 0): void {
  let run = compiled.get(kernel);
  if (!run) {
    // The one use of `new Function`: its text is made of our own names and numbers only, no user text can reach it, and only tests and
    // the reference device get here.
    const source = printJavaScript(kernel);
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- of numbers and names made here; only the reference device runs it
    const make = new Function("threefry", "erf", "rounded", `return (buffers, time) => {\n${source}\n};`) as (
      ...helpers: unknown[]
    ) => KernelFunction;
    run = make((k0: number, k1: number, c0: number, c1: number) => threefry2x32(k0, k1, c0, c1)[0], erf, ROUNDINGS);
    compiled.set(kernel, run);
  }
  run(buffers, time);
}

/** The JavaScript that `interpret` runs, for debugging. */
export function printJavaScript(kernel: Kernel): string {
  const out = new Statements(SYNTAX);
  const written = new Set(kernel.params.flatMap((p, i) => (p.access === "read" ? [] : [i])));
  out.count(kernel.stages.flatMap(expressionsOf));
  kernel.params.forEach((_, i) => out.line(`const b${String(i)} = buffers[${String(i)}];`));
  if (kernel.time) out.bindAxis(kernel.time.name, "time");
  const [first] = kernel.stages;
  if (first?.kind === "contract" && first.strip !== undefined) printStrips(out, kernel, first.strip, written);
  else
    nest(out, kernel.axes, undefined, () => {
      kernel.stages.forEach((stage, position) => {
        if (stage.kind === "store") printStore(out, stage, written);
        else if (stage.kind === "strip") throw new InternalError(`kernel ${kernel.name} has no strips`);
        else out.bindAcc(position, printReduction(out, stage));
      });
    });
  return out.finish().join("\n");
}

/** A reduction or contraction at one point; the name of its result. */
function printReduction(out: Statements, stage: ReduceStage | ContractStage): string {
  const acc = out.name("acc");
  const axes = stage.kind === "reduce" ? stage.axes : [stage.k];
  const op = stage.kind === "reduce" ? stage.op : "sum";
  const isInteger = stage.dtype === "i32" || stage.dtype === "u32";
  const wrap = (sum: string): string => (stage.dtype === "i32" ? `(${sum}) | 0` : stage.dtype === "u32" ? `(${sum}) >>> 0` : sum);
  out.line(`let ${acc} = ${constantText(identityOf(op, stage.dtype), stage.dtype)};`);
  const range = stage.kind === "reduce" ? stage.range : undefined;
  // Lowering keeps a range within its axis; a kernel from a folder may say anything, and would not end.
  const end = String(axes[0]?.extent ?? 0);
  const bounds = range && ([`Math.max(0, ${out.value(range.from)})`, `Math.min(${end}, ${out.named(range.to)})`] as const);
  nest(out, axes, bounds, () => {
    const value =
      stage.kind === "reduce"
        ? out.value(stage.value)
        : isInteger
          ? `Math.imul(${out.value(stage.lhs)}, ${out.value(stage.rhs)})`
          : `${out.value(stage.lhs)} * ${out.value(stage.rhs)}`;
    out.line(op === "sum" ? `${acc} = ${wrap(`${acc} + ${value}`)};` : `${acc} = Math.${op}(${acc}, ${value});`);
  });
  return acc;
}

function printStore(out: Statements, { axes, writes }: StoreStage, written: ReadonlySet<number>): void {
  nest(out, axes, undefined, () => {
    const targets = writes.map((write) => out.value(write.index));
    const exprs = writes.map((write) => write.value);
    const values = exprs.length > 1 ? out.allNamed(exprs) : exprs.map((value) => out.value(value));
    writes.forEach((write, i) => out.line(`b${String(write.buffer)}[${targets[i] ?? ""}] = ${values[i] ?? ""};`));
  });
  out.invalidate(written);
}

/** Each stage at all points of a strip before the next. */
function printStrips(out: Statements, { name, axes, stages }: Kernel, length: number, written: ReadonlySet<number>): void {
  const n = axes.at(-1);
  if (!n) throw new InternalError(`kernel ${name} has no n`);
  const product = out.name("product");
  const strip = out.name("strip");
  nest(out, [...axes.slice(0, -1), { name: "strip", extent: n.extent / length }], undefined, (axis) => {
    out.line(`const ${strip} = ${axis} * ${String(length)}, ${product} = new Float64Array(${String(length)});`);
    const point = out.name("point");
    /** At one point or all of them. */
    const over = (count: number, body: () => void): void => {
      out.open();
      out.bindAxis(n.name, point);
      out.bindAcc(0, `${product}[${point} - ${strip}]`);
      body();
      const lines = indented(out.close());
      out.line(`for (let ${point} = ${strip}; ${point} < ${strip} + ${String(count)}; ${point}++) {`, ...lines, "}");
    };
    stages.forEach((stage, position) => {
      switch (stage.kind) {
        case "contract":
          over(length, () => {
            out.line(`${product}[${point} - ${strip}] = ${printReduction(out, stage)};`);
          });
          break;
        case "strip": {
          const sum = out.name("sum");
          out.line(`let ${sum} = 0;`);
          over(length, () => {
            out.line(`${sum} += ${out.value(stage.value)};`);
          });
          out.bindAcc(position, sum);
          break;
        }
        case "store":
          over(stage.perStrip ? 1 : length, () => {
            printStore(out, stage, written);
          });
          break;
        case "reduce":
          throw new InternalError(`kernel ${name} has a reduction beside strips`);
        default:
          stage satisfies never;
      }
    });
  });
}

/** Loops over all axes, or over the part of the only one between two texts. */
function nest(
  out: Statements,
  axes: readonly Axis[],
  bounds: readonly [from: string, to: string] | undefined,
  body: (innermost: string) => void,
  around = "",
): void {
  const [first, ...rest] = axes;
  if (!first) {
    body(around);
    return;
  }
  // With a prefix: an axis may be called what JavaScript means something else by.
  const name = out.name(`axis_${first.name}`);
  out.open();
  out.bindAxis(first.name, name);
  nest(out, rest, undefined, body, name);
  const [from, to] = bounds ?? ["0", String(first.extent)];
  out.line(`for (let ${name} = ${from}; ${name} < ${to}; ${name}++) {`, ...indented(out.close()), "}");
}

const SYNTAX: Syntax = {
  ...BRACES,
  expression: (expr, [x = "", y = "", z = "", w = ""]) => {
    switch (expr.kind) {
      case "const":
        return constantText(expr.value, expr.dtype);
      case "load":
        return expr.dtype === "bool" ? `(b${String(expr.buffer)}[${x}] !== 0)` : `b${String(expr.buffer)}[${x}]`;
      case "unary":
        return unaryText(expr.op, expr.dtype, x);
      case "binary":
        return binaryText(expr.op, expr.x.dtype, x, y);
      case "select":
        return `(${x} ? ${y} : ${z})`;
      case "cast":
        return castText(expr.x.dtype, expr.dtype, x);
      case "threefry":
        return `threefry(${x}, ${y}, ${z}, ${w})`;
      case "axis":
      case "acc":
        throw new InternalError(`${expr.kind} has no text of its own`);
      default:
        return expr satisfies never;
    }
  },
  define: (name, _dtype, text) => `const ${name} = ${text};`,
  declare: (name) => `let ${name};`,
  hint: (expr: Expr) => (expr.dtype === "i32" ? "i" : "v"),
  reserved: new Set([
    "break",
    "case",
    "const",
    "do",
    "else",
    "for",
    "function",
    "if",
    "in",
    "let",
    "new",
    "of",
    "this",
    "time",
    "buffers",
    "threefry",
    "erf",
    "rounded",
  ]),
};

function constantText(value: number, dtype: ScalarType): string {
  if (dtype === "bool") return value ? "true" : "false";
  return Object.is(value, -0) ? "(-0)" : value < 0 ? `(${String(value)})` : String(value);
}

function unaryText(op: UnaryOp, dtype: ScalarType, x: string): string {
  switch (op) {
    case "neg":
      return dtype === "i32" ? `(-${x} | 0)` : dtype === "u32" ? `(-${x} >>> 0)` : `(-${x})`;
    case "rsqrt":
      return `(1 / Math.sqrt(${x}))`;
    case "erf":
      return `erf(${x})`;
    case "not":
      return dtype === "bool" ? `(!${x})` : dtype === "u32" ? `(~${x} >>> 0)` : `(~${x})`;
    case "abs":
    case "exp":
    case "log":
    case "sqrt":
    case "tanh":
    case "sin":
    case "cos":
    case "floor":
    case "ceil":
      return `Math.${op}(${x})`;
    case "sign":
      return `((${x} > 0) - (${x} < 0))`;
    case "round_tf32":
    case "round_bf16":
    case "round_f16":
      return `rounded.${op}(${x})`;
    default:
      return op satisfies never;
  }
}

function binaryText(op: BinaryOp, dtype: ScalarType, x: string, y: string): string {
  const exact = (text: string): string => (dtype === "i32" ? `(${text} | 0)` : dtype === "u32" ? `(${text} >>> 0)` : `(${text})`);
  switch (op) {
    case "add":
      return exact(`${x} + ${y}`);
    case "sub":
      return exact(`${x} - ${y}`);
    case "mul":
      return dtype === "i32" || dtype === "u32" ? exact(`Math.imul(${x}, ${y})`) : `(${x} * ${y})`;
    case "div":
      return exact(`${x} / ${y}`);
    case "rem":
      return exact(`${x} % ${y}`);
    case "pow":
      return `Math.pow(${x}, ${y})`;
    case "min":
    case "max":
      return `Math.${op}(${x}, ${y})`;
    case "lt":
      return `(${x} < ${y})`;
    case "le":
      return `(${x} <= ${y})`;
    case "eq":
      return `(${x} === ${y})`;
    case "ne":
      return `(${x} !== ${y})`;
    case "and":
      return `(${x} && ${y})`;
    case "or":
      return `(${x} || ${y})`;
    case "bitand":
      return exact(`(${x} & ${y})`);
    case "bitor":
      return exact(`(${x} | ${y})`);
    case "bitxor":
      return exact(`(${x} ^ ${y})`);
    case "shl":
      return exact(`(${x} << ${y})`);
    case "shr":
      return dtype === "u32" ? `(${x} >>> ${y})` : `(${x} >> ${y})`;
    default:
      return op satisfies never;
  }
}

// As WGSL converts: to zero, saturating.
function castText(from: ScalarType, to: ScalarType, x: string): string {
  const isFloat = from === "f32" || isHalf(from);
  switch (to) {
    case "f32":
    case "f16":
    case "bf16":
      return from === "bool" ? `(${x} ? 1 : 0)` : x;
    case "bool":
      return `(${x} !== 0)`;
    case "i32":
      return from === "bool"
        ? `(${x} ? 1 : 0)`
        : isFloat
          ? `(Math.min(Math.max(Math.trunc(${x}), -2147483648), 2147483647) | 0)`
          : `(${x} | 0)`;
    case "u32":
      return from === "bool" ? `(${x} ? 1 : 0)` : isFloat ? `(Math.min(Math.max(Math.trunc(${x}), 0), 4294967295) >>> 0)` : `(${x} >>> 0)`;
    default:
      return to satisfies never;
  }
}
