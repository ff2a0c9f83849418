// A compiled folder in headless Chromium, under a strict content security policy: it trains to the losses that Node's process does.
// Skipped, with the reason, where there is no Chromium or no adapter.

import { existsSync } from "node:fs";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAdapter } from "../../src/runtime/webgpu/adapter.ts";
import { serve, type WebServer } from "./browser-server.ts";
import { CHROMIUM, CHROMIUM_FLAGS } from "./chromium.ts";
import { compileGlyphs, STEPS, type CompiledFolder } from "./module-folder.ts";
import { runInNode, type Outcome } from "./module-outcome.ts";

const hasNode = (await findAdapter()) !== undefined;

const browser: Browser | string = existsSync(CHROMIUM)
  ? await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS })
  : `no ${CHROMIUM} (sh scripts/setup.sh --browser brings one)`;

if (typeof browser === "string") it.skip(`runs in a browser: ${browser}`, () => undefined);
else {
  afterAll(() => browser.close());
  describe("a folder compiled for WebGPU in a browser", () => inBrowser(browser));
  describe("a folder compiled for WebAssembly in a browser", () => asWebAssembly(browser));
}

function inBrowser(browser: Browser): void {
  let folder: CompiledFolder;
  let server: WebServer;
  const complaints: string[] = [];

  beforeAll(async () => {
    folder = await compileGlyphs("webgpu");
    server = await serve(folder.path);
  });
  afterAll(async () => {
    await server.close();
    folder.remove();
  });

  const open = (path: string): Promise<Page> => openPage(browser, server.url + path, complaints);

  it("trains as in Node, predicts, saves and loads", async (context) => {
    const page = await open("/test");
    if (!(await page.evaluate(async () => "gpu" in navigator && (await navigator.gpu.requestAdapter()) !== null)))
      context.skip("the browser has no WebGPU adapter");
    const outcome = (await page.evaluate(() => (globalThis as unknown as { outcome: Promise<unknown> }).outcome)) as Outcome;
    expect(complaints).toEqual([]);
    expect(outcome.losses).toHaveLength(STEPS);
    // Better than guessing; losses are of single batches and say less.
    expect(outcome.metrics["loss"]).toBeLessThan(Math.log(36));
    expect(outcome.again).toEqual(outcome.probabilities.slice(0, 20));
    expect([outcome.refused, outcome.interrupted]).toEqual([true, true]);
    await page.close();
    if (!hasNode) return;
    const node = await runInNode(folder);
    outcome.losses.forEach((loss, i) => expect(Math.abs(loss / node.losses[i]! - 1)).toBeLessThan(1e-4));
    expect(outcome.labels).toEqual(node.labels);
    expect(outcome.savedBytes).toBe(node.savedBytes);
  });
}

function asWebAssembly(browser: Browser): void {
  let folder: CompiledFolder;
  let node: Outcome;
  beforeAll(async () => {
    folder = await compileGlyphs("wasm");
    node = await runInNode(folder);
  });
  afterAll(() => folder.remove());

  it.each([
    ["on one thread, where memory cannot be shared", false],
    ["on several threads with cross-origin isolation", true],
  ])("trains as in Node %s", async (_, isIsolated) => {
    const server = await serve(folder.path, isIsolated);
    const complaints: string[] = [];
    let times: (() => Promise<Times>) | undefined;
    const page = await openPage(browser, `${server.url}/test`, complaints, async (it) => (times = await timesOf(it)));
    const outcome = (await page.evaluate(() => (globalThis as unknown as { outcome: Promise<unknown> }).outcome)) as Outcome;
    expect(complaints).toEqual([]);
    expect(outcome.device.kind).toBe("wasm");
    expect(outcome.device.description).toMatch(isIsolated ? /[2-9]\d* threads/ : /\(1 thread,/);
    outcome.losses.forEach((loss, i) => expect(Math.abs(loss / node.losses[i]! - 1)).toBeLessThan(1e-4));
    expect(outcome.labels).toEqual(node.labels);
    expect(outcome.again).toEqual(outcome.probabilities.slice(0, 20));
    expect([outcome.refused, outcome.interrupted, outcome.savedBytes]).toEqual([true, true, node.savedBytes]);
    // What takes long ran on others: the page's own thread takes a third, most of it to load the page.
    const { own, all } = await times!();
    expect(own / all).toBeLessThan(0.5);
    await page.close();
    await server.close();
  });
}

/** Seconds of processors that a page's own thread has had, and all threads of its process. */
interface Times {
  readonly own: number;
  readonly all: number;
}

/** Of the page from now on. */
async function timesOf(page: Page): Promise<() => Promise<Times>> {
  const client = await page.context().newCDPSession(page);
  await client.send("Performance.enable");
  return async () => {
    const { metrics } = await client.send("Performance.getMetrics");
    const of = (wanted: string): number => metrics.find(({ name }) => name === wanted)?.value ?? NaN;
    return { own: of("ThreadTime"), all: of("ProcessTime") };
  };
}

async function openPage(browser: Browser, url: string, complaints: string[], prepare?: (page: Page) => Promise<unknown>): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 800, height: 760 } });
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => complaints.push(`${request.url()} failed`));
  await prepare?.(page);
  await page.goto(url);
  return page;
}
