// The generated module: what the network is as a literal, and the function that makes a model of it; beside it, for each target, the programs.
// Nothing is fetched but these files and nothing is compiled from text, so it runs under a strict content security policy.

import type { Artifact } from "../../ir/artifact.ts";
import type { Program } from "../../ir/program.ts";
import { template } from "../template.ts";
import { commentText, jsLiteral } from "./encode.ts";

/** The runtime, as it lies beside the module; and what lies in the folder of a target. */
export const RUNTIME_FILE = "runtime.mjs";
/** What the runtime loads late: to train or evaluate; and where a training is to go on later, watches its epochs, keeps features or streams. */
export const LATE_FILES = ["training.mjs", "checkpoints.mjs"];
export const DEVICE_FILE = "device.mjs";
export const PROGRAM_FILE = "program.mjs";

interface Skeleton {
  readonly recipe: string;
  readonly targets: string;
  readonly runtime: string;
  readonly imports: readonly string[];
  readonly common: string;
  readonly classes: string;
  readonly files: readonly { readonly target: string; readonly device: string; readonly program: string }[];
}

const skeleton = template<Skeleton>(`// Made by tlc from the recipe {{recipe}}, for {{targets}}.

import { createModel } from "./{{runtime}}";
{{#each imports}}
{{this}}
{{/each}}

export { DataError, DeviceError, NonFiniteLossError } from "./{{runtime}}";

const common = {{common}};

const targets = {
{{#each files}}
  {{target}}: { device: () => {{device}}, program: () => {{program}} },
{{/each}}
};

{{classes}}

/** Opens the device. The network has no weights to answer from before \`load\` or \`train\`. */
export const create = (options) => createModel(common, targets, options);
`);

const CLASSES = `/** What the network tells apart, in label order. */
export const classes = Object.freeze(common.dataInfo.classes);`;

const CLASSES_OF_OUTPUTS = `/** What each output tells apart, in label order. */
export const classes = Object.freeze(
  Object.fromEntries(common.dataInfo.targets.flatMap(({ label, classes }) => (classes.length > 0 ? [[label.name, Object.freeze(classes)]] : []))),
);`;

/** @param targets best first; where there is no choice, all is loaded at once, and else what is chosen when it is */
export function printModule(artifact: Artifact, targets: readonly string[], literal = jsLiteral(embedded(artifact))): string {
  const isOnly = targets.length === 1;
  const parts = { device: DEVICE_FILE, program: PROGRAM_FILE };
  const late = (target: string, file: string): string => `import("./${target}/${file}")`;
  return skeleton({
    recipe: commentText(artifact.name),
    targets: targets.join(" and "),
    runtime: RUNTIME_FILE,
    imports: isOnly ? Object.entries(parts).map(([part, file]) => `import * as ${part} from "./${targets[0] ?? ""}/${file}";`) : [],
    common: literal,
    classes: artifact.recipe.tasks ? CLASSES_OF_OUTPUTS : CLASSES,
    files: targets.map((target) => ({
      target,
      device: isOnly ? "device" : late(target, parts.device),
      program: isOnly ? "program" : late(target, parts.program),
    })),
  });
}

const programSkeleton = template<{ readonly recipe: string; readonly target: string; readonly stages: string }>(
  `// Made by tlc from the recipe {{recipe}}, for {{target}}. The kernels are in kernels/ for people to read.

/** In the order in which they train. */
export const stages = {{stages}};
`,
);

/**
 * The text of kernels that are bytes is for people, and what a launch must give a kernel for who reads a folder; but what is made for a library, and how
 * much of it, follows from what its kernel takes.
 */
export function printProgram({ name, target, stages }: Artifact): string {
  const embedded = stages.map((stage) => ({ ...stage, program: withoutTexts(stage.program) }));
  return programSkeleton({ recipe: commentText(name), target, stages: jsLiteral(embedded) });
}

/** What is the same for all targets. */
export const commonOf = ({ target: _, stages: __, ...common }: Artifact): Omit<Artifact, "target" | "stages"> => common;

/** Where the data lay when it was compiled is nobody's business on a web page. */
function embedded(artifact: Artifact): Omit<Artifact, "target" | "stages"> {
  const { data, ...common } = commonOf(artifact);
  return data === undefined ? common : { ...common, data: { ...data, sources: {}, splits: [] } };
}

function withoutTexts({ prelude, ...program }: Program): Program {
  const isCompiled = program.ptx !== undefined;
  const kernels = program.kernels.map(({ source, params, ...kernel }) => ({
    ...kernel,
    ...(source !== undefined && !isCompiled && !kernel.wasm && { source }),
    ...(kernel.library && { params }),
  }));
  return { ...program, ...(prelude !== undefined && !isCompiled && { prelude }), kernels };
}
