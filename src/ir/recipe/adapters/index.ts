// Every adapter of layers.

import type { WordPlan } from "../../plan.ts";
import { wordOf } from "../define.ts";
import type { Adapter } from "./define.ts";
import { lora } from "./lora.ts";

export const ADAPTERS = [lora] as const satisfies readonly Adapter[];

export const adapterOf = (plan: WordPlan): Adapter => wordOf<Adapter>(ADAPTERS, plan);
