// What reaches a terminal: colours of ours, and of everything that somebody else has named, characters that are seen.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openingOf } from "../../src/cli/open.ts";
import { runCli } from "../../src/cli/program.ts";
import { Terminal } from "../../src/cli/terminal.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import { fakeArtifact } from "../runtime/trainer/fake-session.ts";
import { dataPlan, fakeCli, pixelFolder, type FakeSetup } from "./fake-toolchain.ts";

/** Clears the screen, hides text, moves up, turns the text around it, and a C1 control that does the first again. */
const HOSTILE = "a\u001b[2J\u001b[8mb\u001b[1A\rc\u202ed\u009b2Je\u0007\u007f\u2028";
const SEEN = "a\ufffd[2J\ufffd[8mb\ufffd[1A\ufffdc\ufffdd\ufffd2Je\ufffd\ufffd\ufffd";
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/; // eslint-disable-line no-control-regex -- it is what they are

let root = "";
beforeAll(async () => {
  root = await pixelFolder();
  await output(["run", join(root, "good.tlspec"), "-o", join(root, "w.safetensors")]);
});
afterAll(() => rmSync(root, { recursive: true }));

async function output(args: readonly string[], setup: FakeSetup = {}): Promise<string> {
  const fake = fakeCli(root, setup);
  await runCli(args, fake.io);
  return fake.out() + fake.err();
}

describe("output", () => {
  it.each([false, true])("is text but for our colours, with colour %s", (isTTY) => {
    let text = "";
    const stream = { isTTY, columns: 400, write: (part: string) => (text += part) };
    const terminal = new Terminal({ stdout: stream, stderr: stream, env: {}, toolchain: fakeCli(root).io.toolchain }, {});
    terminal.line(`${terminal.paintOut("bold", HOSTILE)} ${HOSTILE}`);
    terminal.note(HOSTILE);
    terminal.warn(HOSTILE);
    expect(text.split(SEEN)).toHaveLength(5);
    expect(text.replaceAll(/\u001b\[(?:0|1|33)m/g, "")).not.toMatch(HIDDEN); // eslint-disable-line no-control-regex -- ours
    expect(text.includes("\u001b[1m")).toBe(isTTY);
    text = "";
    terminal.live(HOSTILE);
    expect(text.replace(/^\r/, "").replace("\u001b[K", "")).not.toMatch(HIDDEN);
    text = "";
    new Terminal(terminal.io, { json: true }).object({ event: "note", message: HOSTILE });
    expect(text).not.toMatch(HIDDEN);
    expect(JSON.parse(text)).toEqual({ event: "note", message: HOSTILE });
  });

  it("warns of a way to compute a product that makes other numbers", () => {
    let text = "";
    const stream = { write: (part: string) => (text += part) };
    const terminal = new Terminal({ stdout: stream, stderr: stream, env: {}, toolchain: fakeCli(root).io.toolchain }, {});
    const candidates = [
      { name: "a", microseconds: 5 },
      { name: "b", microseconds: null, differs: true },
    ] as const;
    openingOf({ device: "cuda" }, terminal).tuned?.([{ kernel: "matmul_3", layer: "fc1", taken: "a", why: "measured", candidates }]);
    expect(text.split("\n").slice(1)).toEqual(["warning: matmul_3 of fc1: b gives other numbers on this GPU, and is not used", ""]);
  });

  const plan = (): Artifact["data"] => dataPlan(root);
  const hostile = (): Artifact => {
    const artifact = fakeArtifact();
    return { ...artifact, name: HOSTILE, data: plan()!, dataInfo: { ...artifact.dataInfo, classes: [HOSTILE, `${HOSTILE}2`] } };
  };

  it.each<[string, () => readonly string[], () => FakeSetup]>([
    ["an artifact", () => ["inspect", join(root, "good.tlspec")], () => ({ artifact: hostile() })],
    ["a compiled artifact", () => ["compile", join(root, "good.tlspec"), "-o", join(root, "out")], () => ({ artifact: hostile() })],
    ["classes of a network", () => ["run", join(root, "good.tlspec")], () => ({ artifact: hostile() })],
    ["a picture", () => ["predict", join(root, "good.tlspec"), HOSTILE, "-w", join(root, "w.safetensors")], () => ({})],
    ["a spec", () => ["check", HOSTILE], () => ({})],
    ["an option", () => ["run", `--${HOSTILE}`], () => ({})],
    ["a verb", () => [HOSTILE], () => ({})],
    ["what broke", () => ["run", join(root, "good.tlspec")], () => ({ compile: () => Promise.reject(new Error(HOSTILE)) })],
  ])("shows the name of %s", async (_, args, setup) => {
    const text = await output(args(), setup());
    expect(text).not.toMatch(HIDDEN);
    expect(text).toContain("\ufffd");
  });
});
