// A network that somebody else trained and published, on real pictures: it answers as PyTorch does with it. Needs dist/ and the data beside the
// checkout; skips with the reason where one is absent.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { afterAll, describe, expect, it } from "vitest";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { serveFolder } from "./browser-server.ts";
import { CHROMIUM, CHROMIUM_FLAGS } from "./chromium.ts";

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

/** Three pictures of each class. */
function few(): string {
  for (const name of readdirSync(PICTURES)) {
    mkdirSync(join(work, name));
    const files = readdirSync(join(PICTURES, name)).sort().slice(0, 3);
    for (const file of files) copyFileSync(join(PICTURES, name, file), join(work, name, file));
  }
  return work;
}

interface Score {
  readonly accuracy: number;
  readonly loss: number;
  readonly examples: number;
}

function tlc(verb: string, pictures: string, ...more: readonly string[]): string {
  const set = [`weights="${WEIGHTS}"`, `data.train="${pictures}"`, `data.test="${pictures}"`].flatMap((text) => ["--set", text]);
  const command = [resolve("dist/cli/main.js"), verb, resolve("specs/examples/resnet20.tlspec"), ...more, ...set];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: "utf8" });
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

const evaluate = (device: string, pictures: string): Score =>
  JSON.parse(tlc("eval", pictures, "-d", device, "--json").trim().split("\n").at(-1) ?? "{}") as Score;

/** What of a compiled folder the test below calls, in Node and in a page. */
interface Compiled {
  create(options: { device: "wasm" }): Promise<{
    load(weights: Uint8Array): Promise<void>;
    predict(pictures: readonly Uint8Array[]): Promise<readonly { readonly label: string; readonly probability: number }[]>;
    dispose(): void;
  }>;
}

async function answers(compiled: Compiled, weights: Uint8Array, pictures: readonly Uint8Array[]): Promise<[string, number][]> {
  const model = await compiled.create({ device: "wasm" });
  await model.load(weights);
  const found = await model.predict(pictures);
  model.dispose();
  return found.map(({ label, probability }) => [label, probability]);
}

/** The same in a page, which has nothing but the folder and the bytes of the pictures. */
async function answersInPage(folder: string, pictures: readonly Uint8Array[]): Promise<[string, number][]> {
  const [browser, server] = await Promise.all([chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS }), serveFolder(folder)]);
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}/complete.json`);
    const script = `import * as compiled from "/published.mjs"; globalThis.answersOf = (${answers.toString()}).bind(null, compiled);`;
    await page.addScriptTag({ type: "module", content: script });
    await page.waitForFunction(() => "answersOf" in globalThis);
    return await page.evaluate(
      async (files) => {
        const weights = new Uint8Array(await (await fetch("/weights.safetensors")).arrayBuffer());
        const page = globalThis as unknown as {
          answersOf(weights: Uint8Array, pictures: readonly Uint8Array[]): Promise<[string, number][]>;
        };
        return page.answersOf(
          weights,
          files.map((file) => Uint8Array.from(file)),
        );
      },
      pictures.map((file) => [...file]),
    );
  } finally {
    await Promise.all([browser.close(), server.close()]);
  }
}

describe.skipIf(missing !== undefined)(`ResNet-20 for CIFAR-10, from a file of PyTorch${reason}`, () => {
  it("scores on 1000 pictures what it scores there", () => {
    const { accuracy, loss, examples } = evaluate("wasm", PICTURES);
    expect(examples).toBe(1000);
    expect(accuracy).toBeCloseTo(OF_PYTORCH.accuracy, 6);
    expect(loss).toBeCloseTo(OF_PYTORCH.loss, 3);
  });

  it(`scores the same on ${devices.join(", ")}`, () => {
    const pictures = few();
    const scores = devices.map((device) => evaluate(device, pictures));
    for (const { examples, accuracy, loss } of scores) {
      expect(examples).toBe(30);
      expect(accuracy).toBe(scores[0]?.accuracy);
      expect(loss).toBeCloseTo(scores[0]?.loss ?? NaN, 5);
    }
  });

  it("answers in an application as on the command line, in Node and in a page", async () => {
    // Inside the checkout: from there the module finds the package sharp, as in an application that has it.
    mkdirSync(".cache", { recursive: true });
    const folder = resolve(mkdtempSync(".cache/published-"));
    tlc("compile", PICTURES, "--target", "wasm", "-o", folder);
    const pictures = readdirSync(PICTURES).map((name) => `${name}/0007.jpg`);
    const lines = tlc("predict", PICTURES, ...pictures.map((file) => join(PICTURES, file)), "-d", "wasm", "--json");
    const expected = lines
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly event: string; readonly label: string; readonly probability: number })
      .filter(({ event }) => event === "prediction")
      .map(({ label, probability }) => [label, expect.closeTo(probability, 5) as number]);
    expect(expected).toHaveLength(10);

    const compiled = (await import(pathToFileURL(join(folder, "published.mjs")).href)) as Compiled;
    const bytes = pictures.map((file) => new Uint8Array(readFileSync(join(PICTURES, file))));
    expect(await answers(compiled, readFileSync(join(folder, "weights.safetensors")), bytes)).toEqual(expected);
    if (existsSync(CHROMIUM)) expect(await answersInPage(folder, bytes)).toEqual(expected);
    rmSync(folder, { recursive: true });
  });
});
