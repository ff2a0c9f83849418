// How a compiled folder is written: what is the compiler's to replace or remove, what is somebody else's, and what a compilation leaves that
// fails or is killed.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { writeFolder } from "../../src/cli/folder.ts";
import { runCli } from "../../src/cli/program.ts";
import { artifactFile } from "../../src/ir/artifact.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "tlspec-write-"));
  writeFileSync(join(root, "d.csv"), "a,b\n0.5,0\n0.25,1\n");
  const network = "network n(classes) {\n  input given: f32[1]\n  fc: linear(classes)\n}";
  const dataset = 'dataset d { train table("d.csv", given: [a], label: b) }';
  const recipe = "recipe r { network n(d.classes) data d loss cross_entropy batch 2 optimizer adam epochs 1 }";
  writeFileSync(spec(), `${network}\n${dataset}\n${recipe}\n`);
});
afterAll(() => rmSync(root, { recursive: true }));

const spec = (): string => join(root, "r.tlspec");
const folder = (name: string): string => join(root, name);
const ARTIFACT = artifactFile("reference");

async function cli(...args: readonly string[]): Promise<{ readonly code: number; readonly err: string }> {
  let err = "";
  const stderr = { write: (text: string) => void (err += text) };
  const code = await runCli(args, { stdout: { write: () => undefined }, stderr, env: {}, toolchain });
  return { code, err };
}

let copies = 0;

describe("writing a folder", () => {
  const marker = (path: string): unknown => JSON.parse(readFileSync(join(path, "complete.json"), "utf8"));

  it("replaces what a compilation before it wrote, and nothing else", async () => {
    const path = folder("twice");
    await writeFolder(
      path,
      new Map([
        ["artifact.json", "{}"],
        ["kernels/a.wgsl", "a"],
        ["old/deep/b.wgsl", "b"],
      ]),
    );
    writeFileSync(join(path, "mine.txt"), "mine");
    await writeFolder(
      path,
      new Map([
        ["artifact.json", "[]"],
        ["kernels/c.wat", "c"],
      ]),
    );
    expect(readdirSync(path).sort()).toEqual(["artifact.json", "complete.json", "kernels", "mine.txt"]);
    expect(readdirSync(join(path, "kernels"))).toEqual(["c.wat"]);
    const sum = createHash("sha256").update("[]").digest("hex");
    expect(marker(path)).toMatchObject({ files: { "artifact.json": sum } });
  });

  it.each([
    ["weights.safetensors", "trained weights"],
    ["kernels/a.wgsl", "a kernel of somebody else"],
    ["complete.json", "[]"],
  ])("takes the place of no %s that no compilation wrote", async (name, text) => {
    const path = folder(`own-${copies++}`);
    mkdirSync(join(path, "kernels"), { recursive: true });
    writeFileSync(join(path, name), text);
    const files = new Map([
      [ARTIFACT, "{}"],
      ["kernels/a.wgsl", "a"],
      ["weights.safetensors", "w"],
    ]);
    const lost = `${join(path, name)} is not what \`tlc compile\` has written there, and would be lost`;
    await expect(writeFolder(path, files)).rejects.toThrow(lost);
    expect([readFileSync(join(path, name), "utf8"), existsSync(join(path, ARTIFACT))]).toEqual([text, false]);
    // The same beside files of a compilation.
    rmSync(join(path, name));
    await writeFolder(path, new Map([[ARTIFACT, "{}"]]));
    writeFileSync(join(path, name), text);
    await expect(writeFolder(path, files)).rejects.toThrow(lost);
    expect([readFileSync(join(path, name), "utf8"), existsSync(join(path, "complete.json"))]).toEqual([text, true]);
  });

  it("loses nothing that was put in the place of what it wrote", async () => {
    const path = folder("trained");
    const files = (weights: string): ReadonlyMap<string, string> =>
      new Map([
        [ARTIFACT, "{}"],
        ["r.mjs", "module"],
        ["weights.safetensors", weights],
      ]);
    await writeFolder(path, files("first"));
    await writeFolder(path, files("second"));
    writeFileSync(join(path, "weights.safetensors"), "trained");
    const lost = `${join(path, "weights.safetensors")} is not what \`tlc compile\` has written there, and would be lost`;
    await expect(writeFolder(path, files("third"))).rejects.toThrow(lost);
    // What the new compilation has no use for, it would remove.
    await expect(writeFolder(path, new Map([[ARTIFACT, "{}"]]))).rejects.toThrow(lost);
    writeFileSync(join(path, "r.mjs"), "edited");
    await expect(writeFolder(path, files("third"))).rejects.toThrow("r.mjs and 1 more beside it are not what");
    const held = (): readonly string[] => ["r.mjs", "weights.safetensors"].map((name) => readFileSync(join(path, name), "utf8"));
    expect([held(), readdirSync(path).sort()]).toEqual([
      ["edited", "trained"],
      ["complete.json", "r.mjs", "reference", "weights.safetensors"],
    ]);
    // What is there already is nobody's loss.
    writeFileSync(join(path, "r.mjs"), "module");
    await writeFolder(path, files("trained"));
    expect(held()).toEqual(["module", "trained"]);
    rmSync(join(path, "weights.safetensors"));
    symlinkSync(join(path, "r.mjs"), join(path, "weights.safetensors"));
    await expect(writeFolder(path, files("fourth"))).rejects.toThrow(lost);
  });

  it("is done again where a compilation did not end, whose files it knows from those of others", async () => {
    const path = folder("ended-early");
    const files = (text: string): readonly [string, string][] => [
      [ARTIFACT, "{}"],
      ["runtime.mjs", text],
      ["weights.safetensors", text],
    ];
    /** Ends where it has put the first two files in their places. */
    class Killed extends Map<string, string> {
      override *keys(): MapIterator<string> {
        yield* [ARTIFACT, "runtime.mjs"];
        throw new Error("killed");
      }
    }
    await writeFolder(path, new Map(files("first")));
    await expect(writeFolder(path, new Killed(files("second")))).rejects.toThrow("killed");
    const held = (name: string): string => readFileSync(join(path, name), "utf8");
    expect([held("runtime.mjs"), held("weights.safetensors"), existsSync(join(path, "complete.json"))]).toEqual(["second", "first", false]);
    await expect(writeFolder(path, new Killed(files("third")))).rejects.toThrow("killed");
    writeFileSync(join(path, "weights.safetensors"), "trained");
    await expect(writeFolder(path, new Map(files("fourth")))).rejects.toThrow("weights.safetensors is not what");
    writeFileSync(join(path, "weights.safetensors"), "second");
    await writeFolder(path, new Map(files("fourth")));
    expect([held("runtime.mjs"), held("weights.safetensors")]).toEqual(["fourth", "fourth"]);
    expect(readdirSync(path).sort()).toEqual(["complete.json", "reference", "runtime.mjs", "weights.safetensors"]);
  });

  it("is a fault of usage where the folder cannot be made", async () => {
    const { code, err } = await cli("compile", spec(), "-t", "reference", "-o", "/proc/self/nowhere");
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/cannot write to \/proc\/self\/nowhere: .*\n.*name a folder that can be written/),
    ]);
  });

  it("leaves what was there when it fails", async () => {
    const path = folder("failing");
    await writeFolder(path, new Map([["artifact.json", "{}"]]));
    const bad = new Map<string, string>([
      ["artifact.json", "[]"],
      ["b", undefined as never],
    ]);
    await expect(writeFolder(path, bad)).rejects.toThrow();
    expect(readdirSync(path).sort()).toEqual(["artifact.json", "complete.json"]);
    expect(readFileSync(join(path, "artifact.json"), "utf8")).toBe("{}");
  });

  it("follows no link, and no name in a marker out of the folder", async () => {
    const elsewhere = folder("elsewhere");
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, "keep"), "");
    const path = folder("linked");
    mkdirSync(path);
    symlinkSync(elsewhere, join(path, "kernels"));
    await expect(writeFolder(path, new Map([["kernels/a.wgsl", "a"]]))).rejects.toThrow("it is a link");
    rmSync(join(path, "kernels"));
    const sum = createHash("sha256").update("").digest("hex");
    const files = { "../elsewhere/keep": sum, "a/../../elsewhere/keep": sum };
    writeFileSync(join(path, "complete.json"), JSON.stringify({ format: "tlc-folder", files }));
    await writeFolder(path, new Map([["artifact.json", "{}"]]));
    expect(existsSync(join(elsewhere, "keep"))).toBe(true);
    symlinkSync(elsewhere, folder("out"));
    expect([(await cli("compile", spec(), "-o", folder("out"))).code, readdirSync(elsewhere)]).toEqual([2, ["keep"]]);
  });

  it("removes what killed compilations left, and not what running ones need", async () => {
    const path = folder("left");
    mkdirSync(path);
    // No process has so large a number.
    mkdirSync(join(path, ".tlc.4194999-0123456789ab.tmp"));
    mkdirSync(join(path, `.tlc.${process.pid}-0123456789ab.tmp`));
    await writeFolder(path, new Map([["artifact.json", "{}"]]));
    expect(readdirSync(path).sort()).toEqual([`.tlc.${process.pid}-0123456789ab.tmp`, "artifact.json", "complete.json"]);
  });
});
