// Orders tasks: producers first, and a value is replaced in place only after everyone has read the old one. Among what is ready,
// updates go first, since they end the life of a gradient.

import { InternalError } from "../ir/types.ts";
import { readsOf, writesOf, type Buffer, type Task } from "./lowered.ts";

export function schedule(tasks: readonly Task[]): Task[] {
  const reads = tasks.map(readsOf);
  const writes = tasks.map(writesOf);
  const indexBy = (sets: readonly Set<Buffer>[]): Map<Buffer, number[]> => {
    const index = new Map<Buffer, number[]>();
    sets.forEach((buffers, i) => buffers.forEach((buffer) => index.set(buffer, [...(index.get(buffer) ?? []), i])));
    return index;
  };
  const writers = indexBy(writes);
  const readers = indexBy(reads);

  const waitsFor = tasks.map((_, i) => {
    const before = new Set<number>();
    for (const buffer of reads[i] ?? []) writers.get(buffer)?.forEach((j) => before.add(j));
    for (const buffer of writes[i] ?? []) {
      if (buffer.replaces) readers.get(buffer.replaces)?.forEach((j) => before.add(j));
      // A scan's stack has two writers: the initial slot comes before the loop.
      writers.get(buffer)?.forEach((j) => j < i && before.add(j));
    }
    before.delete(i);
    return before;
  });

  const users = tasks.map((): number[] => []);
  waitsFor.forEach((before, i) => before.forEach((j) => users[j]?.push(i)));
  const missing = waitsFor.map((before) => before.size);
  const isUpdate = writes.map((buffers) => [...buffers].some((buffer) => buffer.replaces));
  const ready = missing.flatMap((count, i) => (count === 0 ? [i] : []));
  const order: Task[] = [];
  while (ready.length > 0) {
    const next = ready.find((i) => isUpdate[i]) ?? Math.min(...ready);
    ready.splice(ready.indexOf(next), 1);
    const task = tasks[next];
    if (task) order.push(task);
    for (const user of users[next] ?? []) {
      missing[user] = (missing[user] ?? 0) - 1;
      if (missing[user] === 0) ready.push(user);
    }
  }
  if (order.length !== tasks.length) throw new InternalError("kernels wait for each other in a circle");
  return order;
}
