// A network that somebody else trained and published, on real pictures: it answers as PyTorch does with it. Needs dist/ and the data beside the
// checkout; skips with the reason where one is absent.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";

const SHARED = resolve("../shared");
const WEIGHTS = resolve(SHARED, "data/pretrained/cifar10-resnet20-12fca82f.th");
const PICTURES = resolve(SHARED, "data/cifar10/test");

/**
 * What PyTorch 2.13 and Pillow make of the same file and pictures: 804 of 1000. The network's published 91.7 % are of the pictures before they
 * were compressed to JPEG.
 */
const OF_PYTORCH = { accuracy: 0.804, loss: 0.822 };

const missing = [WEIGHTS, PICTURES].find((path) => !existsSync(path));
const reason = missing === undefined ? "" : ` (there is no ${missing})`;

const devices = ["wasm", "reference", ...((await findAdapter()) === undefined ? [] : ["webgpu"])];

const work = mkdtempSync(join(tmpdir(), "tlc-published-"));
afterAll(() => rmSync(work, { recursive: true }));

/** Ten pictures of each class. */
function few(): string {
  for (const name of readdirSync(PICTURES)) {
    mkdirSync(join(work, name));
    const files = readdirSync(join(PICTURES, name)).sort().slice(0, 10);
    for (const file of files) copyFileSync(join(PICTURES, name, file), join(work, name, file));
  }
  return work;
}

interface Score {
  readonly accuracy: number;
  readonly loss: number;
  readonly examples: number;
}

function evaluate(device: string, pictures: string): Score {
  const set = [`weights="${WEIGHTS}"`, `data.train="${pictures}"`, `data.test="${pictures}"`].flatMap((text) => ["--set", text]);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [resolve("dist/cli/main.js"), "eval", resolve("specs/examples/resnet20.tlspec"), "-d", device, "--json", ...set],
    { encoding: "utf8" },
  );
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Score;
}

describe.skipIf(missing !== undefined)(`ResNet-20 for CIFAR-10, from a file of PyTorch${reason}`, () => {
  it("scores on 1000 pictures what it scores there", () => {
    const { accuracy, loss, examples } = evaluate("wasm", PICTURES);
    expect(examples).toBe(1000);
    expect(accuracy).toBeCloseTo(OF_PYTORCH.accuracy, 6);
    expect(loss).toBeCloseTo(OF_PYTORCH.loss, 3);
  }, 60_000);

  it(`scores the same on ${devices.join(", ")}`, () => {
    const pictures = few();
    const scores = devices.map((device) => evaluate(device, pictures));
    for (const { examples, accuracy, loss } of scores) {
      expect(examples).toBe(100);
      expect(accuracy).toBe(scores[0]?.accuracy);
      expect(loss).toBeCloseTo(scores[0]?.loss ?? NaN, 5);
    }
  }, 300_000);
});
