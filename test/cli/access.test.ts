// What a spec may read: files of its own folder, and of what the user names. Over the real compiler.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { writeFolder } from "../../src/cli/folder.ts";
import { runCli } from "../../src/cli/program.ts";
import { artifactFile, type Artifact } from "../../src/ir/artifact.ts";
import { readExact, writeExact } from "../../src/ir/exact-json.ts";

let root = "";
const at = (...names: string[]): string => join(root, ...names);
const UNIT = "network unit() {\n  input given: f32[2]\n  linear(2)\n}\n";

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "tlspec-access-"));
  mkdirSync(at("spec/sub"), { recursive: true });
  writeFileSync(at("secret.json"), '{"password": "hunter2"}\n');
  writeFileSync(at("spec/inside.json"), '"hunter2"\n');
  writeFileSync(at("outside.tlspec"), UNIT);
  writeFileSync(at("spec/sub/unit.tlspec"), UNIT);
  writeFileSync(at("spec/large.tlspec"), " ".repeat(5_000_000));
  symlinkSync(at("outside.tlspec"), at("spec/link.tlspec"));
  symlinkSync("/dev/zero", at("spec/zero.tlspec"));
  symlinkSync("nowhere", at("spec/broken.tlspec"));
  execFileSync("mkfifo", [at("spec/pipe.tlspec")]);
  writeFileSync(at("d.csv"), "a,b,y\n1,2,0\n3,4,1\n");
  writeFileSync(at("spec/d.csv"), "a,b,y\n1,2,0\n3,4,1\n");
});
afterAll(() => rmSync(root, { recursive: true }));

async function cli(...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  let text = "";
  const stream = { write: (part: string) => void (text += part) };
  const code = await runCli(args, { stdout: stream, stderr: stream, env: {}, toolchain });
  return { code, text };
}

const importing = (path: string): string => {
  const file = at("spec", "main.tlspec");
  writeFileSync(file, `import { unit } from "${path}"\n`);
  return file;
};

describe("imports", () => {
  it.each([
    ["./sub/unit.tlspec", 0, "ok"],
    ["../outside.tlspec", 2, "it leads out of the folder of the spec"],
    ["../secret.json", 2, "it leads out of the folder of the spec"],
    ["./link.tlspec", 2, "it leads out of the folder of the spec"],
    ["./zero.tlspec", 2, "it leads out of the folder of the spec"],
    ["./pipe.tlspec", 2, "it is a pipe, not a regular file"],
    ["./broken.tlspec", 2, "cannot read `./broken.tlspec`"],
    ["./large.tlspec", 2, "more than the 4.0 MiB that it may have"],
    ["./inside.json", 2, "must be object"],
  ])("of %s end with %i: %s", async (path, code, message) => {
    const checked = await cli("check", importing(path));
    expect([checked.code, checked.text]).toEqual([code, expect.stringContaining(message)]);
    expect(checked.text).not.toContain("hunter2");
    expect(checked.text).not.toMatch(/\n\s+at /);
  });

  it("go where the user says", async () => {
    expect((await cli("check", importing("../outside.tlspec"), "--root", root)).code).toBe(0);
    expect((await cli("check", importing("./link.tlspec"), "--root", root)).code).toBe(0);
    expect((await cli("check", importing("tlc:zoo/resnet"))).text).not.toContain("leads out");
  });
});

describe("specs", () => {
  it.each(["pipe", "zero", "broken", "large"])("that are %s are refused at once", async (name) => {
    for (const verb of [["check"], ["inspect"], ["run", "-d", "reference"], ["compile", "-o", at("out")]]) {
      const { code, text } = await cli(...verb, at("spec", `${name}.tlspec`));
      expect([code, text]).toEqual([2, expect.stringContaining(`cannot read ${at("spec", `${name}.tlspec`)}`)]);
    }
  });
});

describe("data", () => {
  const spec = (path: string): string => {
    const file = at("spec", "data.tlspec");
    const data = `dataset d { train table("${path}", given: a, label: y) }`;
    const network = "network n(classes = 2) {\n  input given: f32\n  reshape([1])\n  linear(classes)\n}";
    writeFileSync(file, `${network}\n${data}\nrecipe r { network n data d loss cross_entropy batch 2 optimizer sgd(lr: 1) epochs 1 }\n`);
    return file;
  };
  const inspect = (path: string, ...more: string[]): ReturnType<typeof cli> => cli("inspect", spec(path), ...more);

  it("lies in the folder of the spec, or where the user says", async () => {
    expect((await inspect("d.csv")).code).toBe(0);
    const outside = await inspect("../d.csv");
    expect([outside.code, outside.text]).toEqual([2, expect.stringContaining(`leads out of ${at("spec")}, to ${at("d.csv")}`)]);
    expect((await inspect(at("d.csv"))).code).toBe(2);
    expect((await inspect("../d.csv", "--root", root)).code).toBe(0);
    expect((await inspect("d.csv", "--set", `data.train=${at("d.csv")}`)).code).toBe(0);
  });

  it("of a compiled folder lies beside it, or where the user says, also where a stranger wrote the folder", async () => {
    const folder = at("spec", "compiled");
    expect((await cli("compile", spec("d.csv"), "-t", "reference", "-o", folder)).code).toBe(0);
    const weights = at("w.safetensors");
    expect(await cli("run", folder, "-o", weights)).toMatchObject({ code: 0 });
    // The same elsewhere; and with a path, and with a link, that lead out of where it is.
    mkdirSync(at("strange"));
    const copies = { moved: at("spec/d.csv"), absolute: at("d.csv"), climbing: at("strange/../d.csv"), linked: at("strange/link.csv") };
    symlinkSync(at("d.csv"), copies.linked);
    for (const [name, path] of Object.entries(copies)) {
      const artifact = readExact(readFileSync(join(folder, artifactFile("reference")), "utf8")) as Artifact;
      const sources = Object.fromEntries(
        ["train", "test"].map((split) => [split, { word: "table", args: { ...artifact.data!.sources["train"]!.args, path } }]),
      );
      const copy = at("strange", name);
      await writeFolder(copy, new Map([[artifactFile("reference"), writeExact({ ...artifact, data: { ...artifact.data!, sources } })]]));
      for (const verb of [["run"], ["eval", "-w", weights]]) {
        const refused = await cli(...(verb as [string]), copy);
        expect([name, refused.code, refused.text]).toEqual([name, 2, expect.stringContaining(`leads out of ${at("strange")}, to `)]);
      }
      expect(await cli("eval", copy, "-w", weights, "--root", root)).toMatchObject({ code: 0 });
    }
  });

  it("is read no further for training", async () => {
    const run = await cli("run", spec("../d.csv"), "-d", "reference", "-o", at("w.safetensors"));
    expect([run.code, run.text]).toEqual([2, expect.stringContaining("leads out of")]);
  });
});
