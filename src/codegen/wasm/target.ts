// The WebAssembly target: a kernel becomes a module of its own, as text for people and as bytes for engines with and without relaxed SIMD.

import { mul } from "../../ir/loop/expr.ts";
import type { Kernel } from "../../ir/loop/kernel.ts";
import { verifyKernel } from "../../ir/loop/verify.ts";
import type { CompiledKernel } from "../../ir/program.ts";
import { problemOf } from "../problem.ts";
import type { Target } from "../target.ts";
import { template } from "../template.ts";
import { assembleBoth } from "./assemble.ts";
import { compileContract, splitK } from "./contract.ts";
import { compileFilterGradient } from "./filter-gradient.ts";
import { compileLoops } from "./loops.ts";
import { compilePadded } from "./padded.ts";
import { compilePhases } from "./phases.ts";
import { mathFunctions } from "./math.ts";
import { HELPERS } from "./memory.ts";
import type { Scheduled, Unit } from "./unit.ts";
import { compileWinograd } from "./winograd.ts";

/** Arguments of a fused kernel: an engine has no limit, but addresses live in registers. */
const MAX_BUFFERS = 12;

export const wasmTarget: Target = {
  name: "wasm",
  maxBuffers: () => MAX_BUFFERS,
  operandCost: () => 1,
  compileKernel,
  storesBytes: () => true,
  splitK,
};

interface Skeleton {
  readonly kernel: string;
  readonly parameters: readonly string[];
  readonly functions: readonly string[];
}

const skeleton = template<Skeleton>(`;; {{kernel}}
{{#each parameters}}
;;   {{this}}
{{/each}}
(module
(import "env" "memory" (memory 1 65536 shared))
{{#each functions}}
{{this}}
{{/each}}
)
`);

function compileKernel(source: Kernel): CompiledKernel {
  verifyKernel(source);
  const unit: Unit = { params: source.params, math: new Set(), helpers: new Set(), margin: 0 };
  const scheduled = schedule(source, unit);
  const functions = [mathFunctions(unit.math), ...[...unit.helpers].sort().map((name) => HELPERS[name]), scheduled.text];
  const text = skeleton({
    kernel: source.name,
    parameters: source.params.map(({ name, dtype, length, access }) => `${name}: ${dtype}[${String(length)}] ${access}`),
    functions: functions.filter((f) => f !== ""),
  });
  const { relaxed, simd } = assembleBoth(text);
  return {
    name: source.name,
    source: text,
    wasm: {
      relaxed: Buffer.from(relaxed).toString("base64"),
      simd: Buffer.from(simd).toString("base64"),
      units: scheduled.units,
      grain: scheduled.grain,
      piece: Math.max(scheduled.grain, scheduled.piece ?? 1),
      scratchBytes: scheduled.scratchBytes ?? 0,
      margin: unit.margin,
      writes: source.params.flatMap(({ access }, i) => (access === "read" ? [] : [i])),
      ...(scheduled.keeps && { keeps: scheduled.keeps }),
      ...(scheduled.rows && { rows: scheduled.rows }),
    },
  };
}

function schedule(source: Kernel, unit: Unit): Scheduled {
  const [first, ...rest] = source.stages;
  if (first?.kind !== "contract") return compileLoops(source, unit);
  const problem = problemOf(source);
  // A tile would be mostly empty.
  if (first.dtype === "f32" && problem.m * problem.n >= 16 && problem.k > 1)
    return (
      compileWinograd(problem, unit) ??
      compilePadded(problem, unit) ??
      compileFilterGradient(problem, unit) ??
      compilePhases(problem, unit) ??
      compileContract(problem, unit)
    );
  const reduction: Kernel = {
    ...source,
    stages: [{ kind: "reduce", axes: [first.k], op: "sum", dtype: first.dtype, value: mul(first.lhs, first.rhs) }, ...rest],
  };
  return compileLoops(reduction, unit);
}
