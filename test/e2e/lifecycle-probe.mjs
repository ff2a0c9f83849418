// Opens, trains, predicts and disposes again and again, in a process of its own: node --expose-gc lifecycle-probe.mjs SPEC DEVICE devices|networks|sessions
// COUNT. `devices` are opened and disposed of, `networks` have one each, `sessions` share one device.
// Prints how many threads the process has and how much memory, after a quarter of the rounds and after all.

import { once } from "node:events";
import { readdirSync } from "node:fs";
import { compileSpec, Network, openDevice, predictSplit, splitFromArrays, train } from "../../dist/index.js";

// Threads that collect their garbage when they are told to, not when they come to it.
const workerThreads = process.getBuiltinModule("node:worker_threads");
const { Worker } = workerThreads;
const ends = [];
workerThreads.Worker = function () {
  const worker = new Worker(new URL("collecting-worker.mjs", import.meta.url));
  ends.push(once(worker, "exit"));
  return worker;
};

const [file, name, what, count] = process.argv.slice(2);
const dataInfo = {
  inputs: [{ name: "point", dtype: "f32", shape: [2] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["left", "right"],
};
const labels = Int32Array.from({ length: 32 }, (_, i) => i % 2);
const data = splitFromArrays(dataInfo, { point: Float32Array.from({ length: 64 }, (_, i) => Math.sin(i)), label: labels });
const { artifact } = await compileSpec(file, { target: name, describeData: () => Promise.resolve(dataInfo) });

/** What an application does with a device that it has. */
async function use(device) {
  const network = await Network.open(artifact, device);
  for await (const event of train(network, { train: data })) if (event.event === "step" && !Number.isFinite(event.loss)) throw event;
  await predictSplit(network.loaded, data);
  network.dispose();
}

async function sample() {
  // What is garbage is none of our growth.
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const threads = readdirSync("/proc/self/task").length;
  return { threads, megabytes: Math.round(process.memoryUsage().rss / 1e6) };
}

/** Once nothing falls any more: threads that have been told to end take their time. */
async function measured() {
  for (let before = await sample(); ;) {
    const now = await sample();
    if (now.threads >= before.threads && now.megabytes >= before.megabytes) return now;
    before = now;
  }
}

const kept = what === "sessions" ? await openDevice(name, { threads: 2 }) : undefined;
const results = [];
for (let round = 1; round <= Number(count); round++) {
  const device = kept ?? (await openDevice(name, { threads: 2 }));
  if (what !== "devices") await use(device);
  if (device !== kept) {
    device.dispose();
    // They end one after another, however busy the machine is: what many at a time leave behind in the system's heap is no growth of ours.
    await Promise.all(ends.splice(0));
  }
  if (round === Math.floor(Number(count) / 4) || round === Number(count)) results.push(await measured());
}
kept?.dispose();
console.log(JSON.stringify(results));
