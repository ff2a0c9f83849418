// How values find their groups, one after the other: into the group that computes what a value reads, if it reads that at its own points;
// else into a group of as many points nearby, since every launch costs; else into one of its own.

import { countBuffers, type Memory } from "../ir/fusion/buffers.ts";
import { storedAs, type StoredFormat } from "../ir/formats.ts";
import { bodyOf } from "../ir/graph.ts";
import type { Node } from "../ir/node.ts";
import { hasEqualParts, isRows, type Domain, type FusionPlan, type Group, type Member } from "../ir/fusion/plan.ts";
import { allAtOnePoint, pointsOf, readsBelow, rowOf, type Read, type Runs } from "../ir/fusion/relation.ts";
import { at } from "../ir/ops/define.ts";
import { InternalError, isByte, sizeOf, type DType } from "../ir/types.ts";
import { candidateOf, type Candidate } from "./candidate.ts";
import { DEEPEST, isSplit, type InlineOptions, type Units } from "./inline.ts";
import { isInRow, isOwnPoint, runsBy, usesOf, type Own, type Use } from "./own-reads.ts";
import { isOfStrips, stripsOfProduct, type StripOptions, type Strips } from "./strips.ts";

export interface FuseOptions extends InlineOptions, StripOptions {
  /** Whether the kernels run once for every step of a loop. */
  readonly isInLoop?: boolean;
  /** False: every value that has a kernel has its own. */
  readonly isFusing?: boolean;
  /** Floats of fewer bits that memory can hold. */
  readonly stores?: readonly StoredFormat[];
}

// Elements of a row that one workgroup can go over several times from its caches.
const LONGEST_ROW = 1 << 14;
// Elements of all that one workgroup does besides, at a single point.
const SMALL = 4096;
const SMALL_START = 1024;
// Elements whose passes through memory take longer than a launch.
const LARGE = 1 << 16;
// How many groups back a value may find company that it has nothing to do with.
const WINDOW = 48;

interface Draft {
  readonly id: number;
  kind: Group["kind"];
  readonly points: number;
  readonly isOpen: boolean;
  readonly members: Member[];
  readonly memberOf: Map<Node, Member>;
  /** The members' nodes, and how many nodes follow each other on the way to each in the group. */
  readonly nodes: Map<Node, number>;
  /** Buffers read that the group does not compute itself. */
  readonly loads: Set<Node>;
  /** Who reads what, and whether at the very element that it makes. */
  readonly uses: Use[];
  /** A product in two kernels: what the second reads, which sums the parts that the first made. */
  readonly ofSecond?: Set<Node>;
  /** Strips of its points that its kernel can sum, and whether it does. */
  readonly strips?: Strips;
  hasStrips: boolean;
  readonly after: Set<Draft | Node>;
  readonly users: Set<Draft>;
  /** Places in the graph's order: of its first and last value, and of the last that must be there before it runs. */
  first: number;
  last: number;
  latest: number;
}

export class Grouping {
  readonly #units: Units;
  readonly #options: FuseOptions;
  readonly #roots: ReadonlySet<Node>;
  readonly #memory: Memory;
  readonly #stored: ReadonlySet<Node>;
  readonly #position: ReadonlyMap<Node, number>;
  readonly #drafts: Draft[] = [];
  /** Those of one point. */
  readonly #little: Draft[] = [];
  readonly #draftOf = new Map<Node, Draft>();

  constructor(units: Units, options: FuseOptions, roots: ReadonlySet<Node>, memory: Memory) {
    this.#units = units;
    this.#options = options;
    this.#roots = roots;
    this.#memory = memory;
    this.#stored = new Set(units.units.map(({ node }) => node));
    this.#position = new Map(units.order.map((node, i) => [node, i]));
  }

  plan(): FusionPlan {
    const candidates = this.#units.units.map((unit) => candidateOf(unit, this.#isStored, this.#joinsParts));
    const read = new Set(candidates.flatMap(({ allReads }) => allReads.map(({ node }) => node)));
    // Counters come last: they go where nobody looks at what they were any more.
    const counters = new Set(candidates.filter((unit) => this.#isCounter(unit) && !read.has(unit.node)));
    for (const unit of candidates) if (!counters.has(unit)) this.#place(unit, this.#hosts(unit));
    for (const unit of counters) this.#place(unit, this.#hostsOfCounter(unit));
    const outputs = this.#outputs();
    const groups = this.#drafts.map((draft): Group => {
      const { id, kind, points, members, uses, nodes, strips, hasStrips } = draft;
      const overwrites = this.#overwritten(loopsOf(draft, kind), uses, nodes.keys());
      const strip = hasStrips && strips ? { strip: strips.length } : {};
      return {
        id,
        kind,
        points,
        ...strip,
        members,
        overwrites,
        outputs: new Set(members.map((m) => m.node).filter((node) => outputs.has(node))),
      };
    });
    const groupOf = new Map([...this.#draftOf].map(([node, draft]) => [node, at(groups, draft.id)]));
    const steps = this.#inOrder().map((step) => (isDraft(step) ? at(groups, step.id) : step));
    const storageOf = (node: Node): DType => storedAs(node, this.#options.stores);
    return { order: this.#units.order, lowering: this.#units.lowering, groupOf, steps, storageOf };
  }

  #isSpecial(node: Node): boolean {
    return this.#units.lowering(node).kind === "special";
  }

  readonly #isStored = (node: Node): boolean => this.#stored.has(node) || this.#isSpecial(node);

  /** Whether a value's parts are computed each at the same points. Little things gather at one point. */
  readonly #joinsParts = (node: Node): boolean =>
    hasEqualParts(node) && this.#options.isFusing !== false && !this.#isSmall(sizeOf(node.type.shape));

  /** The next value of a little state, which is made of the old one alone. */
  #isCounter({ node, core, points, reads }: Candidate): boolean {
    const old = this.#memory.replaces.get(node);
    return old !== undefined && core === undefined && points === 1 && reads.every((read) => read.node === old);
  }

  #place(unit: Candidate, hosts: readonly Draft[]): void {
    const producers = this.#producers(unit);
    for (const draft of hosts) {
      const domain = this.#domainIn(draft, unit);
      if (domain === undefined || !this.#fits(draft, unit, domain) || this.#closesCircle(draft, producers)) continue;
      this.#join(draft, unit, domain, producers);
      return;
    }
    const place = this.#position.get(unit.node) ?? 0;
    const isSmall = unit.core === undefined && unit.isParts !== true && this.#isSmall(unit.points);
    const kind = unit.core === undefined ? "map" : this.#units.lowering(unit.core).kind === "contract" ? "contract" : "rows";
    const strips = unit.core && unit.isOpen && stripsOfProduct(unit.core, this.#units.lowering(unit.core), this.#options);
    const draft: Draft = {
      id: this.#drafts.length,
      kind,
      points: isSmall ? 1 : unit.points,
      isOpen: unit.isOpen,
      members: [],
      memberOf: new Map(),
      nodes: new Map(),
      loads: new Set(),
      uses: [],
      ...(unit.core && isSplit(this.#units.lowering(unit.core), this.#options) && { ofSecond: new Set<Node>() }),
      ...(strips && { strips }),
      hasStrips: false,
      after: new Set(),
      users: new Set(),
      first: place,
      last: place,
      latest: place,
    };
    this.#drafts.push(draft);
    if (draft.points === 1) this.#little.push(draft);
    this.#join(draft, unit, isSmall ? allAtOnePoint(unit.points) : ownDomain(unit), producers);
  }

  /** Little things gather at one point, whatever their sizes. */
  #isSmall(size: number): boolean {
    return this.#options.isFusing !== false && this.#options.isInLoop !== true && size > 1 && size <= SMALL_START;
  }

  /** What must run before the unit. An input of the graph waits for nothing. */
  #producers(unit: Candidate): Set<Draft | Node> {
    const made = unit.allReads.filter(({ node }) => node.inputs.length > 0 || this.#draftOf.has(node));
    return new Set(made.map(({ node }) => this.#stepOf(node)));
  }

  /** Groups that neither read the old value nor come before one that does: there it would have to be copied. */
  #hostsOfCounter(unit: Candidate): Draft[] {
    if (this.#options.isFusing === false) return [];
    const olds = unit.allReads.map(({ node }) => node);
    const readers = new Set(this.#drafts.filter((draft) => olds.some((old) => draft.loads.has(old))));
    return this.#drafts.filter((draft) => this.#isCompany(draft, unit) && !readers.has(draft) && !this.#closesCircle(draft, readers));
  }

  /** Groups that the unit may join, the best first: those whose values it reads, then near ones of its size. */
  #hosts(unit: Candidate): Draft[] {
    if (this.#options.isFusing === false) return [];
    const producers = this.#producers(unit);
    const reads = new Map<Draft, number>();
    for (const { node } of unit.allReads) {
      const draft = this.#draftOf.get(node);
      if (draft && sizeOf(node.type.shape) > 1) reads.set(draft, (reads.get(draft) ?? 0) + 1);
    }
    const own = [...producers].filter(isDraft).sort((x, y) => (reads.get(y) ?? 0) - (reads.get(x) ?? 0) || y.last - x.last);
    const isNear = (draft: Draft): boolean => !producers.has(draft) && this.#isCompany(draft, unit);
    // At one point the earliest first, so that what waits for a value of this may still find company.
    const others = this.#drafts.slice(-WINDOW).filter((draft) => draft.points > 1 && isNear(draft));
    return [...own, ...this.#little.filter(isNear), ...others.reverse()];
  }

  /** Whether a unit that reads nothing of a group gains from running in the same launch. */
  #isCompany(draft: Draft, unit: Candidate): boolean {
    if (!draft.isOpen || draft.kind === "contract") return false;
    const elements = unit.runs ? unit.points * rowOf(unit.runs) : unit.points;
    if (draft.points === 1 && elements <= SMALL) return unit.core === undefined || unit.points === 1;
    if (draft.points !== unit.points) return false;
    if (unit.core !== undefined) return draft.kind === "rows" && this.#sharesLoad(draft, unit);
    return (draft.kind === "map" && elements <= LARGE) || this.#sharesLoad(draft, unit);
  }

  #sharesLoad(draft: Draft, unit: Candidate): boolean {
    const strips = new Set<Draft | undefined>([...draft.loads].flatMap((node) => this.#stripsOf(node) ?? []));
    const isShared = (node: Node): boolean => draft.loads.has(node) || strips.has(this.#stripsOf(node));
    return unit.allReads.some(({ node }) => sizeOf(node.type.shape) > 1 && isShared(node));
  }

  /** Where the unit's elements would be computed, if it reads of the group's values only what is there then. */
  #domainIn(draft: Draft, unit: Candidate): Domain | undefined {
    if (!draft.isOpen || !unit.isOpen) return undefined;
    // Not every target can store bytes but from a kernel that does nothing else.
    if (isByte(unit.node.type.dtype) && unit.points > SMALL && draft.kind !== "map") return undefined;
    const inGroup = (reads: readonly Read[]): Own[] => {
      const own: Own[] = [];
      for (const { node, relation } of reads) {
        const member = draft.memberOf.get(node);
        if (member) own.push({ member, relation });
      }
      return own;
    };
    const [epilogue, operands] = [inGroup(unit.reads), inGroup(unit.operandReads)];
    if (draft.strips && isOfStrips(draft.strips, unit, epilogue, operands)) return "strips";
    const arePoints = epilogue.every(({ member, relation }) => member.domain === "points" && isOwnPoint(member, relation));
    if (unit.core !== undefined) {
      const { runs } = unit;
      if (!runs || draft.kind === "contract" || unit.points !== draft.points || !arePoints) return undefined;
      if (draft.kind === "map" && draft.points > 1) return undefined;
      const isAligned = operands.every(({ member, relation }) => isInRow(member, relation, runs));
      return isAligned ? "points" : undefined;
    }
    if (unit.points === draft.points && arePoints) return ownDomain(unit);
    if (unit.isParts) return undefined;
    if (draft.kind !== "rows" && draft.points > 1) return undefined;
    return this.#rowsIn(draft, unit, epilogue);
  }

  /** A value with a row of elements for every point of the group. */
  #rowsIn(draft: Draft, unit: Candidate, reads: readonly Own[]): Runs | undefined {
    const row = unit.points / draft.points;
    if (!Number.isInteger(row) || row > (draft.points === 1 ? SMALL : LONGEST_ROW)) return undefined;
    const runs = draft.points === 1 ? allAtOnePoint(unit.points) : reads.map(runsBy).find((it) => it !== undefined);
    if (runs === undefined || pointsOf(runs) !== draft.points || rowOf(runs) !== row) return undefined;
    return reads.every(({ member, relation }) => isInRow(member, relation, runs)) ? runs : undefined;
  }

  #depthIn(draft: Draft, unit: Candidate): number {
    return this.#units.depthOf(unit.node) + Math.max(0, ...unit.allReads.map(({ node }) => draft.nodes.get(node) ?? 0));
  }

  /** Whether the group's kernel would still have few enough buffers, and no expression that is too long. */
  #fits(draft: Draft, unit: Candidate, domain: Domain): boolean {
    if (this.#depthIn(draft, unit) > DEEPEST) return false;
    const most = this.#options.maxBuffers - Number(draft.ofSecond !== undefined);
    // At most each has a buffer of its own.
    if ((draft.ofSecond ?? draft.loads).size + draft.nodes.size + unit.allReads.length + 1 <= most) return true;
    const reads = unit.allReads.map(({ node }) => node);
    const isBesideOthers = domain === "strips" && draft.hasStrips;
    const touched = [...(draft.ofSecond ?? draft.loads), ...draft.nodes.keys(), ...reads, ...(isBesideOthers ? [] : [unit.node])];
    const kind = draft.kind === "map" && (unit.core !== undefined || isRows(domain)) ? "rows" : draft.kind;
    const replaces = this.#overwritten(loopsOf(draft, kind), [...draft.uses, ...usesOf(unit)], [...draft.nodes.keys(), unit.node]);
    return countBuffers(touched, { packOf: this.#packOf, replaces }) <= most;
  }

  /** The product that a node is summed with, strip by strip. What one stores of these lies in one buffer. */
  #stripsOf(node: Node): Draft | undefined {
    const draft = this.#draftOf.get(node);
    return draft?.hasStrips && draft.memberOf.get(node)?.domain === "strips" ? draft : undefined;
  }

  readonly #packOf = (node: Node): string | undefined => {
    const draft = this.#stripsOf(node);
    return draft ? `strips of ${draft.id}` : this.#memory.packOf(node);
  };

  /** For new values of states that can surely be written over the old ones, those. */
  #overwritten(kind: Group["kind"], uses: readonly Use[], nodes: Iterable<Node>): Map<Node, Node> {
    const overwritten = new Map<Node, Node>();
    for (const next of nodes) {
      const old = this.#memory.replaces.get(next);
      if (!old) continue;
      const readers = uses.filter(({ read }) => read === old);
      // Where a kernel has one loop, all of it is done with an element before the next; where it has several, nobody else may look.
      const isAlone = kind !== "rows" || (readers.every(({ reader }) => reader === next) && !uses.some(({ read }) => read === next));
      if (isAlone && readers.every(({ isOwn }) => isOwn)) overwritten.set(next, old);
    }
    return overwritten;
  }

  /** Whether something between them would have to run both before and after the group. */
  #closesCircle(draft: Draft, producers: ReadonlySet<Draft | Node>): boolean {
    const seen = new Set<Draft | Node>();
    const reaches = (step: Draft | Node): boolean => {
      if (step === draft) return true;
      if (seen.has(step)) return false;
      seen.add(step);
      // What waits for nothing that is made as late as the group's first value does not wait for the group.
      if (isDraft(step) && step.latest < draft.first) return false;
      return [...this.#before(step)].some(reaches);
    };
    return [...producers].some((producer) => producer !== draft && reaches(producer));
  }

  #before(step: Draft | Node): Iterable<Draft | Node> {
    if (isDraft(step)) return step.after;
    // A scan, or a result of it, waits for all that its operands are made of.
    const steps = new Set<Draft | Node>();
    for (const input of step.inputs) for (const { node } of readsBelow(input, "same", this.#isStored)) steps.add(this.#stepOf(node));
    return steps;
  }

  readonly #stepOf = (node: Node): Draft | Node => this.#draftOf.get(node) ?? node;

  #join(draft: Draft, unit: Candidate, domain: Domain, producers: ReadonlySet<Draft | Node>): void {
    const { node, core } = unit;
    draft.nodes.set(node, this.#depthIn(draft, unit));
    const member: Member = { node, ...(core && { core }), domain };
    draft.members.push(member);
    if (domain === "strips") draft.hasStrips = true;
    draft.memberOf.set(node, member);
    draft.uses.push(...usesOf(unit));
    this.#draftOf.set(node, draft);
    if (draft.kind === "map" && (core !== undefined || isRows(domain))) draft.kind = "rows";
    for (const read of unit.allReads) if (!draft.nodes.has(read.node)) draft.loads.add(read.node);
    for (const read of unit.reads) draft.ofSecond?.add(read.node);
    const place = this.#position.get(node) ?? 0;
    draft.first = Math.min(draft.first, place);
    draft.last = Math.max(draft.last, place);
    raise(draft, place);
    for (const producer of producers) {
      if (producer === draft) continue;
      draft.after.add(producer);
      for (const before of this.#draftsOf(producer)) {
        before.users.add(draft);
        raise(draft, before.latest);
      }
    }
  }

  /** The group itself; for a scan or a result of it, the groups that it waits for. */
  #draftsOf(step: Draft | Node): Draft[] {
    return isDraft(step) ? [step] : [...this.#before(step)].flatMap((before) => this.#draftsOf(before));
  }

  /** Values that somebody outside their group reads. */
  #outputs(): Set<Node> {
    const outputs = new Set(this.#roots);
    for (const draft of this.#drafts) for (const node of draft.loads) outputs.add(node);
    for (const node of this.#units.order) {
      if (!bodyOf(node)) continue;
      for (const input of node.inputs) for (const { node: read } of readsBelow(input, "same", this.#isStored)) outputs.add(read);
    }
    return outputs;
  }

  /** Groups and scans, each after what it reads; otherwise as the graph has them. */
  #inOrder(): (Draft | Node)[] {
    const scans = this.#units.order.filter((node) => bodyOf(node));
    const placeOf = (step: Draft | Node): number => (isDraft(step) ? step.last : (this.#position.get(step) ?? 0));
    const all = [...this.#drafts, ...scans].sort((x, y) => placeOf(x) - placeOf(y));
    const steps: (Draft | Node)[] = [];
    const state = new Map<Draft | Node, "open" | "done">();
    const visit = (step: Draft | Node): void => {
      if (state.get(step) === "done") return;
      if (state.get(step) === "open") throw new InternalError("groups wait for each other in a circle");
      state.set(step, "open");
      for (const before of this.#before(step)) visit(before);
      state.set(step, "done");
      if (isDraft(step) || bodyOf(step)) steps.push(step);
    };
    all.forEach(visit);
    return steps;
  }
}

/** A product that sums strips goes over its points several times. */
const loopsOf = ({ hasStrips }: Draft, kind: Group["kind"]): Group["kind"] => (hasStrips ? "rows" : kind);

const ownDomain = ({ isParts }: Candidate): Domain => (isParts ? "parts" : "points");

const isDraft = (step: Draft | Node): step is Draft => "members" in step;

function raise(draft: Draft, latest: number): void {
  if (latest <= draft.latest) return;
  draft.latest = latest;
  for (const user of draft.users) raise(user, latest);
}
