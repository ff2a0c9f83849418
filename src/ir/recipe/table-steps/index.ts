// Every step on the columns of a table.

import type { WordPlan } from "../../plan.ts";
import { wordOf } from "../define.ts";
import type { TableStep } from "./define.ts";
import { fill } from "./fill.ts";
import { minMax } from "./min-max.ts";
import { standardize } from "./standardize.ts";

export const TABLE_STEPS = [fill, standardize, minMax] as const satisfies readonly TableStep[];

export const isTableStep = ({ word }: WordPlan): boolean => TABLE_STEPS.some(({ name }) => name === word);

export const tableStep = (plan: WordPlan): TableStep => wordOf<TableStep>(TABLE_STEPS, plan);
