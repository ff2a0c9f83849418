// A launch as a WGSL shader: the skeleton around the statements of its blocks.

import { indented } from "../../ir/loop/statements.ts";
import { MOST_WORKGROUPS, type CompiledKernel } from "../../ir/program.ts";
import type { SharedArray } from "../gpu/block.ts";
import type { Launch } from "../gpu/launch.ts";
import { printStatements } from "../gpu/print.ts";
import { template } from "../template.ts";
import { HELPERS, typeName, wgsl, type Helper } from "./dialect.ts";

interface Named {
  readonly name: string;
  readonly type: string;
}

interface Skeleton {
  readonly name: string;
  readonly enables: readonly string[];
  readonly bindings: readonly (Named & { readonly index: number })[];
  readonly time: readonly string[];
  readonly shared: readonly Named[];
  readonly helpers: readonly string[];
  readonly functions: readonly { readonly name: string; readonly body: string }[];
  readonly threads: number;
  readonly prologue: readonly string[];
  readonly body: string;
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
{{body}}
}
{{/each}}

@compute @workgroup_size({{threads}})
fn main(@builtin(workgroup_id) workgroup_id: vec3u, @builtin(local_invocation_index) local_index: u32) {
{{#each prologue}}
  {{this}}
{{/each}}
{{body}}
}
`);

/** The text of a launch, whose workgroups are numbered in two dimensions where one is too short. */
export function printShader(launch: Launch): CompiledKernel {
  const { name, groups, threads, lanes, blocks } = launch;
  const width = Math.min(groups, MOST_WORKGROUPS.webgpu[0]);
  const height = Math.ceil(groups / width);
  const number = height === 1 ? "workgroup_id.x" : `workgroup_id.x + workgroup_id.y * ${String(width)}u`;
  const prologue = ["let lane = i32(local_index);", `let group = i32(${number});`];
  // Uniform in the workgroup, so that barriers may follow.
  if (width * height > groups) prologue.push(`if (group >= ${String(groups)}) { return; }`);
  const helpers = new Set<Helper>();
  const language = wgsl(helpers);
  const bodies = blocks.map(({ body }) => printStatements(language, body));
  const isAlone = bodies.length === 1;
  const source = skeleton({
    name,
    enables: enablesOf(launch),
    bindings: launch.buffers.map((buffer) => ({
      index: buffer.slot,
      name: buffer.name,
      type: buffer.length > 0 ? `${buffer.dtype}, ${String(buffer.length)}` : buffer.dtype,
    })),
    time: launch.usesTime ? ["time"] : [],
    shared: launch.shared.map(({ name, type, length }: SharedArray) => ({ name, type: `array<${typeName(type)}, ${String(length)}>` })),
    helpers: Object.entries(HELPERS).flatMap(([helper, text]) => (helpers.has(helper as Helper) ? [text] : [])),
    functions: isAlone ? [] : bodies.map((lines, i) => ({ name: `part_${String(i)}`, body: textOf(lines) })),
    threads,
    prologue,
    body: textOf(isAlone ? bodies.flat() : calls(launch)),
  });
  return { name, source, grid: [width, height, 1], ...(lanes !== undefined && { subgroupSize: lanes }) };
}

/** The lines of a function: thousands, which a template would take long to repeat one by one. */
const textOf = (lines: readonly string[]): string => indented(lines).join("\n");

/** Which part a workgroup does. */
function calls({ blocks }: Launch): string[] {
  let first = 0;
  return blocks.map(({ groups }, i) => {
    const call = `part_${String(i)}(workgroup_id, ${first === 0 ? "group" : `group - ${String(first)}`}, lane);`;
    first += groups;
    return i === blocks.length - 1 ? `{ ${call} }` : `if (group < ${String(first)}) { ${call} } else`;
  });
}

function enablesOf({ buffers, lanes }: Launch): string[] {
  return [...(buffers.some(({ dtype }) => dtype === "f16") ? ["f16"] : []), ...(lanes === undefined ? [] : ["subgroups"])];
}
