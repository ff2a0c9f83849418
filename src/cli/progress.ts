// A training run as it is seen: one live line in a terminal, a line every few seconds in a log, every event as an object with `--json`.

import type { EpochEvent, FeaturesEvent, StageEvent, StageSummary, StartEvent, StepEvent, TrainEvent } from "../runtime/events.ts";
import { formatBytes } from "../runtime/memory.ts";
import { matrixLines, metricsText, number, type ClassNames } from "./metrics-text.ts";
import type { Terminal } from "./terminal.ts";

const LIVE_MS = 100;
const LOG_MS = 5000;

/** What was written beside the weights. */
export interface Beside {
  readonly delta?: string | undefined;
  readonly adapter?: string | undefined;
}

/** Takes every event; `weights` is where the result was saved, known at `done`. */
export type Progress = (event: TrainEvent, weights?: string, beside?: Beside) => void;

/** @param classesOf a matrix, by which its rows are named */
export function createProgress(
  terminal: Terminal,
  now: () => number = () => performance.now(),
  classesOf: ClassNames = () => [],
): Progress {
  let start: StartEvent | undefined;
  let shownAt = now();

  const step = (event: StepEvent): void => {
    const elapsed = now() - shownAt;
    if (elapsed < (terminal.isLive ? LIVE_MS : LOG_MS)) return;
    shownAt = now();
    const text = stepLine(event, start);
    if (terminal.isLive) terminal.live(text);
    else terminal.line(text);
  };

  return (event, weights, { delta, adapter } = {}) => {
    if (terminal.json) {
      const beside = { ...(delta !== undefined && { delta }), ...(adapter !== undefined && { adapter }) };
      terminal.object(event.event === "done" ? { ...event, weights: weights ?? "", ...beside } : event);
      return;
    }
    switch (event.event) {
      case "start":
        start = event;
        terminal.line(startLine(event));
        if (event.resumed)
          terminal.line(`going on in epoch ${event.resumed.epoch} of stage ${event.resumed.stage}, after step ${event.resumed.step}`);
        break;
      case "features":
        terminal.line(featuresLine(event));
        break;
      case "uncached":
        terminal.line(`${event.stage}  no features are kept: ${event.reason}`);
        break;
      case "step":
        step(event);
        break;
      case "epoch":
        terminal.line(epochLine(event, start));
        break;
      case "stage":
        terminal.line(stageLine(event));
        break;
      case "done":
        if (event.test !== undefined) {
          terminal.line(terminal.paintOut("bold", `test    ${metricsText(event.test)}`));
          for (const line of matrixLines(event.test, classesOf)) terminal.line(line);
        }
        terminal.line(
          `weights ${weights ?? ""}${delta === undefined ? "" : `, what changed ${delta}`}${adapter === undefined ? "" : `, the adapter ${adapter}`} (${duration(event.seconds)} on ${event.device}${event.interrupted ? ", interrupted" : ""})`,
        );
        break;
      default:
        event satisfies never;
    }
  };
}

function startLine(event: StartEvent): string {
  const examples = Object.entries(event.examples).map(([split, count]) => `${count} ${split}`);
  const frozen = event.parameters - event.trainable;
  const parameters = `${event.parameters.toLocaleString("en")} parameters${frozen > 0 ? `, ${frozen.toLocaleString("en")} frozen` : ""}`;
  return `${event.recipe}: ${parameters}; ${examples.join(", ")} examples; batch ${event.batch}; ${event.adapter}`;
}

function featuresLine(event: FeaturesEvent): string {
  const how = {
    device: `computed once, in ${duration(event.seconds)}`,
    memory: "those of the stage before",
    disk: `those of an earlier run, read in ${duration(event.seconds)}`,
  }[event.from];
  const views = event.views === undefined ? "" : `${event.views} ${event.views === 1 ? "view" : "views"} of each of `;
  return `${event.stage}  features of ${views}${event.examples} ${event.split} examples, ${formatBytes(event.bytes)}: ${how}`;
}

const summaryOf = ({ stage }: StepEvent | EpochEvent, start: StartEvent | undefined): StageSummary | undefined =>
  start?.stages.find((it) => it.stage === stage);

/** How far a stage has come, and which it is where there are several. */
function placeOf(event: StepEvent | EpochEvent, start: StartEvent | undefined): string {
  const summary = summaryOf(event, start);
  const named = (start?.stages.length ?? 1) > 1 ? `${event.stage}  ` : "";
  return `${named}epoch ${event.epoch}${summary === undefined ? "" : `/${summary.epochs}`}`;
}

function stepLine(event: StepEvent, start: StartEvent | undefined): string {
  const summary = summaryOf(event, start);
  return [
    placeOf(event, start),
    `step ${event.step}${summary === undefined ? "" : `/${summary.steps}`}`,
    `loss ${number(event.loss)}`,
    ...(event.lr === undefined ? [] : [`rate ${Number(event.lr.toPrecision(4))}`]),
    `${number(event.examples_per_s)} examples/s`,
    `ETA ${duration(event.eta_s)}`,
  ].join("  ");
}

function epochLine(event: EpochEvent, start: StartEvent | undefined): string {
  const val = event.val === undefined ? "" : `  val ${metricsText(event.val)}`;
  const best = event.best ? "  best" : "";
  return `${placeOf(event, start)}  train ${metricsText(event.train)}${val}${best}  (${duration(event.seconds)})`;
}

function stageLine({ stage, epochs, stalled, best }: StageEvent): string {
  const end = stalled ? `stopped after epoch ${epochs}, since its metric stalled` : `trained for ${epochs} epochs`;
  const kept = best ? `; its weights are those of epoch ${best.epoch}, the best by ${best.metric}` : "";
  return `stage ${stage} ${end}${kept}`;
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
