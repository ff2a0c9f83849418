// `tlc run --find-rate`: Smith's range test. The first stage trains with a rate that grows from step to step, until its loss diverges; what that
// says is a table, a picture and a suggestion. Nothing is saved.

import { examplesIn } from "../ir/plan.ts";
import { rangeTest } from "../ir/recipe/schedules/range-test.ts";
import type { Artifact } from "../ir/artifact.ts";
import { DataError, NonFiniteLossError } from "../runtime/errors.ts";
import { Network } from "../runtime/network.ts";
import { RangeTest } from "../runtime/range-test.ts";
import { train } from "../runtime/trainer.ts";
import { requireEarlier } from "./earlier.ts";
import { EXIT, UsageError } from "./failure.ts";
import { number } from "./metrics-text.ts";
import { isFolder, withTarget, type Opened } from "./open.ts";
import { plot } from "./plot.ts";
import { readingOptions } from "./reading.ts";
import type { RunOptions } from "./run.ts";
import { interruptible } from "./signals.ts";
import type { Terminal } from "./terminal.ts";
import { openFirstWeights, openTeacher } from "./weights.ts";

const STEPS = Number(rangeTest.args["steps"]?.default);
/** Lines of the table. */
const ROWS = 20;

export async function findRate(path: string, options: RunOptions, terminal: Terminal): Promise<number> {
  if (await isFolder(path))
    throw new UsageError("--find-rate compiles a recipe with rates of its own", "name the spec that the folder is of");
  if (options.resume !== undefined || options.out !== undefined || options.delta === true)
    throw new UsageError("--find-rate saves nothing and goes on with nothing", "leave out --out, --resume and --delta");
  terminal.line(`finding a rate for ${path}`);
  const tested = { ...options, set: [...options.set, `schedule=${rangeTest.name}`] };
  return withTarget(path, tested, terminal, (opened) =>
    interruptible(terminal, async ({ signal, code }) => {
      const test = await testRates(opened, path, options, terminal, signal);
      const stopped = code();
      if (stopped !== undefined) return stopped;
      report(opened.artifact, test, terminal);
      return EXIT.ok;
    }),
  );
}

async function testRates(opened: Opened, path: string, options: RunOptions, terminal: Terminal, signal: AbortSignal): Promise<RangeTest> {
  const { artifact: compiled, device, within } = opened;
  const artifact = unwatched(compiled);
  const { data: plan } = artifact;
  if (plan === undefined)
    throw new UsageError(`the recipe ${artifact.name} has no data to train on`, "add a dataset and `data NAME` to the recipe");
  const { loadSplit } = await import("../runtime/data/index.ts");
  const split = await loadSplit(plan, "train", artifact.dataInfo, { signal, within, ...readingOptions(terminal, "train") });
  const published = opened.published && (await requireEarlier(path, options, artifact, opened.published, terminal));
  const weights = await openFirstWeights({ artifact, ...(published && { published }) }, options.weights, terminal);
  const teacher = await openTeacher(opened);
  const test = new RangeTest();
  let network: Network | undefined;
  try {
    network = await Network.open(artifact, device);
    const [first] = artifact.recipe.stages;
    const batches = Math.ceil(split.count / examplesIn(artifact.recipe) / (first?.accumulate ?? 1));
    const epochs = Math.ceil(STEPS / Math.max(1, batches));
    for await (const event of train(network, { train: split }, { signal, weights, teacher, epochs, features: false })) {
      if (event.event !== "step") continue;
      const { rate, loss, smoothed } = test.add(event.lr ?? NaN, event.loss);
      terminal.object({ event: "rate", rate, loss, smoothed });
      terminal.live(`rate ${number(rate)}  loss ${number(loss)}`);
      if (test.hasDiverged || event.step >= STEPS) break;
    }
  } catch (error) {
    // That is what a range test goes for.
    if (!(error instanceof NonFiniteLossError)) throw error;
    if (test.tested.length > 0) test.add(NaN, NaN);
    else throw error;
  } finally {
    network?.dispose();
    await weights?.close();
    await teacher?.close();
  }
  return test;
}

/** Epochs are parts of the test here, and nobody validates them. */
const unwatched = (artifact: Artifact): Artifact => ({
  ...artifact,
  recipe: { ...artifact.recipe, stages: artifact.recipe.stages.map(({ stop: _, keep: __, watch: ___, ...stage }) => stage) },
});

function report({ recipe, stages }: Artifact, test: RangeTest, terminal: Terminal): void {
  const { tested, suggestion, hasDiverged } = test;
  terminal.clearLive();
  const [last] = tested.slice(-1);
  if (!last) throw new DataError("there was no step to test a rate in");
  const stage = stages[0]?.name ?? "";
  const optimizer = recipe.stages[0]?.optimizer;
  const now = Number(optimizer?.args["lr"]);
  terminal.object({
    event: "rates",
    stage,
    steps: tested.length,
    diverged: hasDiverged,
    ...(suggestion && { suggestion: suggestion.rate }),
  });
  const every = Math.max(1, Math.ceil(tested.length / ROWS));
  const short = (value: number): string => value.toExponential(2);
  terminal.line("rate      loss      smoothed");
  for (const [i, { rate, loss, smoothed }] of tested.entries())
    if (i % every === 0 || i === tested.length - 1) terminal.line(`${short(rate).padEnd(10)}${number(loss).padEnd(10)}${number(smoothed)}`);
  for (const line of plot(
    tested.map(({ rate, smoothed }) => ({ x: rate, y: smoothed })),
    suggestion?.rate,
    (value) => Number(value.toPrecision(3)).toString(),
  ))
    terminal.line(line);
  const end = hasDiverged ? `the loss diverges at ${short(last.rate)}` : `the loss has not diverged up to ${short(last.rate)}`;
  const advice = suggestion
    ? `it falls fastest at ${short(suggestion.rate)}: \`optimizer ${optimizer?.word ?? ""}(lr: ${short(suggestion.rate)})\` (the recipe has ${now})`
    : "it falls nowhere: look at the data and the loss before the rate";
  terminal.line(`stage ${stage}: ${end}; ${advice}`);
}
