// NVIDIA's compilers over many kernels: nvcc once for what a folder ships, PTX for every driver since CUDA 12, and ptxas for each GPU that makes code of
// it. In parts, each kept by what it is made of under .cache, so that a change of one kernel compiles the part that it is in.

import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { PRELUDE } from "../../src/codegen/cuda/prelude.ts";
import type { Architecture } from "../../src/ir/program.ts";
import { archOf, forAllDrivers } from "../../src/runtime/cuda/image.ts";
import type { Kernels } from "./cuda-kernels.ts";

const version = spawnSync("nvcc", ["--version"], { encoding: "utf8" });

/** Why there are no such compilers here. */
export const NO_NVCC = version.status === 0 ? undefined : "no nvcc (the CUDA toolkit)";

const CACHE = resolve(".cache/nvcc");
/** Starting nvcc costs as much as a dozen kernels. */
const WORTH_STARTING = 12;
const PARTS = 8;
const AT_ONCE = 2;

const nvccFor = (needs: Architecture | undefined): readonly string[] => ["-ptx", `-arch=${archOf(needs)}`, "-Werror", "all-warnings"];
const PTXAS = ["-v", "-warn-spills", "-Werror"];

/** Of a kernel, what ptxas says of it. */
export interface Usage {
  readonly stack: number;
  readonly spilled: number;
  readonly registers: number;
}

export interface Assembled {
  readonly usage: ReadonlyMap<string, Usage>;
  readonly log: string;
}

/** By architecture, as in `sm_80`. An error has what a compiler said. @param needs of all of the kernels */
export async function assemble(kernels: Kernels, archs: readonly string[], needs?: Architecture): Promise<ReadonlyMap<string, Assembled>> {
  const logs = new Map(archs.map((arch) => [arch, [] as string[]]));
  const count = Math.min(PARTS, Math.ceil(kernels.size / WORTH_STARTING));
  const parts = Array.from({ length: count }, (_, i) => [...kernels].filter(([entry]) => partOf(entry) % count === i));
  const todo = parts.map((part) => [PRELUDE, ...part.map(([, { source = "" }]) => source)].join("\n"));
  const work = async (): Promise<void> => {
    for (let text = todo.pop(); text !== undefined; text = todo.pop())
      for (const [arch, log] of await logsOf(text, archs, nvccFor(needs))) logs.get(arch)?.push(log);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return new Map([...logs].map(([arch, all]) => [arch, { usage: usageIn(all.join("\n")), log: all.join("\n") }]));
}

const digest = (...parts: readonly string[]): string => createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 32);

const partOf = (entry: string): number => parseInt(digest(entry).slice(0, 8), 16) % PARTS;

async function logsOf(text: string, archs: readonly string[], nvcc: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const file = join(CACHE, digest(version.stdout, nvcc.join(), PTXAS.join(), archs.join(), String(forAllDrivers), text));
  if (existsSync(file)) return new Map(JSON.parse(readFileSync(file, "utf8")) as [string, string][]);
  const folder = mkdtempSync(join(tmpdir(), "tlc-nvcc-"));
  const run = async (program: string, ...args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await promisify(execFile)(program, args, { cwd: folder, maxBuffer: 1 << 28 });
    return stdout + stderr;
  };
  try {
    writeFileSync(join(folder, "part.cu"), text);
    const said = await run("nvcc", ...nvcc, "-o", "part.ptx", "part.cu");
    writeFileSync(join(folder, "part.ptx"), forAllDrivers(readFileSync(join(folder, "part.ptx"), "utf8")));
    const logs: [string, string][] = [];
    for (const arch of archs) logs.push([arch, said + (await run("ptxas", ...PTXAS, `-arch=${arch}`, "-o", `${arch}.cubin`, "part.ptx"))]);
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(logs));
    renameSync(`${file}.new`, file);
    return new Map(logs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function usageIn(log: string): Map<string, Usage> {
  const found = new Map<string, Usage>();
  for (const part of log.split("Compiling entry function '").slice(1)) {
    const figure = (pattern: RegExp): number => Number(pattern.exec(part)?.[1] ?? NaN);
    found.set(part.slice(0, part.indexOf("'")), {
      stack: figure(/(\d+) bytes stack frame/),
      spilled: figure(/(\d+) bytes spill stores/),
      registers: figure(/Used (\d+) registers/),
    });
  }
  return found;
}
