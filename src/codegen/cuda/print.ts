// A launch as a kernel in CUDA C++. It stands alone but for the prelude: a module is that and any number of kernels.

import { fnv1a } from "../../ir/fnv.ts";
import { indented } from "../../ir/loop/statements.ts";
import type { CompiledKernel } from "../../ir/program.ts";
import type { Launch } from "../gpu/launch.ts";
import { printStatements } from "../gpu/print.ts";
import { template } from "../template.ts";
import { cuda, typeName } from "./language.ts";

interface Skeleton {
  readonly name: string;
  readonly entry: string;
  readonly threads: number;
  readonly params: string;
  readonly shared: readonly { readonly alignment: string; readonly type: string; readonly name: string; readonly length: number }[];
  readonly body: string;
}

// One workgroup for each processor is enough to ask for: left to itself, the assembler spills registers of some kernels for the sake of more.
const skeleton = template<Skeleton>(`// {{name}}
extern "C" __global__ void __launch_bounds__({{threads}}, 1) {{entry}}({{params}}) {
{{#each shared}}
  __shared__ {{alignment}}{{type}} {{name}}[{{length}}];
{{/each}}
{{body}}
}
`);

/** Longer names say no more, and tools cut them. */
const LONGEST_NAME = 48;

/** The text of a launch. Its grid has one dimension; its parameters are the buffers, and the step of time where it has one. */
export function printKernel(launch: Launch): CompiledKernel {
  const { name, groups, threads, buffers, blocks, shared, usesTime } = launch;
  const body = indented(bodyOf(launch)).join("\n");
  const params = buffers.map((buffer) => {
    const isRead = buffer.access === "read";
    return `${isRead ? "const " : ""}${typeName(buffer.dtype === "u8" ? "u32" : buffer.dtype)} *__restrict__ ${buffer.name}`;
  });
  if (usesTime) params.push("int time");
  const withEntry = (entry: string): string =>
    skeleton({
      name,
      entry,
      threads,
      params: params.join(", "),
      // Rows of matrices are loaded by sixteen bytes.
      shared: shared.map((array) => ({ ...array, type: typeName(array.type), alignment: array.type === "u32" ? "__align__(16) " : "" })),
      body,
    });
  // Kernels of one name in one module are called differently.
  const entry = `${name.replace(/\W/g, "_").slice(0, LONGEST_NAME)}_${fnv1a(withEntry(""))}`;
  const lanes = blocks.some((block) => block.lanes !== undefined);
  return { name, source: withEntry(entry), grid: [groups, 1, 1], cuda: { entry, threads }, ...(lanes && { subgroupSize: 32 }) };
}

function bodyOf({ blocks }: Launch): string[] {
  let first = 0;
  const bodies = blocks.map(({ body, groups }) => {
    const lines = printStatements(cuda(first), body);
    first += groups;
    return { lines, end: first };
  });
  const [only] = bodies;
  if (only && bodies.length === 1) return only.lines;
  return bodies.flatMap(({ lines, end }, i) => {
    const isLast = i === bodies.length - 1;
    const condition = isLast ? "" : `if (blockIdx.x < ${String(end)}) `;
    return [`${i === 0 ? "" : "} else "}${condition}{`, ...indented(lines), ...(isLast ? ["}"] : [])];
  });
}
