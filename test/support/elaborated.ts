// The network of a spec's only recipe, as a graph.

import { renderDiagnostics } from "../../src/diagnostics.ts";
import { elaborate, planRecipe } from "../../src/dsl/index.ts";
import type { ElaborateRequest } from "../../src/dsl/index.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import type { ForwardModel } from "../../src/ir/model.ts";
import { loadClean } from "../dsl/support.ts";

/** @param dims extents that the data would give */
export function elaborated(text: string, batch: number, dims?: ElaborateRequest["dims"]): ForwardModel {
  const spec = loadClean(text);
  const planned = planRecipe(spec);
  const model = planned && elaborate(spec, planned, { batch, builder: createBuilder(), ...(dims && { dims }) });
  if (model === undefined) throw new Error(renderDiagnostics(spec.sink.list(), spec.sources));
  return model;
}
