// Every block of docs/data.md: its specs train on the data that the page shows, its data sets load, its commands and its module run.
// Needs dist/ (`npm run build`, which `npm test` does).

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";

const MAIN = resolve("dist/cli/main.js");

interface Block {
  readonly language: string;
  readonly file: string | undefined;
  readonly text: string;
}

const page = readFileSync("docs/data.md", "utf8");
const blocksOf = (text: string): readonly Block[] =>
  [...text.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)].map(([, language = "", file, body = ""]) => ({
    language,
    file: file === "" ? undefined : file,
    text: body,
  }));
/** What stands before the first heading shows a data set of the section on tables. */
const [opening = "", ...rest] = page.split(/^## /m);
const sections = rest.map((text) => ({ title: text.split("\n", 1)[0]!, blocks: blocksOf(text) }));
const everyFile = blocksOf(page).filter(({ file }) => file !== undefined);

const work = mkdtempSync(join(tmpdir(), "tlc-data-page-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Eight pictures of a box each, with masks, the first row of which is of no class. */
async function drawScenes(images: string, masks: string): Promise<void> {
  for (const path of [images, masks]) mkdirSync(path, { recursive: true });
  for (let i = 0; i < 8; i++) {
    const [width, height] = [20 + i, 24];
    const isBox = (at: number): boolean => at % width > 2 + i && at % width < 12 + i && at > 8 * width;
    const numbers = Uint8Array.from({ length: width * height }, (_, at) => (at < width ? 255 : Number(isBox(at))));
    const levels = Uint8Array.from({ length: 3 * width * height }, (_, at) => (isBox(Math.floor(at / 3)) ? 200 : 30 + 5 * i));
    await sharp(levels, { raw: { width, height, channels: 3 } }).toFile(join(images, `${i}.png`));
    await sharp(numbers, { raw: { width, height, channels: 1 } })
      .toColourspace("b-w")
      .toFile(join(masks, `${i}.png`));
  }
}

/** What a spec names: two classes of four pictures each in a folder, or pictures with masks. */
async function drawPictures(folder: string, spec: string): Promise<void> {
  for (const [, images = "", masks = ""] of spec.matchAll(/pictures\("([^"]+)", masks: "([^"]+)"/g))
    await drawScenes(join(folder, images), join(folder, masks));
  for (const [, path = ""] of spec.matchAll(/images\("([^"]+)"\)/g))
    for (const name of ["cats", "dogs"]) {
      const into = join(folder, path, name);
      mkdirSync(into, { recursive: true });
      for (let i = 0; i < 4; i++) {
        const background = name === "cats" ? { r: 200, g: 20 * i, b: 0 } : { r: 0, g: 20 * i, b: 200 };
        await sharp({ create: { width: 24, height: 20 + i, channels: 3, background } })
          .png()
          .toFile(join(into, `${i}.png`));
      }
    }
}

function run(folder: string, args: readonly string[]): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, args, { cwd: folder });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.on("error", failed);
    child.on("close", (status) => {
      if (status === 0) done(out);
      else failed(new Error(`${args.join(" ")} ended with ${String(status)}:\n${err}`));
    });
  });
}

/** A recipe for data sets that the page shows alone: what they feed becomes one vector. */
function completed(spec: string): readonly string[] {
  if (/^recipe /m.test(spec)) return [spec];
  return [...spec.matchAll(/^dataset (\w+) \{.*?^\}/gms)].map(
    ([dataset, name]) =>
      `network net(classes) {\n  input features: f32[n]\n  fc: linear(classes)\n}\n${dataset}\nrecipe main { network net(${name!}.classes)  data ${name!}  loss cross_entropy  optimizer sgd(lr: 0.01)  batch 2  epochs 1 }\n`,
  );
}

async function runBlocks(folder: string, blocks: readonly Block[]): Promise<number> {
  mkdirSync(folder);
  for (const { file, text } of everyFile) writeFileSync(join(folder, file!), text);
  let count = 0;
  for (const { language, file, text } of blocks) {
    if (file !== undefined) continue;
    if (language === "tlspec") {
      for (const spec of completed(text)) {
        // The name that the page's commands have for its first spec.
        const name = count++ === 0 ? "people.tlspec" : `s${count}.tlspec`;
        writeFileSync(join(folder, name), spec);
        await drawPictures(folder, spec);
        const events = await run(folder, [MAIN, "run", name, "--device", "wasm", "--json"]);
        const done = JSON.parse(events.trim().split("\n").at(-1)!) as { readonly event: string; readonly test?: { readonly loss: number } };
        expect(done.event).toBe("done");
        if (/^ *test |, test /m.test(spec)) expect(done.test?.loss).toBeGreaterThan(0);
      }
    } else if (language === "sh")
      for (const line of text.trim().split("\n")) {
        const [command, ...args] = line.split(" ");
        expect(command).toBe("tlc");
        await run(folder, [MAIN, ...args]);
      }
    else if (language === "js") {
      writeFileSync(join(folder, "app.mjs"), text);
      expect(await run(folder, ["app.mjs"])).toMatch(/^(low|high) 0\.\d+/);
    } else throw new Error(`a block in ${language} is not run`);
  }
  return count;
}

describe("docs/data.md", () => {
  it("has the seven kinds of data", () => {
    expect(sections.map(({ title }) => title)).toEqual([
      "Pictures",
      "Pictures with masks",
      "Tables",
      "Sequences",
      "Words",
      "Several inputs",
      "Several outputs",
    ]);
  });

  it("opens with what runs", async () => {
    // One column of the file lacks a value that this data set fills, and the city is one of the training part by its seed.
    expect(await runBlocks(join(work, "opening"), blocksOf(opening))).toBe(1);
  });

  it.each(sections)("runs in its section $title", async ({ title, blocks }) => {
    expect(await runBlocks(join(work, title), blocks)).toBeGreaterThan(0);
  });
});
