// Several kernels in one launch: each is a function, and the number of a workgroup says which. Their workgroups have one size, so threads
// are dealt out accordingly.

import { verifyKernel } from "../../ir/loop/verify.ts";
import type { CompiledKernel, DeviceLimits, KernelPart } from "../../ir/program.ts";
import { at } from "../../ir/ops/define.ts";
import { InternalError } from "../../ir/types.ts";
import { mergeAxes } from "../axes.ts";
import { GPU_DEAL, scheduleMap } from "./map.ts";
import { packed } from "./pack-bytes.ts";
import { rowShape } from "./row-shape.ts";
import { scheduleRows } from "./rows.ts";
import { printShader, type Body } from "./shader.ts";

export function compileTogether(parts: readonly KernelPart[], limits?: DeviceLimits): CompiledKernel {
  const kernels = parts.map(({ kernel, slots }) => {
    verifyKernel(kernel);
    const source = mergeAxes(packed(kernel));
    const kernelOfLaunch = { ...source, params: source.params.map((param, i) => ({ ...param, name: `p${String(at(slots, i))}` })) };
    return { kernel: kernelOfLaunch, rows: rowShape(kernelOfLaunch) };
  });
  const threads = Math.max(GPU_DEAL.threads, ...kernels.map(({ rows }) => (rows ? rows.threads * rows.points : 0)));
  const bodies = kernels.map(({ kernel, rows }) =>
    rows
      ? scheduleRows(kernel, { ...rows, points: threads / rows.threads }, limits?.subgroupSize)
      : scheduleMap(kernel, { ...GPU_DEAL, threads }),
  );
  const functions = bodies.map(({ lines }, i) => ({ name: `part_${String(i)}`, lines }));
  let first = 0;
  const lines = bodies.map(({ groups }, i) => {
    const call = `part_${String(i)}(workgroup_id, ${first === 0 ? "group" : `group - ${String(first)}`}, lane);`;
    first += groups;
    const isLast = i === bodies.length - 1;
    return isLast ? `{ ${call} }` : `if (group < ${String(first)}) { ${call} } else`;
  });
  const subgroupSize = bodies.find((body) => body.subgroupSize !== undefined)?.subgroupSize;
  return printShader(
    {
      name: bodies.map(({ name }) => name).join("_and_"),
      enables: [...new Set(bodies.flatMap(({ enables }) => enables))],
      bindings: bindingsOf(parts, bodies),
      time: [],
      // Parts run in workgroups of their own: what has one name and type can be one memory.
      shared: distinct(bodies.flatMap(({ shared }) => shared)),
      helpers: [...new Set(bodies.flatMap(({ helpers }) => helpers))],
      threads,
      groups: first,
      lines,
      ...(subgroupSize !== undefined && { subgroupSize }),
    },
    functions,
  );
}

/** Each buffer of the launch once, as the parts see it. */
function bindingsOf(parts: readonly KernelPart[], bodies: readonly Body[]): Body["bindings"] {
  const all = bodies.flatMap(({ bindings }, i) =>
    bindings.map((binding) => ({ ...binding, index: at(at(parts, i).slots, binding.index) })),
  );
  return distinct(all).sort((x, y) => x.index - y.index);
}

function distinct<T extends { readonly name: string; readonly type: string }>(declarations: readonly T[]): T[] {
  const known = new Map<string, T>();
  for (const declaration of declarations) {
    const other = known.get(declaration.name);
    if (other && other.type !== declaration.type)
      throw new InternalError(`${declaration.name} is ${other.type} and ${declaration.type} in one launch`);
    known.set(declaration.name, declaration);
  }
  return [...known.values()];
}
