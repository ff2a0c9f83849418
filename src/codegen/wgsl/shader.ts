// One compute shader in the making: the statements of its body, the names of its bindings, its workgroup variables; and the skeleton
// they are printed into. Schedules (`map`, `rows`, `contract`) fill one of these.

import { div, int, rem, type Expr } from "../../ir/loop/expr.ts";
import { identityOf, type Axis, type Kernel, type ReduceStage, type StoreStage } from "../../ir/loop/kernel.ts";
import { Statements } from "../../ir/loop/statements.ts";
import type { CompiledKernel } from "../../ir/program.ts";
import { bare, cFamilySyntax } from "../c-family.ts";
import { template } from "../template.ts";
import { HELPERS, wgslDialect, type Helper } from "./dialect.ts";

/** Workgroups per dimension that every adapter allows. */
const MAX_GROUPS = 65535;

/** Names that schedules use as they are. */
const SCHEDULE_NAMES = /^(?:[abc]_?\d[\d_]*|own\d+|row_\d+|part_[\d_]+|(?:tile|thread)_[mn]|batch)$/;

/** What of a shader does not depend on whether it is a launch's only one. */
export interface Body {
  readonly name: string;
  readonly enables: readonly string[];
  readonly bindings: readonly Binding[];
  readonly time: readonly string[];
  readonly shared: readonly { readonly name: string; readonly type: string }[];
  readonly helpers: readonly string[];
  readonly threads: number;
  readonly groups: number;
  readonly lines: readonly string[];
  /** Where it needs subgroups of just that many lanes. */
  readonly subgroupSize?: number;
}

interface Binding {
  readonly index: number;
  readonly name: string;
  readonly type: string;
}

interface PartFunction {
  readonly name: string;
  readonly lines: readonly string[];
}

interface Skeleton extends Body {
  readonly functions: readonly PartFunction[];
  readonly prologue: readonly string[];
}

const skeleton = template<Skeleton>(`// {{name}}
{{#each enables}}
enable {{this}};
{{/each}}
{{#each bindings}}
@group(0) @binding({{index}}) var<storage, read_write> {{name}}: array<{{type}}>;
{{/each}}
{{#each time}}
@group(1) @binding(0) var<uniform> {{this}}: vec4i;
{{/each}}
{{#each shared}}
var<workgroup> {{name}}: {{type}};
{{/each}}
{{#each helpers}}

{{this}}
{{/each}}
{{#each functions}}

fn {{name}}(workgroup_id: vec3u, group: i32, lane: i32) {
{{#each lines}}
  {{this}}
{{/each}}
}
{{/each}}

@compute @workgroup_size({{threads}})
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
{{#each prologue}}
  {{this}}
{{/each}}
{{#each lines}}
  {{this}}
{{/each}}
}
`);

/**
 * The text of a launch, whose workgroups are numbered in two dimensions where one is too short.
 * @param functions that the body calls for the parts of the launch
 */
export function printShader(body: Body, functions: readonly PartFunction[] = []): CompiledKernel {
  const { name, groups, subgroupSize } = body;
  const width = Math.min(groups, MAX_GROUPS);
  const height = Math.ceil(groups / width);
  const number = height === 1 ? "workgroup_id.x" : `workgroup_id.x + workgroup_id.y * ${String(width)}u`;
  const prologue = ["let lane = i32(local_index);", `let group = i32(${number});`];
  // Uniform in the workgroup, so that barriers may follow.
  if (width * height > groups) prologue.push(`if (group >= ${String(groups)}) { return; }`);
  const source = skeleton({ ...body, functions, prologue });
  return { name, source, grid: [width, height, 1], ...(subgroupSize !== undefined && { subgroupSize }) };
}

export class Shader {
  readonly out: Statements;
  readonly kernel: Kernel;
  /** What the flat thread number of a workgroup and the number of the workgroup are called. */
  readonly lane = "lane";
  readonly group = "group";
  readonly #buffers: readonly string[];
  readonly #time: string | undefined;
  readonly #shared: { name: string; type: string }[] = [];
  readonly #written = new Set<number>();
  readonly #enables = new Set<string>();
  readonly #helpers = new Set<Helper>();
  readonly #dialect = wgslDialect(this.#helpers);

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    const buffers: string[] = [];
    const syntax = cFamilySyntax(
      this.#dialect,
      (expr, index) => `${buffers[expr.buffer] ?? "?"}[${index}]`,
      (buffer) => buffers[buffer] ?? "?",
    );
    this.out = new Statements(syntax);
    for (const { name } of kernel.params) buffers.push(this.out.name(SCHEDULE_NAMES.test(name) ? `${name}_` : name));
    this.#buffers = buffers;
    if (kernel.params.some((param) => param.dtype === "f16")) this.#enables.add("f16");
    kernel.params.forEach((param, i) => param.access !== "read" && this.#written.add(i));
    if (kernel.time) {
      this.#time = this.out.name(kernel.time.name);
      this.out.bindAxis(kernel.time.name, `${this.#time}.x`);
    }
  }

  shared(hint: string, type: string): string {
    const name = this.out.name(hint);
    this.#shared.push({ name, type });
    return name;
  }

  enable(extension: "subgroups" | "f16"): void {
    this.#enables.add(extension);
  }

  line(text: string): void {
    this.out.line(text);
  }

  /** A loop from `start` in steps of `step`; `name` is its variable. A rolled loop is one that no driver can unroll. */
  loop(name: string, start: string, extent: number, step: number, body: () => void, isRolled = false): void {
    this.out.open();
    body();
    const increment = step === 1 ? `${name}++` : `${name} += ${String(step)}`;
    // The grid has one layer, which the driver does not know.
    const end = isRolled ? `${String(extent)} + i32(workgroup_id.z)` : String(extent);
    this.out.close(`for (var ${name} = ${start}; ${name} < ${end}; ${increment}) {`);
  }

  block(header: string, body: () => void): void {
    this.out.open();
    body();
    this.out.close(`${header} {`);
  }

  /** Nested sequential loops over all axes. */
  nest(axes: readonly Axis[], body: () => void): void {
    const [first, ...rest] = axes;
    if (!first) {
      body();
      return;
    }
    const name = this.out.name(first.name);
    this.loop(name, "0", first.extent, 1, () => {
      this.out.bindAxis(first.name, name);
      this.nest(rest, body);
    });
  }

  /** A sequential loop over the part of the only axis between two texts. */
  range([axis]: readonly Axis[], from: string, to: string, body: () => void): void {
    if (!axis) return;
    const name = this.out.name(axis.name);
    this.out.open();
    this.out.bindAxis(axis.name, name);
    body();
    this.out.close(`for (var ${name} = ${bare(from)}; ${name} < ${to}; ${name}++) {`);
  }

  /** The writes of a store stage at the current point: all values before the first write. */
  writes(stage: StoreStage): void {
    const texts = stage.writes.map((write) => {
      const index = this.out.value(write.index);
      const value = stage.writes.length > 1 ? this.out.named(write.value) : this.out.value(write.value);
      return `${this.#buffers[write.buffer] ?? "?"}[${index.replace(/^\((.*)\)$/, (all, inner: string) => (isBalanced(inner) ? inner : all))}] = ${value};`;
    });
    texts.forEach((text) => {
      this.line(text);
    });
  }

  /** Forgets loads of buffers that a stage wrote. */
  afterStore(): void {
    this.out.invalidate(this.#written);
  }

  /** What a reduction starts with. */
  identity({ op, dtype }: Pick<ReduceStage, "op" | "dtype">): string {
    return this.#dialect.constant(identityOf(op, dtype), dtype);
  }

  /** One step of a reduction, over texts. */
  combine({ op, dtype }: Pick<ReduceStage, "op" | "dtype">, x: string, y: string): string {
    const name = this.#dialect.combine(op, dtype, false);
    return name === undefined ? `${x} + ${y}` : `${name}(${x}, ${y})`;
  }

  /** What all lanes of a subgroup have, combined. */
  combineLanes({ op, dtype }: Pick<ReduceStage, "op" | "dtype">, x: string): string {
    return `${this.#dialect.combine(op, dtype, true) ?? ""}(${x})`;
  }

  finish(threads: number, groups: number): Body {
    const lines = this.out.finish();
    return {
      name: this.kernel.name,
      enables: [...this.#enables],
      bindings: this.kernel.params.map((param, index) => ({
        index,
        name: this.#buffers[index] ?? "?",
        type: param.length > 0 ? `${param.dtype}, ${String(param.length)}` : param.dtype,
      })),
      time: this.#time === undefined ? [] : [this.#time],
      shared: this.#shared,
      helpers: Object.entries(HELPERS).flatMap(([name, text]) => (this.#helpers.has(name as Helper) ? [text] : [])),
      threads,
      groups,
      lines,
    };
  }
}

function isBalanced(text: string): boolean {
  let depth = 0;
  for (const character of text) {
    if (character === "(") depth++;
    else if (character === ")") depth--;
    if (depth < 0) return false;
  }
  return depth === 0;
}

/** A loop variable of a schedule itself, as an expression. */
export const variable = (name: string, extent: number): Expr => (extent === 1 ? int(0) : { kind: "axis", dtype: "i32", name, extent });

/** Values for `axes` such that a flat index walks them in row-major order. */
export function unflatten(axes: readonly Axis[], index: Expr): Map<string, Expr> {
  const values = new Map<string, Expr>();
  let stride = 1;
  for (let i = axes.length - 1; i >= 0; i--) {
    const axis = axes[i];
    if (!axis) continue;
    const shifted = div(index, int(stride));
    values.set(axis.name, i === 0 ? shifted : rem(shifted, int(axis.extent)));
    stride *= axis.extent;
  }
  return values;
}
