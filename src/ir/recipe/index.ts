// Every word of recipes and data sets, by its kind: what the reference page and `tlc explain` list, and what tests go through.

import type { Word } from "./define.ts";
import { ADAPTERS } from "./adapters/index.ts";
import { AVERAGES } from "./averages/index.ts";
import { CACHES } from "./caches/index.ts";
import { CLIPS } from "./clips/index.ts";
import { READINGS } from "./columns/index.ts";
import { DISTILLATIONS } from "./distillations/index.ts";
import { LOSSES } from "./losses/index.ts";
import { METRICS } from "./metrics/index.ts";
import { OPTIMIZERS } from "./optimizers/index.ts";
import { PENALTIES } from "./penalties/index.ts";
import { PRECISIONS } from "./precisions/index.ts";
import { SCHEDULES } from "./schedules/index.ts";
import { SOURCES } from "./sources/index.ts";
import { AUGMENT, PREPROCESS } from "./steps/index.ts";
import { TABLE_STEPS } from "./table-steps/index.ts";

export interface WordKind {
  /** In the singular, as messages name it, and as the heading of a page. */
  readonly kind: string;
  readonly title: string;
  readonly words: readonly Word[];
  /** The setting that takes one of them, where it is called otherwise. */
  readonly setting?: string;
}

export const GLOSSARY: readonly WordKind[] = [
  { kind: "loss", title: "Losses", words: LOSSES },
  { kind: "metric", title: "Metrics", words: METRICS },
  { kind: "optimizer", title: "Optimizers", words: OPTIMIZERS },
  { kind: "clip", title: "Clipping of gradients", words: CLIPS },
  { kind: "penalty", title: "Penalties of weights", words: PENALTIES, setting: "regularize" },
  { kind: "distillation", title: "Distillation", words: DISTILLATIONS, setting: "distill" },
  { kind: "adapter", title: "Adapters", words: ADAPTERS, setting: "adapt" },
  { kind: "average", title: "Averages of weights", words: AVERAGES },
  { kind: "cache", title: "The feature cache", words: CACHES, setting: "features" },
  { kind: "precision", title: "Precisions", words: PRECISIONS },
  { kind: "schedule", title: "Schedules", words: SCHEDULES },
  { kind: "source", title: "Sources", words: SOURCES },
  { kind: "column word", title: "Columns of tables", words: READINGS },
  { kind: "preprocessing step", title: "Preprocessing of pictures", words: PREPROCESS },
  { kind: "step on columns", title: "Preprocessing of tables", words: TABLE_STEPS },
  { kind: "augmentation step", title: "Augmentation", words: AUGMENT },
];
