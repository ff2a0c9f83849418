// Orders tasks: what must run before stands before, and of all orders that were tried the one that needs the least memory at its peak is
// taken: as the graph has them, and greedily by what each task frees and takes.

import { at } from "../ir/ops/define.ts";
import { InternalError } from "../ir/types.ts";
import type { Placed } from "./in-place.ts";
import { callsOf, type Buffer, type Task } from "./lowered.ts";
import { bytesOf, peakOf } from "./plan-memory.ts";

/** Ready tasks looked at for the next place: more would take long where thousands are ready. */
const CHOICES = 64;

/** @param isFree whether any order but that of the graph may be tried */
export function schedule({ tasks, before }: Placed, isFree = true): Task[] {
  const orders = (isFree ? [inGivenOrder, byMemory] : [inGivenOrder]).map((choose) => list(tasks, before, choose(tasks)));
  return orders.reduce((x, y) => (peakOf(y) < peakOf(x) ? y : x));
}

interface Choice {
  /** Picks one of the ready tasks, which are in the order given. */
  readonly next: (ready: readonly number[]) => number;
  readonly done: (task: number) => void;
}

const inGivenOrder = (): Choice => ({ next: (ready) => at(ready, 0), done: () => undefined });

/** The task after which least is alive: what it writes first is taken, what it reads last is freed. */
function byMemory(tasks: readonly Task[]): Choice {
  const buffersOf = tasks.map((task) => [...new Set(callsOf(task).flatMap((call) => call.buffers))].filter(({ role }) => role === "temp"));
  const users = new Map<Buffer, number>();
  for (const buffers of buffersOf) for (const buffer of buffers) users.set(buffer, (users.get(buffer) ?? 0) + 1);
  const taken = new Set<Buffer>();
  const growth = (task: number): number =>
    (buffersOf[task] ?? []).reduce(
      (sum, buffer) => sum + (taken.has(buffer) ? 0 : bytesOf(buffer)) - (users.get(buffer) === 1 ? bytesOf(buffer) : 0),
      0,
    );
  return {
    next: (ready) => {
      const choices = ready.slice(0, CHOICES).map((task) => ({ task, by: growth(task) }));
      return choices.reduce((x, y) => (y.by < x.by || (y.by === x.by && y.task < x.task) ? y : x)).task;
    },
    done: (task) => {
      for (const buffer of buffersOf[task] ?? []) {
        taken.add(buffer);
        users.set(buffer, (users.get(buffer) ?? 0) - 1);
      }
    },
  };
}

function list(tasks: readonly Task[], before: readonly ReadonlySet<number>[], choice: Choice): Task[] {
  const after = tasks.map((): number[] => []);
  before.forEach((set, i) => set.forEach((j) => after[j]?.push(i)));
  const missing = before.map((set) => set.size);
  const ready = missing.flatMap((count, i) => (count === 0 ? [i] : []));
  const order: Task[] = [];
  while (ready.length > 0) {
    const next = choice.next(ready);
    ready.splice(ready.indexOf(next), 1);
    const task = tasks[next];
    if (task) order.push(task);
    choice.done(next);
    for (const user of after[next] ?? []) {
      missing[user] = (missing[user] ?? 0) - 1;
      if (missing[user] === 0) insert(ready, user);
    }
  }
  if (order.length !== tasks.length) throw new InternalError("kernels wait for each other in a circle");
  return order;
}

/** Keeps a list of places in order. */
function insert(sorted: number[], value: number): void {
  const index = sorted.findIndex((other) => other > value);
  sorted.splice(index < 0 ? sorted.length : index, 0, value);
}
