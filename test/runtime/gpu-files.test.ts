// A machine's device files, made up.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { mayHaveGpu, mayHaveNvidia } from "../../src/runtime/gpu-files.ts";

function ask(platform: string, files: readonly string[], question: typeof mayHaveGpu = mayHaveGpu): boolean {
  const devices = mkdtempSync(join(tmpdir(), "tlc-dev-"));
  try {
    for (const file of files) {
      mkdirSync(dirname(join(devices, file)), { recursive: true });
      writeFileSync(join(devices, file), "");
    }
    return question(platform, devices);
  } finally {
    rmSync(devices, { recursive: true });
  }
}

describe("mayHaveGpu", () => {
  it.each([["nvidia0"], ["nvidiactl"], ["dri/renderD128"], ["dxg"], ["kgsl-3d0"], ["mali0"]])("sees one in %s", (file) => {
    expect(ask("linux", ["null", "tty", file])).toBe(true);
  });

  it.each([
    ["nothing of the kind", "vda"],
    ["a screen that nobody can compute with", "dri/card0"],
    ["a kind of disk", "nvme0n1"],
  ])("sees none in %s", (_, file) => {
    expect(ask("linux", ["null", "tty", file])).toBe(false);
  });

  it("does not know where it cannot look, or on other systems", () => {
    expect(mayHaveGpu("linux", "/nowhere")).toBe(true);
    expect(ask("darwin", [])).toBe(true);
  });
});

it("mayHaveNvidia sees NVIDIA's files and WSL's, on Linux", () => {
  for (const file of ["nvidia0", "nvidiactl", "dxg"]) expect(ask("linux", ["null", file], mayHaveNvidia), file).toBe(true);
  for (const file of ["dri/renderD128", "nvidia-modeset", "mali0"]) expect(ask("linux", ["null", file], mayHaveNvidia), file).toBe(false);
  expect(ask("win32", ["nvidia0"], mayHaveNvidia)).toBe(false);
  expect(mayHaveNvidia("linux", "/nowhere")).toBe(true);
});
