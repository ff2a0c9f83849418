// `recompute auto`: into how many segments a stage's forward pass is cut. What a cut saves depends on what is fused and on when buffers live,
// so each size of segments is planned to its memory, and the plans are compared.

import type { RecomputeReport, SegmentsReport } from "../ir/artifact.ts";
import { mapGraph, topologicalOrder, type Graph } from "../ir/graph.ts";
import type { Node } from "../ir/node.ts";
import { at } from "../ir/ops/define.ts";
import { ops } from "../ir/ops/index.ts";
import type { EntryName } from "../ir/program.ts";
import type { Segmentation } from "../ir/recomputation.ts";
import { bytesBelow } from "../ir/segments.ts";
import type { Planned } from "./pipeline.ts";
import { flopsOfTasks } from "./report.ts";

/** Segments to try: each has about this share of all values. */
const PARTS = [2, 3, 4, 6, 8, 12, 16];
/** Of a step: a forward pass once more, where forward and backward passes take a third and two thirds. */
const MOST_WORK = 4 / 3;

type Graphs = ReadonlyMap<EntryName, Graph>;

/**
 * Nothing where a stage fits into `room` as it is; else the least work with which it fits. Where nothing fits, or the room is not known, the lowest peak.
 * @param plan of the stage's entries, with memory
 * @param room bytes that the device has for the stage
 */
export function chooseSegments(
  graphs: Graphs,
  plan: (graphs: Graphs) => Planned,
  room: number | undefined,
): { readonly graphs: Graphs; readonly report: RecomputeReport } {
  const training = new Set([...graphs].flatMap(([name, graph]) => (gradientsIn(graph).length > 0 ? [name] : [])));
  const tryOut = (cut: Graphs): { readonly graphs: Graphs; readonly report: SegmentsReport } => ({
    graphs: cut,
    report: reportOf(plan(cut), training),
  });
  const plain = tryOut(graphs);
  const fits = ({ report: { peak } }: typeof plain): boolean => room !== undefined && peak <= room;
  const all = [plain];
  const bytes = fits(plain) ? 0 : Math.max(...[...graphs.values()].map(differentiatedBytes));
  for (const parts of bytes === 0 ? [] : PARTS) {
    const next = tryOut(withSegments(graphs, { largest: bytes / parts }));
    if (next.report.flops > MOST_WORK * plain.report.flops) continue;
    if (!all.some(({ report }) => sameReport(report, next.report))) all.push(next);
  }
  const fitting = all.filter(fits);
  const rank = ({ report: { peak, flops } }: typeof plain): readonly [number, number] =>
    fitting.length > 0 ? [flops, peak] : [peak, flops];
  const candidates = fitting.length > 0 ? fitting : all;
  const chosen = candidates.reduce((best, next) => (isLess(rank(next), rank(best)) ? next : best));
  return { graphs: chosen.graphs, report: { tried: all.map(({ report }) => report), chosen: all.indexOf(chosen) } };
}

const isLess = ([a, b]: readonly [number, number], [c, d]: readonly [number, number]): boolean => a < c || (a === c && b < d);

const sameReport = (one: SegmentsReport, other: SegmentsReport): boolean =>
  one.segments === other.segments && one.peak === other.peak && one.flops === other.flops;

const gradientsIn = ({ outputs }: Graph): readonly Node[] => topologicalOrder(outputs.values()).filter(({ op }) => op === ops.gradient);

/** Bytes of all values that the gradients of a graph might ask for. */
function differentiatedBytes(graph: Graph): number {
  const asked = gradientsIn(graph);
  const targets = new Set(asked.map(({ inputs }) => at(inputs, 1)));
  return Math.max(0, ...[...new Set(asked.map(({ inputs }) => at(inputs, 0)))].map((root) => bytesBelow(root, targets)));
}

const withSegments = (graphs: Graphs, recompute: Segmentation): Graphs =>
  new Map(
    [...graphs].map(([name, graph]) => [
      name,
      gradientsIn(graph).length === 0
        ? graph
        : mapGraph(graph, ({ op }, [y, x]) => (op === ops.gradient && y && x ? graph.builder.gradient(y, x, { recompute }) : undefined)),
    ]),
  );

/** @param training entries that take gradients */
function reportOf({ graphs, memory, tasks }: Planned, training: ReadonlySet<EntryName>): SegmentsReport {
  // What a segment begins with a second time waits for one gradient.
  const waitedFor = new Set<Node>();
  for (const { outputs } of graphs.values())
    for (const { op, inputs } of topologicalOrder(outputs.values())) if (op === ops.again) waitedFor.add(at(inputs, 1));
  return {
    segments: waitedFor.size,
    peak: memory.arenaBytes,
    flops: [...tasks].reduce((sum, [name, list]) => sum + (training.has(name) ? flopsOfTasks(list) : 0), 0),
  };
}
