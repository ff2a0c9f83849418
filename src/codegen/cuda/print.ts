// A launch as a kernel in CUDA C++. It stands alone but for the prelude: a module is that and any number of kernels.

import { fnv1a } from "../../ir/fnv.ts";
import { indented } from "../../ir/loop/statements.ts";
import type { Architecture, CompiledKernel } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";
import type { SharedArray } from "../gpu/block.ts";
import type { Launch } from "../gpu/launch.ts";
import { printStatements } from "../gpu/print.ts";
import { bytesOf } from "../gpu/verify.ts";
import { template } from "../template.ts";
import { cuda, typeName } from "./language.ts";

interface Skeleton {
  readonly name: string;
  readonly entry: string;
  readonly threads: number;
  readonly params: string;
  readonly shared: readonly string[];
  readonly body: string;
}

// One workgroup for each processor is enough to ask for: left to itself, the assembler spills registers of some kernels for the sake of more.
const skeleton = template<Skeleton>(`// {{name}}
extern "C" __global__ void __launch_bounds__({{threads}}, 1) {{entry}}({{params}}) {
{{#each shared}}
  {{this}}
{{/each}}
{{body}}
}
`);

/** Longer names say no more, and tools cut them. */
const LONGEST_NAME = 48;

/** The text of a launch. Its grid has one dimension; its parameters are the buffers, maps of matrices in them, and the step of time where it has one. */
export function printKernel(launch: Launch): CompiledKernel {
  const { name, groups, threads, buffers, blocks, shared, maps = [], usesTime, needs } = launch;
  const body = indented(bodyOf(launch)).join("\n");
  const params = buffers.map((buffer) => {
    const isRead = buffer.access === "read";
    return `${isRead ? "const " : ""}${typeName(buffer.dtype === "u8" ? "u32" : buffer.dtype)} *__restrict__ ${buffer.name}`;
  });
  params.push(...maps.map((map) => `const __grid_constant__ TensorMap ${map.name}`));
  if (usesTime) params.push("int time");
  const withEntry = (entry: string): string =>
    skeleton({
      name,
      entry,
      threads,
      params: params.join(", "),
      shared: shared.map((array) => sharedArray(array, needs)),
      body,
    });
  // Kernels of one name in one module are called differently.
  const entry = `${name.replace(/\W/g, "_").slice(0, LONGEST_NAME)}_${fnv1a(withEntry(""))}`;
  const lanes = blocks.some((block) => block.lanes !== undefined);
  const asked = needs && { needs, sharedBytes: sharedBytes(shared), ...(maps.length > 0 && { maps: maps.map(({ map }) => map) }) };
  return { name, source: withEntry(entry), grid: [groups, 1, 1], cuda: { entry, threads, ...asked }, ...(lanes && { subgroupSize: 32 }) };
}

/** Its declaration. What is more than every kernel may have is asked for at a launch, and is one array. */
function sharedArray({ name, type, length }: SharedArray, needs: Architecture | undefined): string {
  if (needs !== undefined) return `SHARED_AT_LAUNCH(${typeName(type)}, ${name}, ${String(length)});`;
  // Rows of matrices are loaded by sixteen bytes.
  return `__shared__ ${type === "u32" ? "__align__(16) " : ""}${typeName(type)} ${name}[${String(length)}];`;
}

function sharedBytes(shared: readonly SharedArray[]): number {
  const [only, ...more] = shared;
  if (!only || more.length > 0) throw new InternalError(`${String(shared.length)} arrays for memory that is asked for at a launch`);
  return bytesOf(only.type) * only.length;
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
