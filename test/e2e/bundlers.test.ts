// A compiled folder in an application that is bundled: by Vite, webpack, Rollup and esbuild as they are, and the page run in Chromium. What
// the page trains to is what the folder itself trains to in Node.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { build as esbuild } from "esbuild";
import { chromium, type Browser } from "playwright-core";
import { rollup } from "@rollup/wasm-node";
import { build as vite, createLogger } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import webpack from "webpack";
import { emit, compileSpec } from "../../src/compile.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import { describeData } from "../../src/runtime/data/index.ts";
import { serveFolder } from "./browser-server.ts";
import { CHROMIUM, CHROMIUM_FLAGS } from "./chromium.ts";

const SPEC = `network net(classes) {
  input point: f32[2]
  fc1: linear(8) -> tanh
  fc2: linear(classes)
}
dataset points {
  train table("points.csv", point: point, label: side)
}
recipe points {
  network net(classes: points.classes)
  data points
  loss cross_entropy
  batch 16
  optimizer sgd(lr: 0.5)
  epochs 3
  seed 2
}
`;

/** The application: it trains, and leaves what happened for whoever asks. */
const APP = `import { create } from "./model/points.mjs";

const inputs = { point: Float32Array.from({ length: 128 }, (_, i) => Math.sin(i * i)) };
const labels = Array.from({ length: 64 }, (_, i) => (inputs.point[2 * i] * inputs.point[2 * i + 1] > 0 ? 1 : 0));
async function run() {
  const model = await create({ device: new URLSearchParams(globalThis.location?.search).get("device") ?? "auto" });
  const losses = [];
  for await (const event of model.train({ train: { inputs, labels } })) if (event.event === "step") losses.push(event.loss);
  const [answer] = await model.predict([[0.5, 0.5]]);
  const device = model.device.kind;
  model.dispose();
  return { losses, probability: answer.probability, device };
}
globalThis.outcome = run();
`;

/** Marks of a kernel's text, and of the code that runs it. */
const WGSL = "@compute";
const WEBGPU = "GPUShaderStage";

interface Outcome {
  readonly losses: readonly number[];
  readonly probability: number;
  readonly device: string;
}

/** Each bundles `app.mjs` of a folder into \`out/\`, and returns what it complained about. */
const BUNDLERS: Readonly<Record<string, (folder: string) => Promise<string[]>>> = {
  async vite(root) {
    const complaints: string[] = [];
    const note = (message: string): number => complaints.push(message);
    const customLogger = { ...createLogger("silent"), warn: note, warnOnce: note, error: note };
    await vite({ root, configFile: false, customLogger, build: { outDir: "out" } });
    return complaints;
  },
  webpack: (context) =>
    new Promise((done, fail) => {
      const output = { path: join(context, "out"), filename: "app.js" };
      webpack({ context, entry: "./app.mjs", mode: "production", output }, (error, stats) => {
        if (error) return fail(error);
        const { errors = [], warnings = [] } = stats?.toJson({ all: false, errors: true, warnings: true }) ?? {};
        page(context, '<script src="app.js"></script>');
        done([...errors, ...warnings].map(({ message }) => message));
      });
    }),
  async rollup(folder) {
    const complaints: string[] = [];
    const bundle = await rollup({ input: join(folder, "app.mjs"), onLog: (_, { message }) => void complaints.push(message) });
    await bundle.write({ dir: join(folder, "out"), format: "es" });
    page(folder, '<script type="module" src="app.js"></script>');
    return complaints;
  },
  async esbuild(folder) {
    const { warnings } = await esbuild({
      entryPoints: [join(folder, "app.mjs")],
      bundle: true,
      outfile: join(folder, "out/app.js"),
      logLevel: "silent",
    });
    page(folder, '<script src="app.js"></script>');
    // A script of the old kind does not know where it lies; the runtime does not rely on it.
    return warnings.filter(({ id }) => id !== "empty-import-meta").map(({ text }) => text);
  },
};

const HTML = (script: string): string => `<!doctype html><meta charset="utf-8"><title>app</title>${script}`;
const page = (folder: string, script: string): void => {
  mkdirSync(join(folder, "out"), { recursive: true });
  writeFileSync(join(folder, "out/index.html"), HTML(script));
};

async function application(...targets: readonly string[]): Promise<string> {
  mkdirSync(".cache", { recursive: true });
  const folder = resolve(mkdtempSync(".cache/bundled-"));
  const rows = Array.from({ length: 32 }, (_, i) => `${Math.cos(i + 1)} ${Math.sin(i + 1)},${i % 2 ? "left" : "right"}`);
  writeFileSync(join(folder, "points.csv"), `point,side\n${rows.join("\n")}\n`);
  writeFileSync(join(folder, "points.tlspec"), SPEC);
  const compileFor = async (target: string): Promise<Artifact> => {
    const { artifact, diagnostics } = await compileSpec(join(folder, "points.tlspec"), {
      target,
      describeData: (plan, labels) => describeData(plan, labels),
    });
    if (!artifact) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
    return artifact;
  };
  for (const [name, content] of await emit(...(await Promise.all(targets.map(compileFor))))) {
    mkdirSync(dirname(join(folder, "model", name)), { recursive: true });
    writeFileSync(join(folder, "model", name), content);
  }
  writeFileSync(join(folder, "app.mjs"), APP);
  writeFileSync(join(folder, "index.html"), HTML('<script type="module" src="app.mjs"></script>'));
  return folder;
}

const browser: Browser | string = existsSync(CHROMIUM)
  ? await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS })
  : `no ${CHROMIUM} (npm run setup -- --browser brings one)`;
if (typeof browser !== "string") afterAll(() => browser.close());

interface PageOptions {
  /** What follows the page's address. */
  readonly query?: string;
  /** As in a browser from before WebGPU. */
  readonly withoutGpu?: boolean;
}

/** Opens a bundled page and waits for what the application leaves; `loaded` is the text of all that the page asked for. */
async function runPage(
  chrome: Browser,
  folder: string,
  { query = "", withoutGpu = false }: PageOptions = {},
): Promise<Outcome & { readonly loaded: string }> {
  const server = await serveFolder(folder);
  const tab = await chrome.newPage();
  const complaints: string[] = [];
  const texts: Promise<string>[] = [];
  tab.on("pageerror", (error) => complaints.push(error.message));
  tab.on("response", (response) => texts.push(response.text().catch(() => "")));
  if (withoutGpu)
    await tab.addInitScript(() => {
      Reflect.deleteProperty(Navigator.prototype, "gpu");
    });
  try {
    await tab.goto(`${server.url}/index.html${query}`);
    const outcome = (await tab.evaluate(() => (globalThis as unknown as { outcome: Promise<unknown> }).outcome)) as Outcome;
    return { ...outcome, loaded: (await Promise.all(texts)).join("\n") };
  } catch (error) {
    throw new Error(`${String(error)} ${complaints.join("; ")}`, { cause: error });
  } finally {
    await tab.close();
    await server.close();
  }
}

describe.each([["wasm"], ["webgpu"], ["webgpu", "wasm"]])("an application of a folder compiled for %s %s", (...targets) => {
  const isChoice = targets.length > 1;
  let folder: string;
  let expected: Outcome;
  beforeAll(async () => {
    folder = await application(...targets);
    const wasm = targets.includes("wasm") ? folder : await application("wasm");
    const script = `await import(${JSON.stringify(join(wasm, "app.mjs"))}); console.log(JSON.stringify(await outcome))`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
    expected = JSON.parse(stdout) as Outcome;
    if (wasm !== folder) rmSync(wasm, { recursive: true });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.for(Object.keys(BUNDLERS))("goes through %s, and the page trains", async (name, context) => {
    rmSync(join(folder, "out"), { recursive: true, force: true });
    expect(await BUNDLERS[name]!(folder)).toEqual([]);
    if (typeof browser === "string") return context.skip(browser);
    const out = join(folder, "out");
    // The browser's WebGPU is software here: not what `auto` takes where it has a choice.
    const pages: [PageOptions, string][] = isChoice
      ? [
          [{}, "wasm"],
          [{ withoutGpu: true }, "wasm"],
          [{ query: "?device=webgpu" }, "webgpu"],
        ]
      : [[{}, targets[0]]];
    for (const [options, device] of pages) {
      const outcome = await runPage(browser, out, options);
      expect(outcome.device).toBe(device);
      expect(outcome.losses).toHaveLength(expected.losses.length);
      outcome.losses.forEach((loss, i) => expect(Math.abs(loss / expected.losses[i]! - 1)).toBeLessThan(1e-4));
      expect(outcome.probability).toBeCloseTo(expected.probability, 4);
      // One script holds all; where a bundler splits, kernels are loaded when they are to be run, and a device's code when it may be there.
      if (!isChoice || name === "esbuild") continue;
      expect(outcome.loaded.includes(WGSL)).toBe(device === "webgpu");
      expect(outcome.loaded.includes(WEBGPU)).toBe(options.withoutGpu !== true);
    }
  });
});
