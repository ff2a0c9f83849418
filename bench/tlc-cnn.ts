// Our side of the comparison: compiles bench/cnn.tlspec, fills the device with synthetic pictures, and times training steps; also
// kernel by kernel, for finding what to make faster.

import { soleStage } from "../test/support/stages.ts";
import { compileSpec } from "../src/compile.ts";
import type { Artifact } from "../src/ir/artifact.ts";
import type { Launch, Program } from "../src/ir/program.ts";
import type { Device, Session } from "../src/runtime/device.ts";
import { openDevice } from "../src/runtime/open-device.ts";

const BATCH = 64;
const CLASSES = 10;

export async function compileCnn(device: Device, batch = BATCH, precision = "f32"): Promise<Artifact> {
  const names = Array.from({ length: CLASSES }, (_, i) => String(i));
  const { artifact, diagnostics } = await compileSpec("bench/cnn.tlspec", {
    set: [`batch=${batch}`, `precision=${precision}`],
    target: device.info.kind,
    ...(device.limits && { limits: device.limits }),
    describeData: () =>
      Promise.resolve({
        inputs: [{ name: "image", dtype: "u8", shape: [3, 24, 24] }],
        label: { name: "label", dtype: "i32", shape: [] },
        classes: names,
      }),
  });
  if (!artifact) throw new Error(diagnostics.map((d) => d.message).join("\n"));
  return artifact;
}

function fill(session: Session, examples = 4 * BATCH): void {
  session.write(
    "train/image",
    Uint8Array.from({ length: examples * 3 * 24 * 24 }, (_, i) => (i * 7919) % 251),
  );
  session.write(
    "train/label",
    Int32Array.from({ length: examples }, (_, i) => i % CLASSES),
  );
  session.write(
    "train/order",
    Int32Array.from({ length: examples }, (_, i) => i),
  );
  session.write("train/count", Int32Array.of(examples));
  session.write("seed", Uint32Array.of(1));
}

export interface Measured {
  readonly stepsPerSecond: number;
  readonly msPerStep: number;
  /** Microseconds that the thread that enqueues a step was busy with it. */
  readonly hostUs: number;
  readonly loss: number;
  readonly compileMs: number;
  readonly loadMs: number;
}

export async function measureTlc(device: Device, { batch = BATCH, warmup = 4, steps = 10, precision = "f32" } = {}): Promise<Measured> {
  const start = performance.now();
  const artifact = await compileCnn(device, batch, precision);
  const compiled = performance.now();
  const session = await device.load(soleStage(artifact).program);
  fill(session, batch * Math.max(warmup, steps));
  session.run("init");
  session.run("train", warmup);
  await session.sync();
  const loaded = performance.now();
  session.write("train/cursor", Int32Array.of(0));
  session.run("train", steps);
  const enqueued = performance.now();
  const losses = (await session.read(["train/losses"])).get("train/losses");
  const seconds = (performance.now() - loaded) / 1000;
  session.dispose();
  return {
    stepsPerSecond: steps / seconds,
    msPerStep: (seconds * 1000) / steps,
    hostUs: (1000 * (enqueued - loaded)) / steps,
    loss: losses?.[steps - 1] ?? NaN,
    compileMs: compiled - start,
    loadMs: loaded - compiled,
  };
}

/** CPU milliseconds of every launch of an entry, slowest first: the best of several runs alone. On a software adapter, that is its work. */
export async function profile(
  device: Device,
  program: Program,
  entry: "train" | "eval" = "train",
): Promise<{ readonly kernel: string; readonly ms: number }[]> {
  const launches = program.entries[entry] ?? [];
  const results: { kernel: string; ms: number }[] = [];
  const session = await device.load(program);
  fill(session);
  session.run("init");
  session.run(entry, 2);
  await session.sync();
  session.dispose();
  for (const launch of launches) {
    const alone = await device.load(only(program, launch));
    fill(alone);
    alone.run("train", 2);
    await alone.sync();
    let ms = Infinity;
    for (let i = 0; i < 7; i++) {
      const start = process.cpuUsage();
      alone.run("train");
      await alone.sync();
      const { user, system } = process.cpuUsage(start);
      ms = Math.min(ms, (user + system) / 1000);
    }
    results.push({ kernel: nameOf(program, launch), ms });
    alone.dispose();
  }
  return results.sort((a, b) => b.ms - a.ms);
}

/** The program with this launch and its kernels only. */
function only(program: Program, launch: Launch): Program {
  const used = launch.kind === "loop" ? launch.body : [launch];
  const indices = [...new Set(used.map((l) => l.kernel))];
  const move = <L extends { readonly kernel: number }>(l: L): L => ({ ...l, kernel: indices.indexOf(l.kernel) });
  const kernels = indices.flatMap((i) => program.kernels[i] ?? []);
  return { ...program, kernels, entries: { train: [launch.kind === "loop" ? { ...launch, body: launch.body.map(move) } : move(launch)] } };
}

const nameOf = (program: Program, launch: Launch): string =>
  launch.kind === "loop" ? "loop" : (program.kernels[launch.kernel]?.name ?? "?");

if (process.argv[2] === "profile") {
  const device = await openDevice("webgpu");
  console.log(await measureTlc(device));
  const artifact = await compileCnn(device);
  for (const { kernel, ms } of await profile(device, soleStage(artifact).program)) console.log(ms.toFixed(2).padStart(8), kernel);
  device.dispose();
}
