// A compiler and devices that know one artifact, and streams that remember, so that verbs are tested without compiling anything.

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import type { CliIo, OutputStream } from "../../src/cli/terminal.ts";
import type { CompileOutcome, CompileRequest, Toolchain } from "../../src/cli/toolchain.ts";
import type { Diagnostic } from "../../src/diagnostics.ts";
import { artifactFile, type Artifact } from "../../src/ir/artifact.ts";
import type { DataPlan } from "../../src/ir/plan.ts";
import type { Device } from "../../src/runtime/device.ts";
import { fakeArtifact, fakeDevice, type FakeOptions, type FakeSession } from "../runtime/trainer/fake-session.ts";

/** A folder with one-pixel pictures of two classes: `even` and `odd` by the value of the pixel. */
export async function pixelFolder(count = 10): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), "tlc-cli-"));
  for (const [parity, name] of [
    [0, "even"],
    [1, "odd"],
  ] as const) {
    mkdirSync(join(root, "data", name), { recursive: true });
    for (let i = 0; i < count / 2; i++) {
      const pixel = Buffer.of(2 * i + parity);
      await sharp(pixel, { raw: { width: 1, height: 1, channels: 1 } })
        .png()
        .toFile(join(root, "data", name, `${i}.png`));
    }
  }
  writeFileSync(join(root, "good.tlspec"), "fine");
  writeFileSync(join(root, "bad.tlspec"), "network x {\n  oops\n}\n");
  return root;
}

export function dataPlan(root: string): DataPlan {
  const source = { word: "images", args: { path: join(root, "data") } };
  return {
    name: "pixels",
    sources: { train: source, test: source },
    splits: [],
    preprocess: [{ word: "grayscale", args: {} }],
    augment: [],
  };
}

export interface FakeSetup {
  readonly artifact?: Artifact;
  readonly session?: FakeOptions;
  readonly openDevice?: Toolchain["openDevice"];
  readonly compile?: (file: string) => Promise<CompileOutcome>;
}

export interface FakeCli {
  readonly io: CliIo;
  readonly requests: CompileRequest[];
  readonly sessions: FakeSession[];
  readonly disposed: () => number;
  readonly out: () => string;
  readonly err: () => string;
  /** The lines of stdout as objects. */
  readonly objects: () => Record<string, unknown>[];
}

export function fakeCli(root: string, setup: FakeSetup = {}, io: { tty?: boolean; env?: Record<string, string> } = {}): FakeCli {
  const artifact: Artifact = setup.artifact ?? { ...fakeArtifact(), data: dataPlan(root) };
  const { device, sessions } = fakeDevice(artifact, setup.session);
  const requests: CompileRequest[] = [];
  let disposed = 0;
  const opened = (): Device => ({ ...device, dispose: () => (disposed += 1) });
  const compile = (file: string, request: CompileRequest): Promise<CompileOutcome> => {
    requests.push(request);
    if (setup.compile !== undefined) return setup.compile(file);
    if (!file.endsWith("bad.tlspec")) return Promise.resolve({ artifact, diagnostics: [], sources: new Map() });
    const fault: Diagnostic = {
      code: "TL0201",
      severity: "error",
      span: { file, start: 14, end: 18 },
      message: "no layer `oops`",
      notes: [],
    };
    return Promise.resolve({ diagnostics: [fault], sources: new Map([[file, "network x {\n  oops\n}\n"]]) });
  };
  const stream = (): OutputStream & { text: string } => ({
    text: "",
    isTTY: io.tty ?? false,
    columns: 60,
    write(text: string) {
      this.text += text;
    },
  });
  const [stdout, stderr] = [stream(), stream()];
  return {
    io: {
      stdout,
      stderr,
      env: io.env ?? {},
      toolchain: {
        checkSpec: compile,
        compileSpec: compile,
        compileTrace: compile,
        emit: (artifacts) =>
          Promise.resolve(
            new Map<string, string | Uint8Array>([
              ...artifacts.map((it): [string, string] => [artifactFile(it.target), JSON.stringify(it)]),
              ["kernels/a.wgsl", "fn"],
            ]),
          ),
        openDevice: setup.openDevice ?? (() => Promise.resolve(opened())),
        surveyMachine: () => Promise.reject(new Error("no machine")),
      },
    },
    requests,
    sessions,
    disposed: () => disposed,
    out: () => stdout.text,
    err: () => stderr.text,
    objects: () =>
      stdout.text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}
