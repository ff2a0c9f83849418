// What is said where weights do not fit a network: all of it at once, by scopes rather than by tensors, and with what to write instead.

import type { Note } from "../diagnostics.ts";
import { adapts, fits, matchWeights, type Clause, type Contract, type Misfit, type WantedTensor } from "../ir/weights/contract.ts";
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
  const hint = remedy(contract, { wanted, spare, network, file });
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
}

/** What to add to `weights`, ready to be written; nothing where these are plainly another network's weights. */
function remedy({ matches, misshapen, mistyped }: Contract, leftovers: Leftovers): string | undefined {
  const { wanted, spare, network, file } = leftovers;
  const renames = renamesBetween(leftovers);
  if (matches.size === 0 && renames.length === 0 && misshapen.length === 0) {
    const [first] = file.keys();
    return first === undefined ? undefined : `these are weights of another network: they begin with \`${first}\``;
  }
  const misfits = [...misshapen, ...mistyped];
  const adapted = misfits.filter((it) => adapts("repeat", it.got.shape, it.wanted));
  const others = misfits.filter((it) => !adapted.includes(it)).map(({ name }) => name);
  const again = groupNames(others, network.keys()).map(({ glob }) => glob);
  const alone = (groups: readonly NameGroup[]): string[] =>
    groups.filter((group) => !renames.some(({ from, to }) => from === group || to === group)).map(({ glob }) => glob);
  const clauses: readonly (readonly [word: string, texts: readonly string[]])[] = [
    ["drop", [...alone(spare), ...again]],
    ["new", [...alone(wanted), ...again]],
    ["rename", renames.map(({ from, to }) => `${from.glob} to ${to.glob}`)],
    ["adapt", adapted.map(({ name }) => `${name} with repeat`)],
  ];
  const used = clauses.filter(([, texts]) => texts.length > 0);
  if (used.length === 0 || used.flatMap(([, texts]) => texts).length > MOST_PATTERNS) return undefined;
  return `if that is meant, add to \`weights\`: \`${used.map(([word, texts]) => `${word} ${texts.join(", ")}`).join(" ")}\``;
}

/** Scopes that have the same tensors under another name. */
function renamesBetween({ wanted, spare, network, file }: Leftovers): readonly { readonly from: NameGroup; readonly to: NameGroup }[] {
  const taken = new Set<NameGroup>();
  return wanted.flatMap((to) => {
    const signature = signatureOf(to, network);
    const from = spare.find((group) => !taken.has(group) && isScope(group) === isScope(to) && signatureOf(group, file) === signature);
    if (from === undefined) return [];
    taken.add(from);
    return [{ from, to }];
  });
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
