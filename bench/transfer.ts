// What freezing spares on the wasm device: steps of bench/transfer.tlspec on synthetic pictures, by the clock and by the plan.

import { compileSpec } from "../src/compile.ts";
import type { EntryReport } from "../src/ir/artifact.ts";
import { splitFromArrays, type LoadedSplit } from "../src/runtime/data/loaded-split.ts";
import type { Program } from "../src/ir/program.ts";
import type { Device, Session } from "../src/runtime/device.ts";
import { FeatureMemory, withFeatures } from "../src/runtime/features.ts";
import { FoldingSession } from "../src/runtime/folding-session.ts";
import { entryFor, initialize, type LoadedStage } from "../src/runtime/network.ts";
import { writeResident } from "../src/runtime/resident.ts";

const CLASSES = Array.from({ length: 10 }, (_, i) => String(i));

export interface Step {
  /** Milliseconds, the best of all rounds so far. */
  readonly train: number;
  readonly forward: number;
  readonly report: EntryReport | undefined;
}

export interface Workload {
  readonly batch: number;
  readonly loaded: LoadedStage;
  /** One more round. */
  measure(): Promise<Step>;
  dispose(): void;
}

async function load(device: Device, recipe: string, size: number, change = (program: Program): Program => program): Promise<LoadedStage> {
  const { artifact, diagnostics } = await compileSpec("bench/transfer.tlspec", {
    recipe,
    target: device.info.kind,
    ...(device.limits && { limits: device.limits }),
    describeData: () =>
      Promise.resolve({
        inputs: [{ name: "image", dtype: "u8", shape: [3, size, size] }],
        label: { name: "label", dtype: "i32", shape: [] },
        classes: CLASSES,
      }),
  });
  const [compiled, plan] = [artifact?.stages[0], artifact?.recipe.stages[0]];
  if (!artifact || !compiled || !plan) throw new Error(diagnostics.map((d) => d.message).join("\n"));
  const stage = { ...compiled, program: change(compiled.program) };
  const loaded = { artifact, stage, plan, session: await FoldingSession.load(device, stage), hasWeights: false };
  initialize(loaded);
  return loaded;
}

const examplesFor = ({ artifact }: LoadedStage, count: number, size: number): LoadedSplit =>
  splitFromArrays(artifact.dataInfo, {
    image: Uint8Array.from({ length: count * 3 * size * size }, (_, i) => (i * 7919) % 251),
    label: Int32Array.from({ length: count }, (_, i) => i % CLASSES.length),
  });

async function timed(session: Session, run: () => void): Promise<number> {
  await session.sync();
  const start = performance.now();
  run();
  await session.sync();
  return performance.now() - start;
}

/** Puts a split in place for steps of a stage; what it returns runs so many of them. */
function prepared(loaded: LoadedStage, purpose: "train" | "evaluate", split: LoadedSplit): (steps: number) => Promise<number> {
  const { stage, session } = loaded;
  const entry = entryFor(stage, purpose);
  writeResident(loaded, purpose, split);
  if ("order" in entry)
    session.write(
      entry.order,
      Int32Array.from({ length: split.count }, (_, i) => i),
    );
  session.write(entry.count, Int32Array.of(split.count));
  return async (steps) => {
    session.write(entry.cursor, Int32Array.of(0));
    return timed(session, () => {
      session.run(entry.name, steps);
    });
  };
}

export interface StepsOptions {
  readonly size?: number;
  readonly steps?: number;
  /** What runs instead of the compiled program. */
  readonly change?: (program: Program) => Program;
}

/** Training steps and forward passes of a recipe, from pictures. */
export async function openSteps(device: Device, recipe: string, { size = 32, steps = 2, change }: StepsOptions = {}): Promise<Workload> {
  const loaded = await load(device, recipe, size, change);
  const { batch } = loaded.artifact.recipe;
  const split = examplesFor(loaded, batch * steps, size);
  const [train, forward] = [prepared(loaded, "train", split), prepared(loaded, "evaluate", split)];
  await train(1);
  await forward(1);
  const best = { train: Infinity, forward: Infinity };
  return {
    batch,
    loaded,
    measure: async () => {
      best.train = Math.min(best.train, (await train(steps)) / steps);
      best.forward = Math.min(best.forward, (await forward(steps)) / steps);
      return { ...best, report: loaded.stage.report.entries[entryFor(loaded.stage, "train").name] };
    },
    dispose: () => {
      loaded.session.dispose();
    },
  };
}

/** Milliseconds of a training step of the head alone, from features, and of computing the features of a batch. */
export async function measureCached(device: Device, steps = 200): Promise<{ readonly step: number; readonly features: number }> {
  const plain = await load(device, "head", 32);
  const { batch } = plain.artifact.recipe;
  const data = { train: examplesFor(plain, 8 * batch, 32) };
  const options = { device: device.info, epochs: 2, isStopped: () => false, store: undefined };
  const start = performance.now();
  const opening = withFeatures(plain, data, new FeatureMemory(), options);
  let next = await opening.next();
  while (next.done !== true) next = await opening.next();
  const features = (performance.now() - start) / 8;
  const run = prepared(next.value.loaded, "train", next.value.data.train);
  await run(8);
  let step = Infinity;
  for (let round = 0; round < 5; round++) step = Math.min(step, (await run(steps)) / steps);
  plain.session.dispose();
  return { step, features };
}
