// The stages of artifacts, as tests look at them.

import type { Artifact, CompiledStage } from "../../src/ir/artifact.ts";
import type { Program } from "../../src/ir/program.ts";

/** The stage of an artifact that has but one. */
export function soleStage({ stages }: Artifact): CompiledStage {
  const [stage, second] = stages;
  if (!stage || second) throw new Error(`${stages.length} stages`);
  return stage;
}

/** With another program in its only stage. */
export const withProgram = (artifact: Artifact, change: Partial<Program>): Artifact => {
  const stage = soleStage(artifact);
  return { ...artifact, stages: [{ ...stage, program: { ...stage.program, ...change } }] };
};
