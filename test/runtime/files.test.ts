// What is read of a file that is none: pipes, devices, links out of a folder, pictures and tables that ask for more than there is.

import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { plan } from "../../fuzz/data.ts";
import type { DataPlan } from "../../src/ir/plan.ts";
import { describeData, loadSplit } from "../../src/runtime/data/index.ts";
import { DataError } from "../../src/runtime/errors.ts";
import { readRegularFile, readRegularFileSync } from "../../src/runtime/files.ts";
import { readSafetensorsFile } from "../../src/runtime/weights/files.ts";
import { asked } from "../support/one-output.ts";

const root = mkdtempSync(join(tmpdir(), "tlspec-files-"));
const at = (...names: string[]): string => join(root, ...names);
beforeAll(() => {
  execFileSync("mkfifo", [at("pipe")]);
  symlinkSync("/dev/zero", at("zero"));
  symlinkSync("nowhere", at("broken"));
  mkdirSync(at("folder"));
  writeFileSync(at("large"), "");
  truncateSync(at("large"), 2 ** 40);
});
afterAll(() => rmSync(root, { recursive: true }));

const failure = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as DataError).message;
  }
  throw new Error("it was read");
};

describe("files", () => {
  it.each([
    ["pipe", "it is a pipe, not a regular file"],
    ["zero", "it is a device, not a regular file"],
    ["folder", "it is a folder, not a regular file"],
    ["broken", "there is no such file or folder"],
    ["large", "it has 1024.0 GiB, which is more than the 1.0 KiB that it may have"],
  ])("%s is refused at once", async (name, reason) => {
    expect(await failure(() => readRegularFile(at(name), { most: 1024 }))).toBe(`cannot read ${at(name)}: ${reason}`);
  });

  it.each(["pipe", "zero", "folder", "broken"])("%s is no file of weights and no spec", async (name) => {
    expect(await failure(() => readSafetensorsFile(at(name)))).toContain(at(name));
    expect(await failure(() => readRegularFileSync(at(name), 1024))).toContain(at(name));
  });

  it("stops reading for a signal", async () => {
    const path = at("zeros");
    writeFileSync(path, "");
    truncateSync(path, 2 ** 26);
    const controller = new AbortController();
    const reading = readRegularFile(path, { most: 2 ** 30, signal: controller.signal });
    controller.abort(new Error("stopped"));
    await expect(reading).rejects.toThrow("stopped");
  });
});

/** A data set with one class and one picture in it, of these bytes or behind this link. */
let sets = 0;
async function pictures(file: { readonly bytes?: Uint8Array; readonly link?: string; readonly name?: string }): Promise<DataPlan> {
  const folder = at(`pictures${sets++}`);
  mkdirSync(join(folder, "a"), { recursive: true });
  await sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } })
    .png()
    .toFile(join(folder, "a", "0.png"));
  const path = join(folder, "a", file.name ?? "1.png");
  if (file.link !== undefined) symlinkSync(file.link, path);
  else writeFileSync(path, file.bytes ?? "");
  return plan("images", { path: folder });
}

/** A PNG of this size by its header, and of no pixels. */
const header = (width: number, height: number): Uint8Array => {
  const bytes = Buffer.from("89504e470d0a1a0a0000000d494844520000000000000000080200000000000000", "hex");
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
};

describe("pictures", () => {
  it.each<[string, Parameters<typeof pictures>[0], string]>([
    ["that are devices", { link: "/dev/zero" }, "it is a device"],
    ["that are pipes", { link: at("pipe") }, "it is a pipe"],
    ["of vectors", { bytes: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>') }, "it is no PNG, JPEG"],
    ["that are nothing", { bytes: Buffer.from("GIF") }, "it is no PNG, JPEG"],
    ["of more pixels than any", { bytes: header(60000, 60000) }, "60000x60000 are more pixels than a picture may have"],
    ["of no pixels", { bytes: header(0, 4) }, "0x4 is no size"],
    ["of another size, which are not decoded", { bytes: header(8000, 8000) }, "8000x8000, expected 4x4"],
    ["cut short", { bytes: header(4, 4) }, "1.png: "],
  ])("%s are refused", async (_, file, reason) => {
    const data = await pictures(file);
    const info = await describeData(data);
    expect(await failure(() => loadSplit(data, "train", info))).toContain(reason);
  });

  it("are decoded a few at a time, however large", async () => {
    const { PixelRoom } = await import("../../src/runtime/data/decoder.ts");
    const room = new PixelRoom();
    let [now, most] = [0, 0];
    const work = (): Promise<void> =>
      room.with(2 ** 22, async () => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 2));
        now--;
      });
    await Promise.all([
      ...Array.from({ length: 9 }, work),
      room.with(2 ** 30, async () => {
        expect(now).toBe(0);
        await Promise.resolve();
      }),
    ]);
    expect(most).toBe(2);
  });

  it("stay inside a folder once links are followed, and name links that lead nowhere", async () => {
    const outside = at("outside");
    mkdirSync(outside);
    await sharp({ create: { width: 4, height: 4, channels: 3, background: "blue" } })
      .png()
      .toFile(join(outside, "0.png"));
    const data = await pictures({ link: join(outside, "0.png") });
    const within = [data.sources["train"]!.args["path"] as string];
    const info = await describeData(data);
    expect((await loadSplit(data, "train", info)).count).toBe(2);
    expect(await failure(() => loadSplit(data, "train", info, { within }))).toContain(`leads out of ${within[0]!}`);
    expect((await loadSplit(data, "train", info, { within: [...within, root] })).count).toBe(2);
    symlinkSync(outside, join(within[0]!, "b"));
    expect(await failure(() => describeData(data, asked("class"), { within }))).toContain("leads out of");
    symlinkSync("nowhere", join(within[0]!, "c"));
    expect(await failure(() => describeData(data))).toContain(`cannot read ${join(within[0]!, "c")}: there is no such file`);
  });
});

describe("tables", () => {
  it.each([
    ["pipe.csv", "it is a pipe"],
    ["zero.csv", "it is a device"],
  ])("%s are refused at once", async (name, reason) => {
    symlinkSync(name.startsWith("pipe") ? at("pipe") : "/dev/zero", at(name));
    expect(await failure(() => describeData(plan("table", { path: at(name), columns: { x: "x", label: "y" } })))).toContain(reason);
  });

  it("stay inside a folder", async () => {
    writeFileSync(at("t.csv"), "x,y\n1,2\n");
    const data = plan("table", { path: at("t.csv"), columns: { x: "x", label: "y" } });
    expect(await failure(() => describeData(data, asked("class"), { within: [at("folder")] }))).toContain("leads out of");
    expect((await describeData(data, asked("class"), { within: [root] })).classes).toEqual(["2"]);
  });

  it.each(["1e400", "-1e39"])("hold numbers of f32, unlike %s", async (cell) => {
    writeFileSync(at("huge.csv"), `x,y\n1,2\n${cell},2\n`);
    const data = plan("table", { path: at("huge.csv"), columns: { x: "x", label: "y" } });
    const info = await describeData(data);
    expect(await failure(() => loadSplit(data, "train", info))).toContain(
      `:3: column "x" holds "${cell}", which is beyond the numbers of f32`,
    );
  });

  it("are read in parts: one of 15 MB with 48 MB for all of JavaScript", () => {
    const path = at("long.csv");
    writeFileSync(path, "a,b,y\n");
    for (let i = 0; i < 15; i++) appendFileSync(path, "0.123456,0.654321,1\n".repeat(50_000));
    const program = `
      import { importTypeScript } from "./bench/bundle.mjs";
      const { describeData, loadSplit } = await importTypeScript("src/runtime/data/index.ts");
      const data = ${JSON.stringify(plan("table", { path, columns: { a: "a", b: "b", label: "y" } }))};
      const { count } = await loadSplit(data, "train", await describeData(data));
      console.log(count);`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--max-old-space-size=48", "--input-type=module", "-e", program], {
      encoding: "utf8",
    });
    expect([stdout.trim(), stderr]).toEqual(["750000", ""]);
  });
});
