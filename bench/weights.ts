// What bench/weights.mjs measures: files with the tensors of ResNet-50, and the way from such a file to the arrays that a device takes.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { elaborate, loadSpec, planRecipe } from "../src/dsl/index.ts";
import { createBuilder } from "../src/ir/builder.ts";
import { openWeights } from "../src/runtime/weights/open.ts";
import { writeSafetensors, type Tensor } from "../src/runtime/weights/safetensors.ts";
import { toHostArray } from "../src/runtime/weights/tensor-values.ts";
import { P, pickle, torchLegacy, torchZip } from "../test/support/torch-files.ts";

const SPEC = `import { resnet50 } from "tlc:zoo/resnet"
recipe main {
  network resnet50
  loss cross_entropy
  optimizer sgd(lr: 0.1)
}
`;

/** By the network's names. */
function tensors(): ReadonlyMap<string, Tensor> {
  const spec = loadSpec("main.tlspec", SPEC, {
    zoo: "specs/zoo",
    readFile: (path) => readFileSync(path, "utf8"),
    parseJson: () => undefined,
  });
  const planned = planRecipe(spec);
  const model = planned && elaborate(spec, planned, { builder: createBuilder(), batch: 1 });
  if (model === undefined) throw new Error("the zoo has no resnet50 any more");
  return new Map(
    model.parameters.map(({ name, state }, n) => {
      const size = state.type.shape.reduce((product, extent) => product * extent, 1);
      return [name, { dtype: "F32", shape: state.type.shape, data: new Uint8Array(new Float32Array(size).fill(n / 512).buffer) }];
    }),
  );
}

export interface Written {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  /** Seconds. */
  readonly most: number;
}

export function write(folder: string): readonly Written[] {
  const all = [...tensors()];
  const elements = (tensor: Tensor): number => tensor.data.length / 4;
  const stridesOf = (shape: readonly number[]): number[] => shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const root = pickle(
    P.dict(
      ...all.map(([name, tensor], i) => {
        const storage = P.storage("FloatStorage", String(i), P.int(elements(tensor)));
        return [name, P.tensor(storage, P.int(0), tensor.shape.map(P.int), stridesOf(tensor.shape).map(P.int))] as const;
      }),
    ),
  );
  const files: readonly (readonly [name: string, file: string, content: Uint8Array, most: number])[] = [
    ["safetensors", "a.safetensors", writeSafetensors(new Map(all)), 1],
    ["PyTorch, zip", "b.pth", torchZip(root, Object.fromEntries(all.map(([, { data }], i) => [String(i), data]))), 2],
    [
      "PyTorch, before 1.6",
      "c.pth",
      torchLegacy(
        root,
        all.map(([, tensor], i) => [String(i), elements(tensor), tensor.data]),
      ),
      2,
    ],
  ];
  return files.map(([name, file, content, most]) => {
    const path = join(folder, file);
    writeFileSync(path, content);
    return { name, file: path, bytes: content.length, most };
  });
}

/** Everything of a file, kept. Memory is what the process has at its peak beyond what it had before. */
export async function load(path: string): Promise<{ readonly ms: number; readonly peakBytes: number }> {
  const before = process.memoryUsage.rss();
  const start = performance.now();
  const source = await openWeights(path);
  const arrays = new Map<string, unknown>();
  let peak = before;
  for (const name of source.tensors.keys()) {
    arrays.set(name, toHostArray(name, await source.read(name), "f32"));
    // Not what the system calls the largest: that begins with what the parent had.
    peak = Math.max(peak, process.memoryUsage.rss());
  }
  await source.close();
  const ms = performance.now() - start;
  return { ms, peakBytes: peak - before };
}
