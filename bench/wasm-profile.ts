// Where a training step's time goes on the wasm device: each launch of the step alone, some runs of it in turn, beside what it computes
// and moves. A launch alone finds its operands in the cache more often than it does within a step.

import { wasmTarget } from "../src/codegen/wasm/target.ts";
import type { Kernel } from "../src/ir/loop/kernel.ts";
import type { KernelLaunch, Launch, Program } from "../src/ir/program.ts";
import { flopsOf } from "../src/passes/report.ts";
import { trafficOf } from "../src/passes/traffic.ts";
import type { Device, Session } from "../src/runtime/device.ts";
import { openSteps } from "./transfer.ts";
import { openWasm } from "./wasm.ts";
import { openLstm } from "./workloads.ts";

/** A launch, or all launches of one kernel. */
interface Cost {
  readonly name: string;
  /** Launches in a step. */
  readonly times: number;
  readonly ms: number;
  readonly flops: number;
  readonly bytes: number;
  readonly shape: string;
}

const entryOf = (i: number): string => `launch ${String(i)}`;

/** Kernels as they were before they were compiled, by name. */
const sources = new Map<string, Kernel>();

/** Has the target remember what it compiles from now on. */
function remember(): void {
  const compile = wasmTarget.compileKernel.bind(wasmTarget);
  wasmTarget.compileKernel = (kernel) => {
    sources.set(kernel.name, kernel);
    return compile(kernel);
  };
}

/** The program with an entry more for each launch of its training step. */
function apart(program: Program): Program {
  const launches = program.entries["train"] ?? [];
  return { ...program, entries: { ...program.entries, ...Object.fromEntries(launches.map((launch, i) => [entryOf(i), [launch]])) } };
}

const innerOf = (launch: Launch): readonly KernelLaunch[] => (launch.kind === "loop" ? launch.body : [launch]);

const shapeOf = ({ axes, stages }: Kernel): string => {
  const all = [...axes, ...stages.flatMap((stage) => (stage.kind === "contract" ? [stage.k] : stage.axes))];
  return all.map(({ name, extent }) => `${name} ${String(extent)}`).join(", ");
};

/** Goes back to the first batch: behind the last one a step trains on nothing, and on no numbers after that. */
const rewind = (session: Session): void => session.write("train/cursor", Int32Array.of(0));

/** Milliseconds of all processors: of one thread, what it would take alone on a machine. */
async function busy(session: Session, run: () => void): Promise<number> {
  const start = process.cpuUsage();
  run();
  await session.sync();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** Of a session of such a program in which a step has run: milliseconds of each launch, the least of several rounds. */
async function measureLaunches(session: Session, program: Program, rounds = 3, times = 2): Promise<Cost[]> {
  const launches = program.entries["train"] ?? [];
  const best = launches.map(() => Infinity);
  for (let round = 0; round < rounds; round++) {
    for (const i of launches.keys()) {
      rewind(session);
      session.run(entryOf(i));
      await session.sync();
      best[i] = Math.min(best[i] ?? Infinity, (await busy(session, () => session.run(entryOf(i), times))) / times);
    }
  }
  const costs = new Map<string, Cost>();
  launches.forEach((launch, i) => {
    const count = launch.kind === "loop" ? launch.count : 1;
    const names = innerOf(launch).map(({ kernel }) => program.kernels[kernel]?.name ?? "?");
    const kernels = names.flatMap((name) => sources.get(name) ?? []);
    const name = (launch.kind === "loop" ? `loop ${String(count)}: ` : "") + names.join(" + ");
    const old = costs.get(name);
    costs.set(name, {
      name,
      times: (old?.times ?? 0) + 1,
      ms: (old?.ms ?? 0) + (best[i] ?? 0),
      flops: (old?.flops ?? 0) + count * kernels.reduce((sum, kernel) => sum + flopsOf(kernel), 0),
      bytes: (old?.bytes ?? 0) + count * kernels.reduce((sum, kernel) => sum + trafficOf(kernel).read + trafficOf(kernel).written, 0),
      shape: kernels.map(shapeOf).join(" | "),
    });
  });
  return [...costs.values()].sort((x, y) => y.ms - x.ms);
}

function print(device: Device, workload: string, costs: readonly Cost[], step: number): void {
  const total = costs.reduce((sum, { ms }) => sum + ms, 0);
  console.log(`${workload} on ${device.info.description}: a step ${step.toFixed(1)} ms, its launches alone ${total.toFixed(1)} ms`);
  console.log("      ms     %  times   GFLOP/s    GB/s  kernel: axes");
  for (const { name, times, ms, flops, bytes, shape } of costs) {
    const columns = [ms.toFixed(2).padStart(8), ((100 * ms) / total).toFixed(1).padStart(5), String(times).padStart(6)];
    const rates = [(flops / ms / 1e6).toFixed(1).padStart(9), (bytes / ms / 1e6).toFixed(1).padStart(7)];
    console.log(`${[...columns, ...rates].join(" ")}  ${name}: ${shape}`);
  }
}

const openWork = async (device: Device, name: string): Promise<{ readonly session: Session; readonly program: Program }> => {
  if (name === "lstm50") return openLstm(device, { hidden: 50, time: 60 }, 1, apart);
  if (name === "lstm512") return openLstm(device, { hidden: 512, time: 100 }, 1, apart);
  const { loaded } = await openSteps(device, name, { size: name === "resnet18" ? 64 : 32, steps: 1, change: apart });
  return { session: loaded.session, program: loaded.stage.program };
};

export async function profileAll(names: readonly string[], threads: number): Promise<void> {
  const device = await openWasm(threads);
  remember();
  for (const name of names) {
    const { session, program } = await openWork(device, name);
    let step = Infinity;
    for (let round = 0; round < 5; round++) {
      rewind(session);
      step = Math.min(step, await busy(session, () => session.run("train")));
    }
    print(device, name, await measureLaunches(session, program), step);
    session.dispose();
  }
  device.dispose();
}
