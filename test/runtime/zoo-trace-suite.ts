// Small networks of the zoo on a device: output, loss and gradients against what PyTorch wrote to test/fixtures/zoo. What made that is
// scripts/make-zoo-traces.py; weights, pictures and texts are made of their names, there and here.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { sizeOf, type Shape } from "../../src/ir/types.ts";
import { writeSafetensors, type Tensor } from "../../src/runtime/weights/safetensors.ts";
import { fromHostArray, toFloat32 } from "../../src/runtime/weights/tensor-values.ts";
import { elaborated } from "../support/elaborated.ts";
import { traced, tensorsOf, type TraceDevice, type Tensors } from "../support/trace.ts";
import { relativeError } from "../support/values.ts";
import { specOfZoo, ZOO, ZOO_FIXTURES, type ZooNetwork } from "../support/zoo.ts";
import { only } from "../support/one-output.ts";
import type { TraceOptions } from "./trace-suite.ts";

const [BATCH, CLASSES, SAMPLES] = [4, 5, 16];

/** Numbers in [-1, 1) that look random, from a name: a hash of the place, by a seed that is the name's CRC-32. */
function numbers(name: string, count: number): Float64Array {
  const seed = crc32(name);
  return new Float64Array(count).map((_, i) => {
    let x = (Math.imul(i, 0x9e3779b9) + seed) | 0;
    for (let round = 0; round < 2; round++) x = Math.imul(x ^ (x >>> 16), 0x045d9f3b);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 31 - 1;
  });
}

function begin(name: string, shape: Shape): Float64Array {
  const u = numbers(name, sizeOf(shape));
  if (name.endsWith("running_mean")) return u.fill(0);
  if (name.endsWith("running_var")) return u.fill(1);
  if (name.endsWith("layer_scale")) return u.map((v) => 0.5 + 0.3 * v);
  if (shape.length > 1) return u.map((v) => v * Math.sqrt(6 / sizeOf(shape.slice(1))));
  // Branches that are small beside their shortcuts: with large ones PyTorch's own gradients in f32 are off by a hundredth.
  if (/(bn3|conv\.[23])\.weight$/.test(name)) return u.map((v) => 0.3 + 0.1 * v);
  // Before relu6, whose two kinks are 6 apart.
  if (/(conv\.[01]|features\.18)\.1\.bias$/.test(name)) return u.map((v) => 3 + 2 * v);
  return name.endsWith("weight") ? u.map((v) => 1 + 0.5 * v) : u;
}

const f32 = (values: Float64Array, shape: Shape): Tensor => fromHostArray(Float32Array.from(values), "f32", shape);

/** Pictures, or words, of which each text has one less than the text before it, in two parts. */
function inputsOf({ size, picture, words }: ZooNetwork): readonly (readonly [string, Tensor])[] {
  if (words === undefined) {
    const shape = [BATCH, 3, size, size];
    return [["batch/image", f32(numbers(picture ?? "", sizeOf(shape)), shape)]];
  }
  const of = (name: string, value: (place: number, text: number, i: number) => number): readonly [string, Tensor] => {
    const values = Int32Array.from({ length: BATCH * size }, (_, i) => value(i % size, Math.floor(i / size), i));
    return [`batch/${name}`, fromHostArray(values, "i32", [BATCH, size])];
  };
  const drawn = numbers("words", BATCH * size);
  return [
    of("input_ids", (_place, _text, i) => Math.floor((((drawn[i] ?? 0) + 1) / 2) * words)),
    of("attention_mask", (place, text) => Number(place < size - text)),
    of("token_type_ids", (place) => Number(place >= size / 2)),
  ];
}

/** Up to so many elements, equally far apart. */
function sampled(values: Float32Array): number[] {
  const step = Math.ceil(values.length / SAMPLES);
  return [...values].filter((_, i) => i % step === 0);
}

function found(tensors: Tensors, name: string): Tensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`no tensor ${name}`);
  return tensor;
}

const norm = (values: Iterable<number>): number => Math.sqrt([...values].reduce((sum, v) => sum + v * v, 0));

/** For devices that are slow here: one that interprets, and a GPU's software driver. `ZOO=all` has them compute the whole zoo. */
const ONE_OF_EACH_KIND: readonly string[] = [
  "resnet20",
  "resnet18",
  "resnext50_32x4d",
  "vgg11_bn",
  "densenet121",
  "mobilenet_v2",
  "mobilenet_v3_small",
  "efficientnet_b0",
  "convnext_tiny",
  "squeezenet1_1",
  "unet",
  "bert_classifier",
];

/** A software driver compiles hundreds of pipelines for one of them. */
const TIMEOUT_MS = 300_000;

const isWhole = (device: TraceDevice): boolean => device === "wasm" || process.env["ZOO"] === "all";

/** @param options as of `traceSuite` */
export function zooTraceSuite(device: TraceDevice, options: TraceOptions = {}): void {
  const names = options.names ?? (isWhole(device) ? Object.keys(ZOO) : ONE_OF_EACH_KIND);
  const work = mkdtempSync(join(tmpdir(), "tlc-zoo-"));
  afterAll(() => rmSync(work, { recursive: true, force: true }));
  const all = tensorsOf(join(ZOO_FIXTURES, "traces.safetensors"));

  describe(`networks of the zoo on ${device} are PyTorch's`, () => {
    it.each(names)(
      "%s",
      async (name) => {
        const network = ZOO[name];
        if (!network) throw new Error(`no network ${name}`);
        const file = (kind: string): string => join(work, `${name}.${kind}`);
        const spec = specOfZoo(network.file, network.small, network.file === "unet" ? "mse" : "cross_entropy");
        const { parameters, outputs } = elaborated(spec, BATCH, { time: network.size });
        const output = only(outputs);
        const weights = parameters.map(
          ({ name: weight, state }) => [`weight/${weight}`, f32(begin(weight, state.type.shape), state.type.shape)] as const,
        );
        const label = Int32Array.from({ length: BATCH }, (_, i) => i % CLASSES);
        const given = new Map<string, Tensor>([
          ...weights,
          ...inputsOf(network),
          [
            "batch/label",
            network.file === "unet"
              ? f32(numbers("label", sizeOf(output.type.shape)), output.type.shape)
              : fromHostArray(label, "i32", [BATCH]),
          ],
        ]);
        writeFileSync(file("tlspec"), spec);
        writeFileSync(file("in.safetensors"), writeSafetensors(given));
        const actual = await traced(file("tlspec"), file("in.safetensors"), 1, device, file("out.safetensors"), options.openDevice);

        const own = (tensor: string): Float32Array => toFloat32(tensor, found(actual, tensor));
        const wanted = (tensor: string): Float32Array => toFloat32(tensor, found(all, `${name}/${tensor}`));
        for (const tensor of ["output", "loss"]) expect(relativeError(own(tensor), wanted(tensor)), tensor).toBeLessThan(1e-4);
        const [norms, samples] = [wanted("norms"), wanted("samples")];
        const gradients = [...actual.keys()].filter((key) => key.startsWith("grad/")).sort();
        expect(gradients.length).toBe(norms.length);
        const largest = Math.max(...norms);
        let offset = 0;
        for (const [i, gradient] of gradients.entries()) {
          const values = own(gradient);
          const picked = sampled(values);
          const expected = samples.subarray(offset, (offset += picked.length));
          const whole = norms[i] ?? NaN;
          // A bias in front of a normalization has no gradient but for rounding.
          if (whole < 1e-9 * largest) {
            expect(norm(values), gradient).toBeLessThan(1e-4 * largest);
            continue;
          }
          // A few elements that happen to be small say little: of an even gradient they would have their share of the norm.
          const share = Math.max(norm(expected), whole * Math.sqrt(picked.length / values.length));
          expect(norm(picked.map((v, k) => v - (expected[k] ?? NaN))) / share, gradient).toBeLessThan(1e-4);
          expect(Math.abs(norm(values) - whole) / whole, `norm of ${gradient}`).toBeLessThan(1e-4);
        }
        expect(offset).toBe(samples.length);
      },
      TIMEOUT_MS,
    );
  });
}
