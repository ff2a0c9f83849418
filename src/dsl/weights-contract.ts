// What is said where weights do not fit a network: all of it at once, by scopes rather than by tensors, and with what to write instead.

import type { Note } from "../diagnostics.ts";
import { adapts, fits, matchWeights, type Clause, type Contract, type Misfit, type WantedTensor } from "../ir/weights/contract.ts";
import { naturally } from "../ir/natural-order.ts";
import { groupNames, type NameGroup } from "../ir/weights/groups.ts";
import type { FileTensor } from "../ir/weights/plan.ts";
import type { Shape } from "../ir/types.ts";
import type * as Ast from "./ast.ts";
import type { Reporter } from "./evaluate.ts";
import type { PlannedWeights } from "./weights.ts";

/** Lines of each kind of fault; patterns of a remedy. */
const MOST_LINES = 8;
const MOST_PATTERNS = 12;

/** The contract, or undefined after a report. */
export function checkContract(
  { plan, setting }: PlannedWeights,
  parameters: readonly WantedTensor[],
  tensors: ReadonlyMap<string, FileTensor>,
  sink: Reporter,
): Contract | undefined {
  const contract = matchWeights(parameters, tensors, plan);
  if (fits(contract)) return contract;
  const source = setting.value.kind === "string" ? setting.value.value : plan.source;
  for (const clause of contract.idle) reportIdle(clause, setting, source, sink);
  const fault = describe(contract, parameters, tensors);
  if (fault.parts.length > 0)
    sink.report(
      "weights-do-not-fit",
      setting.value.span,
      { source, faults: fault.parts.join(", ") },
      { notes: fault.notes, hint: fault.hint },
    );
  return undefined;
}

function reportIdle({ word, index }: Clause, setting: Ast.SettingOf<"weights">, source: string, sink: Reporter): void {
  const globs: Record<Clause["word"], readonly Ast.Glob[] | undefined> = {
    drop: setting.drop,
    new: setting.new,
    rename: setting.rename?.map(({ from }) => from),
    adapt: setting.adapt?.map(({ target }) => target),
  };
  const glob = globs[word]?.[index];
  if (glob === undefined) return;
  const what = word === "drop" || word === "rename" ? "tensor" : "parameter of the network";
  sink.report("weights-pattern-idle", glob.span, { word, pattern: glob.pattern, source, what });
}

interface Description {
  readonly parts: readonly string[];
  readonly notes: readonly Note[];
  readonly hint?: string;
}

function describe(contract: Contract, parameters: readonly WantedTensor[], tensors: ReadonlyMap<string, FileTensor>): Description {
  const { missing, left, misshapen, mistyped, clashes, matches } = contract;
  const network = new Map(parameters.map(({ name, shape = [] }) => [name, shape]));
  const file = new Map(left.map(({ name, tensor }) => [name, tensors.get(tensor)?.shape ?? []]));
  const placed = [...matches.keys(), ...[...misshapen, ...mistyped].map(({ name }) => name)];
  const wanted = groupNames(missing, network.keys());
  const spare = groupNames([...file.keys()], [...file.keys(), ...placed]);
  const counted = (count: number, one: string, many: string): string[] => (count === 0 ? [] : [`${count} ${count === 1 ? one : many}`]);
  const parts = [
    ...counted(missing.length, "tensor is missing", "tensors are missing"),
    ...counted(left.length, "of its tensors has no place in it", "of its tensors have no place in it"),
    ...counted(misshapen.length, "tensor has another shape", "tensors have other shapes"),
    ...counted(mistyped.length, "tensor holds no numbers of f32", "tensors hold no numbers of f32"),
    ...counted(clashes.length, "tensor is there twice", "tensors are there twice"),
  ];
  const misfit = ({ name, wanted: shape, got }: Misfit): string =>
    `${name}: the file has ${typeText(got)}, the network ${typeText({ dtype: "F32", shape })}`;
  const groups = (list: readonly NameGroup[], shapes: ReadonlyMap<string, Shape>): string[] =>
    list.map((group) => groupText(group, shapes));
  const notes = [
    ...lines("missing", groups(wanted, network)),
    ...lines("without a place", groups(spare, file)),
    ...lines("of another shape", misshapen.map(misfit)),
    ...lines("of another dtype", mistyped.map(misfit)),
    ...lines(
      "twice",
      clashes.map(({ name, tensors: both }) => `${name}: ${both.join(" and ")}`),
    ),
  ].map((text) => ({ text }));
  const hint = remedy(contract, { wanted, spare, network, file, known: [...file.keys(), ...placed] });
  return { parts, notes, ...(hint !== undefined && { hint }) };
}

const lines = (what: string, texts: readonly string[]): string[] =>
  texts.length <= MOST_LINES
    ? texts.map((text) => `${what}: ${text}`)
    : [...texts.slice(0, MOST_LINES).map((text) => `${what}: ${text}`), `${what}: … and ${texts.length - MOST_LINES} more`];

const typeText = ({ dtype, shape }: FileTensor): string => `${dtype.toLowerCase()}[${shape.join(", ")}]`;

function groupText({ glob, names }: NameGroup, shapes: ReadonlyMap<string, Shape>): string {
  if (glob === "**") return `all ${names.length} tensors`;
  return names.length > 1 ? `${glob}: ${names.length} tensors` : `${glob} [${shapes.get(glob)?.join(", ") ?? ""}]`;
}

/** What is missing and what is left over, by scopes, and the shapes of both by name. */
interface Leftovers {
  readonly wanted: readonly NameGroup[];
  readonly spare: readonly NameGroup[];
  readonly network: ReadonlyMap<string, Shape>;
  readonly file: ReadonlyMap<string, Shape>;
  /** All names of the file. */
  readonly known: readonly string[];
}

/** What to add to `weights`, ready to be written; nothing where these are plainly another network's weights. */
function remedy({ matches, misshapen, mistyped }: Contract, leftovers: Leftovers): string | undefined {
  const { wanted, spare, network, file, known } = leftovers;
  const scopes = renamesBetween(leftovers);
  const rest = (groups: readonly NameGroup[], taken: readonly NameGroup[]): readonly string[] =>
    groups.filter((group) => !taken.includes(group)).flatMap(({ names }) => names);
  const [lacked, spared] = [rest(wanted, fieldsOf(scopes, "to")), rest(spare, fieldsOf(scopes, "from"))];
  const layers = renamesOfLayers({ names: lacked, shapes: network }, { names: spared, shapes: file });
  // A guess that fits little explains nothing.
  const explained = layers.reduce((sum, { to }) => sum + to.names.length, 0);
  const renames = matches.size > 0 || 2 * explained >= lacked.length ? [...scopes, ...layers] : scopes;
  if (matches.size === 0 && renames.length === 0 && misshapen.length === 0) {
    const [first] = file.keys();
    return first === undefined ? undefined : `these are weights of another network: they begin with \`${first}\``;
  }
  const misfits = [...misshapen, ...mistyped];
  const adapted = misfits.filter((it) => adapts("repeat", it.got.shape, it.wanted));
  const others = misfits.filter((it) => !adapted.includes(it)).map(({ name }) => name);
  const again = groupNames(others, network.keys()).map(({ glob }) => glob);
  const alone = (names: readonly string[], end: keyof Renamed, all: Iterable<string>): string[] => {
    const renamed = new Set(fieldsOf(renames, end).flatMap((group) => group.names));
    return groupNames(
      names.filter((name) => !renamed.has(name)),
      all,
    ).map(({ glob }) => glob);
  };
  const clauses: readonly (readonly [word: string, texts: readonly string[]])[] = [
    ["drop", [...alone(spared, "from", known), ...again]],
    ["new", [...alone(lacked, "to", network.keys()), ...again]],
    ["rename", renames.map(({ from, to }) => `${from.glob} to ${to.glob}`)],
    ["adapt", adapted.map(({ name }) => `${name} with repeat`)],
  ];
  const used = clauses.filter(([, texts]) => texts.length > 0);
  if (used.length === 0 || used.flatMap(([, texts]) => texts).length > MOST_PATTERNS) return undefined;
  return `if that is meant, add to \`weights\`: \`${used.map(([word, texts]) => `${word} ${texts.join(", ")}`).join(" ")}\``;
}

interface Renamed {
  readonly from: NameGroup;
  readonly to: NameGroup;
}

const fieldsOf = (renames: readonly Renamed[], end: keyof Renamed): readonly NameGroup[] => renames.map((it) => it[end]);

/** Scopes that have the same tensors under another name. */
function renamesBetween({ wanted, spare, network, file }: Leftovers): readonly Renamed[] {
  const taken = new Set<NameGroup>();
  return wanted.flatMap((to) => {
    const signature = signatureOf(to, network);
    const from = spare.find((group) => !taken.has(group) && isScope(group) === isScope(to) && signatureOf(group, file) === signature);
    if (from === undefined) return [];
    taken.add(from);
    return [{ from, to }];
  });
}

interface NamedShapes {
  readonly names: readonly string[];
  readonly shapes: ReadonlyMap<string, Shape>;
}

/**
 * Layers with the same tensors, where it is plain which is which: one of its kind on both sides; or as many, which the file numbers, as
 * `nn.Sequential` does, and the network has in that order. Where it is not plain of one kind nothing is said: the rest would be dropped.
 */
function renamesOfLayers(network: NamedShapes, file: NamedShapes): readonly Renamed[] {
  const spare = layersByKind(file);
  const renames: Renamed[] = [];
  for (const [kind, to] of layersByKind(network)) {
    const from = (spare.get(kind) ?? []).toSorted((a, b) => naturally(a.glob, b.glob));
    if (from.length !== to.length) continue;
    if (new Set(from.map(({ glob }) => glob.replaceAll(/\d+/g, "0"))).size > 1) return [];
    renames.push(...to.flatMap((group, i) => (from[i] ? [{ from: from[i], to: group }] : [])));
  }
  return renames;
}

/** What lies directly in one scope is a layer. */
function layersByKind({ names, shapes }: NamedShapes): ReadonlyMap<string, readonly NameGroup[]> {
  const layers = grouped(names, (name) => (name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : name));
  const groups = [...layers].map(([scope, all]): NameGroup => ({ glob: all.length > 1 ? `${scope}.**` : (all[0] ?? ""), names: all }));
  return grouped(groups, (group) => signatureOf(group, shapes));
}

function grouped<T>(values: readonly T[], keyOf: (value: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return groups;
}

const isScope = ({ glob }: NameGroup): boolean => glob.endsWith("**");

/** Names below the scope with their shapes; of a single tensor, that in its scope. */
function signatureOf({ glob, names }: NameGroup, shapes: ReadonlyMap<string, Shape>): string {
  const scope = glob.endsWith("**") ? glob.length - 2 : glob.lastIndexOf(".") + 1;
  return names
    .map((name) => `${name.slice(scope)} ${shapes.get(name)?.join(" ") ?? ""}`)
    .sort()
    .join("\n");
}
