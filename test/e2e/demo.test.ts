// The demo as a person uses it: started by its one command, in Chromium, with buttons, a pen, and things that go wrong. SCREENSHOT=FILE keeps a
// picture of it after some epochs.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM, CHROMIUM_FLAGS } from "./chromium.ts";

const SCREENSHOT = process.env["SCREENSHOT"];

const browser: Browser | string = existsSync(CHROMIUM)
  ? await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS })
  : `no ${CHROMIUM} (npm run setup -- --browser brings one)`;

if (typeof browser === "string") it.skip(`the demo: ${browser}`, () => undefined);
else {
  afterAll(() => browser.close());
  describe("the demo", () => inBrowser(browser));
}

function inBrowser(chrome: Browser): void {
  let server: ChildProcess;
  let url = "";
  beforeAll(async () => {
    server = spawn(process.execPath, ["scripts/demo.mjs"], { env: { ...process.env, PORT: "0" }, stdio: ["ignore", "pipe", "inherit"] });
    url = await new Promise((resolve, reject) => {
      server.stdout!.on("data", (text: Buffer) => resolve(/http:\S+/.exec(String(text))?.[0] ?? ""));
      server.on("exit", () => reject(new Error("the demo's server ended")));
    });
  });
  afterAll(() => server.kill());

  const complaints: string[] = [];
  async function open(query = "", prepare?: (page: Page) => Promise<unknown>): Promise<Page> {
    complaints.length = 0;
    const page = await chrome.newPage({ viewport: { width: 720, height: 900 } });
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await prepare?.(page);
    await page.goto(url + query);
    return page;
  }

  const text = async (page: Page, id: string): Promise<string> => (await page.textContent(`#${id}`)) ?? "";
  /** Waits for a text, and fails with what the page complains about instead. */
  async function until(page: Page, id: string, pattern: RegExp): Promise<void> {
    const isThere = ([place, source]: readonly [string, string]): string | boolean => {
      const error = document.getElementById("error")!;
      return new RegExp(source).test(document.getElementById(place)!.textContent) || (!error.hidden && `error: ${error.textContent}`);
    };
    const found = await page.waitForFunction(isThere, [id, pattern.source] as const, { timeout: 240_000 });
    expect(await found.jsonValue()).toBe(true);
  }
  const ended = (page: Page): Promise<unknown> => page.waitForSelector("#start:enabled", { timeout: 240_000 });
  async function drawL(page: Page): Promise<void> {
    const box = (await page.locator("#pen").boundingBox())!;
    await page.mouse.move(box.x + 70, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + 70, box.y + 150, { steps: 5 });
    await page.mouse.move(box.x + 135, box.y + 150, { steps: 5 });
    await page.mouse.up();
  }

  it("trains where there is no GPU, says where and why, shows losses by epochs, and stops", async () => {
    const page = await open();
    expect(await text(page, "status")).toBe("It has not learned anything yet.");
    await page.click("#start");
    await until(page, "status", /^epoch ([2-9]|1\d|20) of 20, step \d+, loss \d\.\d+, \d+% right on new pictures$/);
    expect(await text(page, "device")).toMatch(/^It runs on the processor, WebAssembly \(\d+ threads?, .*\): WebGPU \(.*\) is software\.$/);
    await page.click("#stop");
    await ended(page);
    expect(await text(page, "status")).toMatch(/^Stopped\. epoch \d+ of 20, step \d+/);
    expect(await page.locator("#curve .axis").allTextContents()).toEqual(["epochs", "loss"]);
    // Round numbers from 0 on, to beyond what is shown: how many epochs that is before the click, the machine says.
    expect((await page.locator("#curve .epoch").allTextContents()).join(" ")).toMatch(/^0 1 2 3 4( 5)?$|^0 (2 4 6|5 10)/);
    expect(await page.locator("#curve .loss").allTextContents()).toEqual(["0", "1", "2", "3", "4"]);
    expect((await page.getAttribute("#curve .training", "points"))!.split(" ").length).toBeGreaterThan(27);
    expect((await page.getAttribute("#curve .validation", "points"))!.split(" ").length).toBeGreaterThan(0);
    expect(await page.locator("#answers figcaption").allTextContents()).toHaveLength(10);
    expect(await page.locator("#answers figcaption").first().textContent()).toMatch(/^[0-9A-Z] \d+%$/);
    // And goes on from there.
    await page.click("#start");
    await until(page, "status", /^epoch \d+ of 20, step \d+/);
    await page.click("#stop");
    await ended(page);
    expect([complaints, await page.isVisible("#error")]).toEqual([[], false]);
    await page.close();
  });

  it("reads what a person draws", async () => {
    const page = await open();
    await drawL(page);
    expect(await text(page, "reading")).toMatch(/^Train it first/);
    await page.click("#start");
    await until(page, "status", SCREENSHOT === undefined ? /^epoch ([7-9]|1\d|20) / : /^epoch (1[2-9]|20) /);
    await page.click("#stop");
    await ended(page);
    await page.click("#clear");
    await drawL(page);
    await until(page, "reading", /^It reads L \(\d+%\); or else [0-9A-Z] \d+%, [0-9A-Z] \d+%, [0-9A-Z] \d+%\.$/);
    if (SCREENSHOT !== undefined) await page.screenshot({ path: SCREENSHOT, fullPage: true });
    await page.click("#clear");
    expect(await text(page, "reading")).toMatch(/^Draw a letter/);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("takes the processor where the browser knows no WebGPU", async () => {
    const without = await open("", (page) => page.addInitScript(() => void Reflect.deleteProperty(Navigator.prototype, "gpu")));
    await without.click("#start");
    await until(without, "device", /^It runs on the processor, .*: this page has no WebGPU\.$/);
    await until(without, "status", /^epoch \d+ of 20, step \d+/);
    await without.close();
  });

  it("stops while it is loading, too", async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const page = await open("", (it) =>
      it.route("**/wasm/program.mjs", async (route) => {
        await held;
        await route.continue();
      }),
    );
    await page.click("#start");
    expect(await text(page, "status")).toBe("It is getting ready…");
    await page.click("#stop");
    await ended(page);
    expect(await text(page, "status")).toBe("Stopped. It has not learned anything yet.");
    release();
    await page.click("#start");
    await until(page, "status", /^epoch \d+ of 20, step \d+/);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("says that there is no model, and how to make it", async () => {
    const missing = await open("", (page) => page.route("**/model/cnn.mjs", (route) => route.fulfill({ status: 404 })));
    await missing.click("#start");
    await ended(missing);
    expect(await text(missing, "error")).toMatch(/compile the model first, with `npm run demo`$/);
    expect(await missing.isVisible("#error")).toBe(true);
    await missing.close();
  });

  it("takes WebGPU where it is told to, says that it is lost, and lets a person try again", async () => {
    const page = await open("?device=webgpu", (it) =>
      it.addInitScript(() => {
        // eslint-disable-next-line @typescript-eslint/unbound-method -- called on the adapter below
        const request = GPUAdapter.prototype.requestDevice;
        GPUAdapter.prototype.requestDevice = async function (...args) {
          const device = await request.apply(this, args);
          (globalThis as { lose?: () => void }).lose = () => device.destroy();
          return device;
        };
      }),
    );
    await page.click("#start");
    await until(page, "device", /^It runs on the GPU, WebGPU \(.*\): it was asked for\.$/);
    await until(page, "status", /^epoch \d+ of 20, step \d+/);
    await page.evaluate(() => (globalThis as { lose?: () => void }).lose?.());
    await ended(page);
    expect(await text(page, "error")).toMatch(/^the GPU was lost: .*: Start again/);
    expect(await text(page, "status")).toBe("It has stopped.");
    await page.click("#start");
    expect(await page.isVisible("#error")).toBe(false);
    await until(page, "status", /^epoch \d+ of 20, step \d+/);
    await page.close();
  });
}
