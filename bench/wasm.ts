// The wasm device by the figures of its design: a matrix product against what one thread's multiply-adds can do at most, and one thread
// against two. Best of several, one after the other in turn, since machines drift.

import { assemble } from "../src/codegen/wasm/assemble.ts";
import type { Device } from "../src/runtime/device.ts";
import { openDevice } from "../src/runtime/open-device.ts";
import { product } from "./workloads.ts";

const SIZE = 1024;
const ROUNDS = 12;

export const openWasm = (threads: number): Promise<Device> => openDevice("wasm", { threads });

/** GFLOP/s of multiply-adds on eight registers and nothing else. */
function registerLoop(): () => number {
  const sums = Array.from({ length: 8 }, (_, i) => `$c${String(i)}`);
  const step = sums.map((c) => `(local.set ${c} (f32x4.madd (local.get $x) (local.get ${c}) (local.get $y)))`).join(" ");
  const total = sums.map((c) => `(local.get ${c})`).reduce((x, y) => `(f32x4.add ${x} ${y})`);
  const text = `(module (import "env" "memory" (memory 1 65536 shared))
    (func $run (export "run") (param $n i32) (result f32) (local $x v128) (local $y v128) ${sums.map((c) => `(local ${c} v128)`).join(" ")}
      (local.set $x (f32x4.splat (f32.const 0.5))) (local.set $y (f32x4.splat (f32.const 0.001)))
      (loop $again ${Array<string>(4).fill(step).join(" ")} (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (f32x4.extract_lane 0 ${total})))`;
  const relaxed = assemble(text, { relaxed: true }) as BufferSource;
  const code = WebAssembly.validate(relaxed) ? relaxed : (assemble(text, { relaxed: false }) as BufferSource);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const run = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports["run"] as (n: number) => number;
  const count = 500_000;
  return () => {
    const start = performance.now();
    run(count);
    return (count * 4 * 8 * 8) / (performance.now() - start) / 1e6;
  };
}

export interface Products {
  readonly registers: number;
  readonly one: number;
  readonly two: number;
}

/** GFLOP/s. */
export async function measureProducts(): Promise<Products> {
  const devices = [await openWasm(1), await openWasm(2)] as const;
  const registers = registerLoop();
  const [one, two] = [await product(devices[0], SIZE), await product(devices[1], SIZE)];
  const best = { registers: 0, one: 0, two: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    best.registers = Math.max(best.registers, registers());
    best.one = Math.max(best.one, await one());
    best.two = Math.max(best.two, await two());
  }
  for (const device of devices) device.dispose();
  return best;
}
