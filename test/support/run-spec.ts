// Specs from text, compiled as users compile them and loaded on a device: for tests that hold the whole way, from a word of a recipe
// to numbers, against a formula.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileSpec, compileTrace, type CompileOutcome } from "../../src/compile.ts";
import { renderDiagnostics } from "../../src/diagnostics.ts";
import { artifactProblem } from "../../src/ir/artifact-schema.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import { readExact, writeExact } from "../../src/ir/exact-json.ts";
import type { DataInfo, DataPlan } from "../../src/ir/plan.ts";
import type { KnownProfile } from "../../src/ir/program.ts";
import type { TensorType } from "../../src/ir/types.ts";
import type { Device, HostArray, Session } from "../../src/runtime/device.ts";
import { FoldingSession } from "../../src/runtime/folding-session.ts";
import { openReferenceDevice } from "../../src/runtime/reference/device.ts";
import { soleStage } from "./stages.ts";
import { temporaryFolder } from "./temporary.ts";

const folder = temporaryFolder("tlc-spec-");

let written = 0;
function fileOf(text: string): string {
  const file = join(folder, `spec-${written++}.tlspec`);
  writeFileSync(file, text);
  return file;
}

function artifactOf({ artifact, diagnostics, sources }: CompileOutcome): Artifact {
  if (!artifact) throw new Error(renderDiagnostics(diagnostics, sources));
  return artifact;
}

/**
 * All entries of a spec's recipe, for data of which only `dataInfo` is known, or what its plan makes of it; a folder that is written of it is
 * none that `run` and modules refuse.
 */
export async function compileText(
  text: string,
  dataInfo: DataInfo | ((plan: DataPlan) => DataInfo),
  target = "reference",
  limits?: KnownProfile,
): Promise<Artifact> {
  const artifact = artifactOf(
    await compileSpec(fileOf(text), {
      ...{ target, verify: true, ...(limits && { limits }) },
      describeData: (plan) => Promise.resolve(typeof dataInfo === "function" ? dataInfo(plan) : dataInfo),
    }),
  );
  const problem = artifactProblem(readExact(writeExact(artifact)));
  if (problem !== undefined) throw new Error(`what was compiled is refused: ${problem}`);
  return artifact;
}

/** One training step on a given batch. */
export const traceText = async (text: string, batch: ReadonlyMap<string, TensorType>, target = "reference"): Promise<Artifact> =>
  artifactOf(await compileTrace(fileOf(text), { target, verify: true, batch }));

/** A program in its initial state. */
export async function start(artifact: Artifact, seed = 1, device: Device = openReferenceDevice()): Promise<Session> {
  const stage = soleStage(artifact);
  const { seed: buffer } = stage;
  const session = await FoldingSession.load(device, stage);
  if (buffer !== undefined) session.write(buffer, Uint32Array.of(seed));
  session.run("init");
  return session;
}

export async function read(session: Session, name: string): Promise<number[]> {
  const values: HostArray | undefined = (await session.read([name])).get(name);
  return Array.from(values ?? []);
}
