// A network that somebody else trained and published, on real pictures: it answers as PyTorch does with it. Needs dist/ and the data beside the
// checkout; skips with the reason where one is absent.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

const SHARED = resolve("../shared");
const WEIGHTS = resolve(SHARED, "data/pretrained/cifar10-resnet20-12fca82f.th");
const PICTURES = resolve(SHARED, "data/cifar10/test");

/**
 * What PyTorch 2.13 and Pillow make of the same file and pictures: 804 of 1000. The network's published 91.7 % are of the pictures before they
 * were compressed to JPEG.
 */
const OF_PYTORCH = { accuracy: 0.804, loss: 0.822 };

describe("ResNet-20 for CIFAR-10, from a file of PyTorch", () => {
  const missing = [WEIGHTS, PICTURES].find((path) => !existsSync(path));
  it.skipIf(missing !== undefined)(
    `scores on 1000 pictures what it scores there${missing === undefined ? "" : ` (there is no ${missing})`}`,
    () => {
      const set = [`weights="${WEIGHTS}"`, `data.train="${PICTURES}"`, `data.test="${PICTURES}"`].flatMap((text) => ["--set", text]);
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [resolve("dist/cli/main.js"), "eval", resolve("specs/examples/resnet20.tlspec"), "-d", "wasm", "--json", ...set],
        { encoding: "utf8" },
      );
      expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
      const { accuracy, loss, examples } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Record<string, number>;
      expect(examples).toBe(1000);
      expect(accuracy).toBeCloseTo(OF_PYTORCH.accuracy, 6);
      expect(loss).toBeCloseTo(OF_PYTORCH.loss, 3);
    },
    60_000,
  );
});
