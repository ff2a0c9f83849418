// Trainings that are stopped where nobody planned it and go on from their last checkpoint, for tests and for `npm run fuzz -- resume`: what
// they end with must be what a training without a break ends with, to the bit.

import type { Artifact } from "../../src/ir/artifact.ts";
import { readCheckpoint, writeCheckpoint, type Progress } from "../../src/runtime/checkpoint/checkpoint.ts";
import { identityOf } from "../../src/runtime/checkpoint/identity.ts";
import { requireSame } from "../../src/runtime/checkpoint/same.ts";
import type { Device } from "../../src/runtime/device.ts";
import type { TrainEvent } from "../../src/runtime/events.ts";
import { Network } from "../../src/runtime/network.ts";
import { train, type TrainData } from "../../src/runtime/trainer.ts";

export const TABLE = `dataset d {
  train table("d.tsv", features: f, label: l)
  val table("d.tsv", features: f, label: l)
}
`;

/** Three stages, of which each goes on with another part of what was there: statistics, dropout, two optimizers, an early end, a best epoch. */
export const THREE_STAGES = `network net {
  input features: f32[6]
  low: linear(8) -> bn: batch_norm -> relu
  dropout(0.25)
  fc: linear(3)
}
${TABLE}recipe r {
  network net
  data d
  loss cross_entropy
  batch 4
  optimizer adam(lr: 1e-2)
  stage head { freeze ** except fc epochs 3 keep best val.accuracy }
  stage all { schedule cosine(warmup: 10%) epochs 12 stop when val.loss stalls within 0.05 for 2, keep best }
  stage last { freeze bn optimizer sgd(lr: 0.05, momentum: 0.9) schedule plateau(factor: 0.5, patience: 0, threshold: 0.2) epochs 4 }
}
`;

/** What goes beyond a step: gathered batches, an average, the weights of the start, and features that are kept of frozen layers. */
export const GATHERED_STAGES = `network net {
  input features: f32[6]
  low: linear(64) -> bn: batch_norm -> relu
  mid: linear(64) -> relu
  small: linear(4) -> relu
  fc: linear(3)
}
${TABLE}recipe r {
  network net
  data d
  loss cross_entropy
  batch 4
  optimizer adam(lr: 1e-2)
  average ema(decay: 0.8)
  stage head { freeze ** except fc epochs 4 accumulate 2 }
  stage all { regularize l2_sp(0.01) on ** except fc  accumulate 3  epochs 3 keep best val.loss }
}
`;

export interface Ending {
  /** The weights as a file, and all metrics of epochs and stages in their order. */
  readonly weights: Uint8Array;
  readonly told: readonly string[];
}

export type Break = "none" | "signal" | "kill";

/** Where a part of a training ends: after so many events, by a signal or as a process that is killed, with the last checkpoint that it saved. */
export interface Part {
  readonly how: Break;
  readonly events: number;
  readonly every?: { readonly steps: number };
}

/**
 * Trains in parts, each on a network of its own, which has nothing of the part before but the bytes of its checkpoint.
 * @param artifacts of a training that goes on for longer, one for each length it had; a break is within the last
 * @param next the next part; the last has no break
 */
export async function trainInParts(
  artifacts: Artifact | readonly Artifact[],
  device: Device,
  data: TrainData,
  next: () => Part,
): Promise<Ending> {
  let bytes: Uint8Array | undefined;
  const told: string[] = [];
  const lengths = [artifacts].flat();
  for (;;) {
    const [artifact, ...longer] = lengths as [Artifact, ...Artifact[]];
    const { how, events, every } = next();
    const network = await Network.open(artifact, device);
    const stop = new AbortController();
    const identity = identityOf(artifact, { ...data });
    const save = (progress: Progress): void => void (bytes = writeCheckpoint({ ...progress, identity }));
    const resume = bytes && readCheckpoint(bytes);
    if (resume) requireSame(artifact, identity, resume);
    try {
      let seen = 0;
      for await (const event of train(network, data, { signal: stop.signal, checkpoints: { save, every }, resume })) {
        tell(event, told);
        if (event.event === "done" && !event.interrupted && longer.length > 0) lengths.shift();
        else if (event.event === "done" && !event.interrupted) return { weights: event.weights, told: [...new Set(told)] };
        if (++seen < events || how === "none") continue;
        if (how === "kill") break;
        stop.abort();
      }
    } finally {
      network.dispose();
    }
  }
}

/** What a run says that is no matter of time. What a killed part said behind its last checkpoint is said again, in the same words. */
function tell(event: TrainEvent, told: string[]): void {
  if (event.event === "epoch") {
    const { seconds: _, ...rest } = event;
    told.push(JSON.stringify(rest));
  } else if (event.event === "stage") told.push(JSON.stringify(event));
  else if (event.event === "step") told.push(`${event.stage} ${event.step} ${event.loss} ${event.lr ?? 0}`);
}
