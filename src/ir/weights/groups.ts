// Sets of names as a person writes them: `layer3.**` where all that lies there is meant, and not twelve lines.

export interface NameGroup {
  /** A glob that covers these names and no others. */
  readonly glob: string;
  readonly names: readonly string[];
}

interface Branch {
  readonly names: string[];
  /** Of all names there are, how many lie here. */
  total: number;
  readonly children: Map<string, Branch>;
}

const newBranch = (): Branch => ({ names: [], total: 0, children: new Map() });

/** @param all the names among which `chosen` are */
export function groupNames(chosen: readonly string[], all: Iterable<string>): readonly NameGroup[] {
  const root = newBranch();
  const wanted = new Set(chosen);
  for (const name of all) {
    let branch = root;
    for (const segment of ["", ...name.split(".")]) {
      if (segment !== "") {
        const next = branch.children.get(segment) ?? newBranch();
        branch.children.set(segment, next);
        branch = next;
      }
      branch.total++;
      if (wanted.has(name)) branch.names.push(name);
    }
  }
  const groups: NameGroup[] = [];
  const visit = (branch: Branch, path: string): void => {
    if (branch.names.length === 0) return;
    const [only = ""] = branch.names;
    if (branch.names.length === 1) groups.push({ glob: only, names: [only] });
    else if (branch.names.length === branch.total && (path !== "" || branch.children.size > 1))
      groups.push({ glob: path === "" ? "**" : `${path}.**`, names: branch.names });
    else for (const [segment, child] of branch.children) visit(child, path === "" ? segment : `${path}.${segment}`);
  };
  visit(root, "");
  return groups;
}
