// How long this process itself worked on something: others beside it take time, but none of its own.

/** Milliseconds; the work waits for nothing. What other threads of the process did meanwhile does not count, as no more time passed than that. */
export function ownTime(work: () => void): number {
  const [start, before] = [performance.now(), process.cpuUsage()];
  work();
  const { user, system } = process.cpuUsage(before);
  return Math.min(performance.now() - start, (user + system) / 1000);
}
