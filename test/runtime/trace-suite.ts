// The training steps of test/fixtures/traces on a device, as `tlc trace` runs them, against what PyTorch wrote there. What made them is
// scripts/make-traces.py.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, it } from "vitest";
import type { Device } from "../../src/runtime/device.ts";
import { expectTensors, traced, tensorsOf, type TraceDevice } from "../support/trace.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/traces", import.meta.url));

/** Traces, how far all steps may be off (an adaptive optimizer divides by small numbers), and how many there are where it is not three. */
const TRACES: readonly (readonly [name: string, afterwards: number, steps?: number])[] = [
  ["cnn-sgd", 1e-4],
  ["residual-sgd", 1e-4],
  ["reader-sgd", 1e-4],
  ["tagger-adam", 1e-3],
  ["features-adamw", 1e-3],
  ["regressor-nadam", 1e-4],
  ["regressor-radam", 1e-4, 8],
  ["regressor-rmsprop", 1e-4],
  ["regressor-adagrad", 1e-4],
  ["regressor-adadelta", 1e-4],
  ["regressor-lamb", 1e-4],
  ["regressor-lars", 1e-4],
  ["regressor-lion", 1e-4],
  ["regressor-focal", 1e-4],
  ["regressor-hinge", 1e-4],
  ["regressor-huber", 1e-4],
  ["regressor-smooth-l1", 1e-4],
  ["regressor-weighted", 1e-4],
  ["regressor-weighted-smooth", 1e-4],
  ["regressor-binary", 1e-4],
  ["regressor-multilabel", 1e-4],
  ["regressor-kl", 1e-4],
  ["regressor-cosine", 1e-4],
  ["update-rates", 1e-4],
  ["update-rate-per-layer", 1e-4],
  ["update-decay-except", 1e-4],
  ["update-decays", 1e-4],
  ["update-l1", 1e-4],
  ["update-l2", 1e-4],
  ["update-l2-sp", 1e-4],
  ["update-one-cycle", 1e-4, 8],
  ["update-one-cycle-momentum", 1e-4, 8],
  ["update-one-cycle-nesterov", 1e-4, 8],
  ["update-one-cycle-adamw", 1e-4, 8],
  ["update-one-cycle-nadam", 1e-4, 8],
  ["update-one-cycle-rmsprop", 1e-4, 8],
  ["update-warmup", 1e-4, 7],
  ["update-ema", 1e-4, 5],
  ["update-clip-norm", 1e-4],
  ["update-clip-value", 1e-4],
  ["distilled-plain", 1e-4],
  ["distilled-warm", 1e-4],
  ["views-contrastive", 1e-4],
  ["views-contrastive-cold", 1e-4],
  ["views-triplet", 1e-4],
  ["views-triplet-hardest", 1e-4],
  ["pixels-dice-plain", 1e-4],
  ["pixels-dice-foreground", 1e-4],
  ["pixels-dice-mixed", 1e-4],
  ["pixels-plain", 1e-4],
  ["pixels-smooth", 1e-4],
  ["pixels-weighted", 1e-4],
  ["pixels-steps", 1e-4],
  ["adapted-text", 1e-4],
  ["adapted-image", 1e-4],
  ["outputs-plain", 1e-3],
  ["outputs-weighted", 1e-3],
];

export interface TraceOptions {
  /** All of them unless given. */
  readonly names?: readonly string[];
  readonly openDevice?: () => Promise<Device>;
}

export function traceSuite(device: TraceDevice, { names, openDevice }: TraceOptions = {}): void {
  const chosen = TRACES.filter(([name]) => names?.includes(name) ?? true);
  const work = mkdtempSync(join(tmpdir(), "tlc-traces-"));
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  describe(`training steps on ${device} are PyTorch's`, () => {
    it.each(chosen.map(([name, afterwards, steps = 3]) => [name, afterwards, steps] as const))("%s", async (name, afterwards, steps) => {
      const file = (kind: string): string => join(FOLDER, `${name}.${kind}`);
      const actual = await traced(file("tlspec"), file("in.safetensors"), steps, device, join(work, `${name}.safetensors`), openDevice);
      const isAfter = (tensor: string): boolean => tensor.startsWith("after/") || tensor === "loss";
      expectTensors(actual, tensorsOf(file("out.safetensors")), (tensor) => (isAfter(tensor) ? afterwards : 1e-4));
    });
  });
}
