// From the names in a file of weights to those of a network: what wrappers put in front, what the recipe renames, how old files spell a norm's
// parameters, and a model's own name in front of its parts, which some files have and others leave out.

import { captures } from "../glob.ts";
import type { Rename } from "./plan.ts";

/** DataParallel, `torch.compile` and Lightning put them before every name. */
const WRAPPERS = ["module.", "_orig_mod.", "model."];

/** Counters and tables of positions, which PyTorch saves and nothing here reads. */
const UNREAD = ["num_batches_tracked", "position_ids"];

const OLD_SPELLINGS: ReadonlyMap<string, string> = new Map([
  ["gamma", "weight"],
  ["beta", "bias"],
]);

const lastOf = (name: string): string => name.slice(name.lastIndexOf(".") + 1);
const firstOf = (name: string): string => name.slice(0, Math.max(0, name.indexOf(".")));

export interface NamesInNetwork {
  /** By the name in the file; what is not read is left out. */
  readonly names: ReadonlyMap<string, string>;
  /** Renames that no name met. */
  readonly idle: readonly Rename[];
}

/** @param parameters names of the network */
export function namesInNetwork(tensors: Iterable<string>, parameters: ReadonlySet<string>, renames: readonly Rename[]): NamesInNetwork {
  const read = [...tensors].filter((name) => parameters.has(name) || !UNREAD.includes(lastOf(name)));
  const bare = withoutWrappers(read, parameters);
  const met = new Set<Rename>();
  const renamed = bare.map((name) => {
    for (const rename of renames) {
      const found = captures(rename.from, name);
      if (found === undefined) continue;
      met.add(rename);
      return substitute(rename.to, found);
    }
    return name;
  });
  const spelt = renamed.map((name) => respelt(name, parameters));
  const placed = inScope(spelt, parameters);
  return { names: new Map(read.map((name, i) => [name, placed[i] ?? name])), idle: renames.filter((rename) => !met.has(rename)) };
}

function withoutWrappers(names: readonly string[], parameters: ReadonlySet<string>): readonly string[] {
  for (const wrapper of WRAPPERS) {
    const isWrapped = names.length > 0 && names.every((name) => name.startsWith(wrapper));
    if (isWrapped && ![...parameters].some((name) => name.startsWith(wrapper)))
      return withoutWrappers(
        names.map((name) => name.slice(wrapper.length)),
        parameters,
      );
  }
  return names;
}

/** `rest` is what of the name lies below the pattern. */
function substitute(to: string, { wildcards, rest }: { readonly wildcards: readonly string[]; readonly rest: string }): string {
  let next = 0;
  const segments = to.split(".").map((segment) => segment.replaceAll(/\*\*?/g, () => wildcards[next++] ?? ""));
  return [...segments, rest].filter((segment) => segment !== "").join(".");
}

function respelt(name: string, parameters: ReadonlySet<string>): string {
  const now = OLD_SPELLINGS.get(lastOf(name));
  const candidate = now === undefined ? name : `${name.slice(0, name.length - lastOf(name).length)}${now}`;
  return !parameters.has(name) && parameters.has(candidate) ? candidate : name;
}

/**
 * Names with the scope that all of the network's have and the file's do not, such as `bert.`, or without one that only the file's have. Only
 * where most of the network is found so, and only for what is: a guess that fits little explains nothing.
 */
function inScope(names: readonly string[], parameters: ReadonlySet<string>): readonly string[] {
  const known = new Set(names);
  const missing = [...parameters].filter((name) => !known.has(name));
  const enough = parameters.size / 2;
  const scopesOf = (all: Iterable<string>): Set<string> => new Set([...all].map(firstOf).filter((scope) => scope !== ""));
  for (const scope of scopesOf(missing)) {
    if (names.some((name) => firstOf(name) === scope)) continue;
    const added = names.map((name) => (parameters.has(`${scope}.${name}`) && !parameters.has(name) ? `${scope}.${name}` : name));
    if (countIn(added, parameters) >= enough) return added;
  }
  for (const scope of scopesOf(names)) {
    if ([...parameters].some((name) => firstOf(name) === scope)) continue;
    const cut = names.map((name) => {
      const rest = name.slice(scope.length + 1);
      return firstOf(name) === scope && parameters.has(rest) && !known.has(rest) ? rest : name;
    });
    if (countIn(cut, parameters) >= enough && cut.some((name, i) => name !== names[i])) return cut;
  }
  return names;
}

const countIn = (names: readonly string[], parameters: ReadonlySet<string>): number => names.filter((name) => parameters.has(name)).length;
