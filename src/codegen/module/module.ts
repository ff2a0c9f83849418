// The generated module: the artifact as a literal, and the function that makes a model of it. Nothing is fetched and nothing is
// compiled from text, so it runs under a strict content security policy.

import type { Artifact } from "../../ir/artifact.ts";
import type { Program } from "../../ir/program.ts";
import { template } from "../template.ts";
import { commentText, jsLiteral } from "./encode.ts";

/** The runtime, as it lies beside the module. */
export const RUNTIME_FILE = "runtime.mjs";

interface Skeleton {
  readonly recipe: string;
  readonly target: string;
  readonly runtime: string;
  readonly artifact: string;
}

const skeleton =
  template<Skeleton>(`// Made by tlc from the recipe {{recipe}}, for {{target}}. Its kernels are in kernels/ for people to read.

import { createModel } from "./{{runtime}}";

export { DataError, DeviceError, NonFiniteLossError } from "./{{runtime}}";

const artifact = {{artifact}};

/** What the network tells apart, in label order. */
export const classes = Object.freeze(artifact.dataInfo.classes);

/** Opens the device and fills the network with random weights of the recipe's seed. */
export const create = (options) => createModel(artifact, options);
`);

export function printModule(artifact: Artifact, literal = jsLiteral(embedded(artifact))): string {
  return skeleton({ recipe: commentText(artifact.name), target: artifact.target, runtime: RUNTIME_FILE, artifact: literal });
}

/**
 * Where the data lay when it was compiled is nobody's business on a web page; the text of kernels that are bytes is for people, and what
 * a launch must give a kernel for who reads a folder.
 */
function embedded({ data, stages, ...rest }: Artifact): Artifact {
  const artifact = { ...rest, stages: stages.map((stage) => ({ ...stage, program: withoutTexts(stage.program) })) };
  return data === undefined ? artifact : { ...artifact, data: { ...data, sources: {}, splits: [] } };
}

function withoutTexts(program: Program): Program {
  const kernels = program.kernels.map(({ source, params: _, ...kernel }) =>
    source === undefined || kernel.wasm ? kernel : { ...kernel, source },
  );
  return { ...program, kernels };
}
