// What an artifact of the right shape can still get wrong: names that are not there, buffers beside the arena or of another type than
// what reads them, launches that give a kernel what it does not take. After these a runtime need not doubt a number of it.

import { LOSS_HISTORY, outputBuffers, type Artifact, type CompiledStage, type EntryPorts, type OutputPort } from "./artifact.ts";
import { programFault } from "./program-checks.ts";
import { widthOf } from "./recipe/columns/index.ts";
import type { BufferPlan, BufferRole } from "./program.ts";
import { PLACE } from "./recipe/steps/places.ts";
import { LOSS_SUMS, lossPlace, rankedMetrics, reportedBy, sizesOf, tallyPlaces } from "./recipe/metrics/index.ts";
import { KEPT_SCORES, rankedClasses } from "./recipe/metrics/ranking.ts";
import { columnsIn, outputShapeOf, targetOf, targetsOf, tasksOf } from "./tasks.ts";
import { formatType, sameType, sizeOf, type DType, type Shape, type TensorType } from "./types.ts";

/** Elements of a tensor. */
const MOST_ELEMENTS = 2 ** 31 - 1;

/** The first fault of an artifact that fits the schema. */
export function artifactFault(artifact: Artifact): string | undefined {
  const { recipe, stages, parameters } = artifact;
  const misfit = tasksFault(artifact);
  if (misfit !== undefined) return misfit;
  const columns = columnsIn(artifact.dataInfo);
  const outputs = tasksOf(recipe).map((task) => ({ name: "the output", shape: outputShapeOf(artifact, task) }));
  const large = [...columns, ...parameters, ...outputs].find(({ shape }) => sizeOf(shape) > MOST_ELEMENTS);
  if (large !== undefined) return `${large.name} has more elements than an index can count`;
  const torn = columns.find(({ fields, shape }) => fields && fields.reduce((sum, it) => sum + widthOf(it), 0) !== sizeOf(shape));
  if (torn !== undefined) return `${torn.name} has another shape than its columns`;
  const twice = repeated(columns.map(({ name }) => name)) ?? repeated(parameters.map(({ name }) => name));
  if (twice !== undefined) return `there are two of ${twice}`;
  if ((artifact.teacher === undefined) !== (recipe.distill === undefined)) return "its teacher is not what its recipe distills from";
  if (stages.map(({ name }) => name).join("\n") !== recipe.stages.map(({ name }) => name).join("\n"))
    return "the artifact has other stages than its recipe";
  const watched = recipe.stages.flatMap(({ stop, keep, watch }) => [stop, keep, watch].flatMap((it) => it?.metric ?? []));
  const reported = new Set(reportedBy(tasksOf(recipe)).map(({ name }) => name));
  const unknown = watched.find((metric) => !reported.has(metric));
  if (unknown !== undefined) return `a stage watches ${unknown}, which no epoch reports`;
  for (const stage of stages) {
    const problem =
      stage.program.target === artifact.target ? (programFault(stage.program) ?? stageFault(stage, artifact)) : "it is for another target";
    if (problem !== undefined) return `stage ${stage.name}: ${problem}`;
  }
  return undefined;
}

/** Outputs, losses and labels are of one form, and each loss has an output; a label has one as well. */
function tasksFault({ recipe, dataInfo, outputShape, outputShapes }: Artifact): string | undefined {
  const names = recipe.tasks?.map(({ output }) => output);
  const twice = repeated(names ?? []);
  if (twice !== undefined) return `there are two outputs ${twice}`;
  if (names === undefined) return dataInfo.targets || !outputShape || outputShapes ? "its output is not what its recipe trains" : undefined;
  if (
    outputShape ||
    !dataInfo.targets ||
    Object.keys(outputShapes ?? {})
      .sort()
      .join() !== [...names].sort().join()
  )
    return "its outputs are not what its recipe trains";
  const stray = dataInfo.targets.find(({ label }) => !names.includes(label.name));
  return stray && `${stray.label.name} is a label, and no output`;
}

const repeated = (names: readonly string[]): string | undefined => {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
};

function stageFault(stage: CompiledStage, artifact: Artifact): string | undefined {
  const { seed, states, trainable, groups, averages, program } = stage;
  const buffers = new Map(program.buffers.map((buffer) => [buffer.name, buffer]));
  const declared = new Map(states.map((state) => [state.name, state]));
  const twice = repeated(states.map(({ name }) => name));
  if (twice !== undefined) return `there are two states ${twice}`;
  for (const { name, kind, type } of states) {
    const problem = bufferFault(buffers, name, { role: "state", type });
    if (problem !== undefined) return problem;
    if (buffers.get(name)?.kind !== kind) return `the state ${name} is of another kind than its buffer`;
  }
  const { parameters, teacher } = artifact;
  for (const { name, state, kind, dtype, shape } of [
    ...parameters,
    ...(teacher?.parameters ?? []).map((it) => ({ ...it, kind: "teacher" })),
  ]) {
    const held = declared.get(state);
    if (held?.kind !== kind || !sameType(held.type, { dtype, shape })) return `no state holds the parameter ${name}`;
  }
  const weights = new Set(artifact.parameters.filter(({ kind }) => kind === "weight").map(({ name }) => name));
  const stray = trainable.find((name) => !weights.has(name));
  if (stray !== undefined) return `it trains ${stray}, which is no weight`;
  if ([...groups.flatMap(({ parameters }) => parameters)].sort().join("\n") !== [...trainable].sort().join("\n"))
    return "its groups are not what it trains";
  const missing = (averages ?? []).flatMap(({ weight, average, steps }) => [weight, average, steps]).find((name) => !declared.has(name));
  if (missing !== undefined) return `there is no state ${missing}`;
  const noSeed = seed === undefined ? undefined : bufferFault(buffers, seed, { role: "input", type: { dtype: "u32", shape: [] } });
  if (noSeed !== undefined) return noSeed;
  return entriesFault(stage, artifact, buffers) ?? featuresFault(stage, artifact, buffers);
}

const WHOLE = ["evaluate", "initialize", "predict", "train"];
const TRACED = ["initialize", "trace"];
const CACHED = ["evaluate", "features", "train"];
const OF_VIEWS = [...CACHED, "views"];
const TAUGHT = ["features", "train"];

type Entries = CompiledStage["entries"];
type Buffers = ReadonlyMap<string, BufferPlan>;

/** What entries are for, but for those that fold: there are as many as there is something to fold. */
const purposesOf = (entries: Entries): string =>
  Object.values(entries)
    .flatMap(({ purpose }) => (purpose === "fold" ? [] : [purpose]))
    .sort()
    .join();

function entriesFault(stage: CompiledStage, artifact: Artifact, buffers: Buffers): string | undefined {
  const { entries, program } = stage;
  const missing = Object.keys(entries).find((it) => !Object.hasOwn(program.entries, it));
  if (missing !== undefined) return `the program has no entry ${missing}`;
  const purposes = purposesOf(entries);
  if (purposes !== WHOLE.join() && purposes !== TRACED.join()) return `its entries are to ${purposes}`;
  return firstFault(Object.keys(entries), (name) => entryFault(name, entries, stage, artifact, buffers));
}

/** Of the feature cache: one entry from the data to features, and two from features on. */
function featuresFault(stage: CompiledStage, artifact: Artifact, buffers: Buffers): string | undefined {
  const { features } = stage;
  if (features === undefined) return undefined;
  const { columns, inputs = [], parameters, entries } = features;
  const { dataInfo, recipe } = artifact;
  const wanted = features.inputs ? TAUGHT : features.views === undefined ? CACHED : OF_VIEWS;
  if (purposesOf(entries) !== wanted.join()) return `its features are to ${purposesOf(entries)}`;
  const known = new Set(artifact.parameters.map(({ name }) => name));
  const stray = parameters.find((name) => !known.has(name));
  if (stray !== undefined) return `its features are made of ${stray}, which is no parameter`;
  if (features.taught && !artifact.teacher) return "its features are made of a teacher, and there is none";
  const given = new Map(dataInfo.inputs.map((it) => [it.name, it]));
  const other = inputs.find((it) => JSON.stringify(it) !== JSON.stringify(given.get(it.name)));
  if (other !== undefined) return `its features stand beside ${other.name}, which is no input`;
  const labels = targetsOf(dataInfo).map(({ label }) => label);
  const twice = repeated([...inputs, ...columns, ...labels].map(({ name }) => name));
  if (twice !== undefined) return `there are two features ${twice}`;
  const large = columns.find(({ shape }) => sizeOf(shape) > MOST_ELEMENTS);
  if (large !== undefined) return `${large.name} has more elements than an index can count`;
  const cached = { ...artifact, dataInfo: { ...dataInfo, inputs: [...inputs, ...columns] } };
  return firstFault(Object.entries(entries), ([name, ports]) => {
    if (ports.purpose !== "features" && ports.purpose !== "views") return entryFault(name, entries, stage, cached, buffers);
    const kept = new Map(ports.outputs.map(({ column, buffer }) => [column, buffer]));
    if (kept.size !== ports.outputs.length || [...kept.keys()].join() !== columns.map((it) => it.name).join())
      return `entry ${name}: it makes other features than those that are kept`;
    const problem = firstFault(columns, ({ name: column, dtype, shape }) =>
      bufferFault(buffers, kept.get(column) ?? "", { role: "output", type: { dtype, shape: [recipe.batch, ...shape] } }),
    );
    return problem === undefined ? entryFault(name, entries, stage, artifact, buffers) : `entry ${name}: ${problem}`;
  });
}

function firstFault<T>(list: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of list) {
    const fault = find(item);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function entryFault(
  name: string,
  entries: Entries,
  { program, seed }: CompiledStage,
  artifact: Artifact,
  buffers: Buffers,
): string | undefined {
  const ports = entries[name];
  if (!ports || !Object.hasOwn(program.entries, name)) return `the program has no entry ${name}`;
  const needs = needsOf(ports, artifact);
  const problem =
    firstFault(needs, ([buffer, wanted]) => bufferFault(buffers, buffer, wanted)) ??
    portsFault(ports, artifact) ??
    unfilledFault(program, name, new Set([...needs.map(([buffer]) => buffer), seed]));
  return problem === undefined ? undefined : `entry ${name}: ${problem}`;
}

/** What the host is to fill, and no port names. */
function unfilledFault(program: CompiledStage["program"], entry: string, named: ReadonlySet<string | undefined>): string | undefined {
  const launches = (program.entries[entry] ?? []).flatMap((launch) => (launch.kind === "loop" ? launch.body : [launch]));
  const used = launches.flatMap((launch) => launch.buffers.flatMap((buffer) => program.buffers[buffer] ?? []));
  const unfilled = used.find(({ name, role }) => (role === "data" || role === "input") && !named.has(name));
  return unfilled && `nothing fills the buffer ${unfilled.name}`;
}

/** What a port must be: its role, its type, or only the type and number of elements where how they lie is the program's. */
interface Wanted {
  readonly role: BufferRole;
  readonly type: TensorType | { readonly dtype: DType | undefined; readonly elements?: number | undefined };
}

function bufferFault(buffers: ReadonlyMap<string, BufferPlan>, name: string, { role, type }: Wanted): string | undefined {
  const found = buffers.get(name);
  if (found === undefined) return `there is no buffer ${name}`;
  if (found.role !== role) return `the buffer ${name} is ${found.role}, not ${role}`;
  const { dtype = found.dtype, elements = sizeOf(found.shape) } = "shape" in type ? {} : type;
  const fits = "shape" in type ? sameType(found, type) : found.dtype === dtype && sizeOf(found.shape) === elements;
  return fits ? undefined : `the buffer ${name} is ${formatType(found)}`;
}

const scalar = (role: BufferRole, dtype: DType): Wanted => ({ role, type: { dtype, shape: [] } });

/** Every buffer that an entry names, with what it must be. */
function needsOf(ports: EntryPorts, artifact: Artifact): readonly (readonly [string, Wanted])[] {
  const { recipe } = artifact;
  const info = new Map(columnsIn(artifact.dataInfo).map((column) => [column.name, column]));
  const ifNamed = (name: string | undefined, wanted: Wanted): [string, Wanted][] => (name === undefined ? [] : [[name, wanted]]);
  const columns = (role: BufferRole, of: (column: TensorType | undefined) => Wanted["type"]) =>
    "columns" in ports ? ports.columns.map(({ column, buffer }) => [buffer, { role, type: of(info.get(column)) }] as const) : [];
  const batches = (): readonly (readonly [string, Wanted])[] =>
    columns("input", (column) => ({ dtype: column?.dtype, elements: column && recipe.batch * sizeOf(column.shape) }));
  // A picture's rows are gathered byte by byte: its buffer has no other extent than their number.
  const resident = (): readonly (readonly [string, Wanted])[] => [
    ...columns("data", (column) => ({ dtype: column?.dtype })),
    ...("columns" in ports ? ports.columns : []).flatMap(({ places }) =>
      ifNamed(places, { role: "data", type: { dtype: "i32", shape: [1, PLACE] } }),
    ),
  ];
  const perOutput = (
    port: OutputPort | undefined,
    role: BufferRole,
    type: (output: string) => Wanted["type"],
  ): readonly (readonly [string, Wanted])[] =>
    outputBuffers(port).map(({ output, buffer }) => [buffer, { role, type: type(output) }] as const);
  const history: Wanted = { role: "state", type: { dtype: "f32", shape: [LOSS_HISTORY] } };
  switch (ports.purpose) {
    case "initialize":
    case "fold":
      return [];
    case "train":
    case "evaluate":
      return [
        ...resident(),
        [ports.cursor, scalar("state", "i32")],
        [ports.count, scalar("input", "i32")],
        ...ports.sums.map(
          ({ sum, buffer }) => [buffer, { role: "state", type: { dtype: "f32", shape: sumShapes(artifact).get(sum) ?? [] } }] as const,
        ),
        ...(ports.purpose === "evaluate"
          ? perOutput(ports.scores, "state", (output) => ({ dtype: "f32", shape: scoresShape(artifact, output) }))
          : [
              [ports.order, { role: "data", type: { dtype: "i32", shape: [1] } }] as const,
              [ports.losses, history] as const,
              [ports.rates, history] as const,
              ...ifNamed(ports.epochs, scalar("input", "i32")),
              ...ifNamed(ports.decided, scalar("state", "f32")),
            ]),
      ];
    case "predict":
      return [
        ...batches(),
        ...perOutput(ports.output, "output", (output) => ({ dtype: "f32", shape: [recipe.batch, ...outputShapeOf(artifact, { output })] })),
      ];
    case "trace":
      return [
        ...columns("input", () => ({ dtype: undefined })),
        [ports.loss, scalar("output", "f32")],
        ...perOutput(ports.parts, "output", () => ({ dtype: "f32", shape: [] })),
        ...perOutput(ports.output, "output", () => ({ dtype: "f32" })),
        ...ports.gradients.map(({ buffer }) => [buffer, { role: "output", type: { dtype: "f32" } }] as const),
        ...[ports.count, ports.epochs].flatMap((name) => ifNamed(name, scalar("input", "i32"))),
      ];
    case "features":
      return batches();
    case "views":
      return [
        ...resident(),
        [ports.first, scalar("input", "i32")],
        [ports.count, scalar("input", "i32")],
        ...ifNamed(ports.draw, scalar("input", "u32")),
      ];
    default:
      return ports satisfies never;
  }
}

type Metered = Pick<Artifact, "recipe" | "dataInfo" | "outputShape" | "outputShapes">;

/** Of the sums of an epoch: scalars of an output side by side, others in buffers of their own. */
const sumShapes = (artifact: Metered): ReadonlyMap<string, Shape> =>
  new Map(
    tasksOf(artifact.recipe).flatMap((task) => {
      const sizes = sizesOf(task, targetOf(artifact.dataInfo, task)?.classes ?? [], outputShapeOf(artifact, task));
      const places = tallyPlaces(task, sizes);
      const scalars = LOSS_SUMS + places.filter(({ buffer }) => buffer === lossPlace(task)).length;
      return [...places.map(({ buffer, tally }) => [buffer, tally.shape(sizes)] as const), [lossPlace(task), [scalars]] as const];
    }),
  );

function scoresShape(artifact: Metered, output: string): Shape {
  const shape = outputShapeOf(artifact, { output });
  const labels = tasksOf(artifact.recipe).find((task) => task.output === output)?.labels ?? "class";
  return [KEPT_SCORES, artifact.recipe.batch * sizeOf(shape.slice(0, -1)), rankedClasses(shape, labels)];
}

function portsFault(ports: EntryPorts, artifact: Artifact): string | undefined {
  const { recipe, parameters } = artifact;
  if (!("columns" in ports)) return undefined;
  const known = new Set(columnsIn(artifact.dataInfo).map(({ name }) => name));
  const stray = ports.columns.find(({ column }) => !known.has(column))?.column ?? repeated(ports.columns.map(({ column }) => column));
  if (stray !== undefined) return `the data has no column ${stray} for it`;
  if ("sums" in ports) {
    const places = sumShapes(artifact);
    const sums = ports.sums.map(({ sum }) => sum);
    if (new Set(sums).size !== sums.length || sums.length !== places.size || !sums.every((sum) => places.has(sum)))
      return "its sums are not those that the metrics are made of";
  }
  const isOf = (port: OutputPort | undefined, tasks: readonly { readonly output: string }[]): boolean =>
    JSON.stringify(outputBuffers(port).map(({ output }) => output)) === JSON.stringify(tasks.map(({ output }) => output));
  const tasks = tasksOf(recipe);
  const ranked = tasks.filter((task) => rankedMetrics(task).length > 0);
  if (ports.purpose === "evaluate" && !isOf(ports.scores, ranked)) return "its scores are not those that the metrics are made of";
  if ("output" in ports && !isOf(ports.output, tasks)) return "its outputs are not those of the network";
  if (ports.purpose === "trace") {
    const names = new Set(parameters.map(({ name }) => name));
    const gradient = ports.gradients.find(({ parameter }) => !names.has(parameter));
    if (gradient !== undefined) return `there is no parameter ${gradient.parameter}`;
  }
  return undefined;
}
