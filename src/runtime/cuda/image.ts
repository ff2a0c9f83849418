// A program's kernels as one module that the driver loads: PTX, which a compiled folder brings along, or else a compiler makes once and the user's
// cache folder keeps.

import { createHash } from "node:crypto";
import type { Artifact } from "../../ir/artifact.ts";
import { architecturesOf, type Architecture, type Program } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";
import { KeptFiles } from "../kept-files.ts";
import type { KernelCompiler } from "./compiler.ts";
import { findCompiler } from "./find-compiler.ts";
import { OLDEST_CAPABILITY } from "./gpus.ts";
import type { Machine } from "./libraries.ts";

/** What PTX is made for. The driver makes code of it for whatever later GPU there is. */
export const ARCH = `compute_${OLDEST_CAPABILITY}0`;

/**
 * Compilers write the newest version of PTX that they know, which older drivers refuse whatever is in it. Nothing in our kernels is newer than this
 * one, of CUDA 12.0: ptxas, which holds instructions to the version that a file names, says so in a test.
 */
const PTX_VERSION = "8.0";

/** Of the cached form. */
const CACHE_VERSION = 1;

/** For kernels that need an architecture, which only its GPUs run. */
export const archOf = (needs?: Architecture): string => needs?.replace("sm", "compute") ?? ARCH;

/** The text of all kernels that need an architecture, or none, in the order of the program. */
export function moduleText({ prelude = "", kernels: all }: Program, needs?: Architecture): string {
  const kernels = all.filter(({ cuda }) => cuda && cuda.needs === needs);
  // Names tell kernels apart by their text: those of one name are one.
  const texts = new Map(kernels.map(({ cuda, source = "" }) => [cuda?.entry, source]));
  return [prelude, ...texts.values()].join("\n");
}

/** PTX for every driver of CUDA 12 and newer, without what its compiler says of itself. */
export const forAllDrivers = (ptx: string): string =>
  ptx
    .replace(/^\.version .*$/m, `.version ${PTX_VERSION}`)
    .replace(/^\/\/.*\n/gm, "")
    .replace(/\n{2,}/g, "\n")
    .trimStart();

export interface PtxOptions extends Machine {
  /** The folder that keeps what was compiled; nothing is kept unless given. */
  readonly cache?: string | undefined;
}

/** Makes PTX of programs, with one compiler. */
export interface PtxMaker {
  ptxOf(program: Program, needs?: Architecture): Promise<string>;
}

/** Throws a DeviceError where there is nothing to compile with. */
export async function openPtxMaker({ cache, ...machine }: PtxOptions): Promise<PtxMaker> {
  const compiler = await findCompiler(machine);
  const kept =
    cache === undefined
      ? undefined
      : new KeptFiles({ folder: cache, ending: ".ptx", magic: "tlsptx01", mostOfOne: 2 ** 28, mostOfAll: 2 ** 29 });
  return {
    ptxOf: async (program, needs) => {
      const given = needs === undefined ? program.ptx : program.ptxFor?.[needs];
      if (given !== undefined) return given;
      const [text, arch] = [moduleText(program, needs), archOf(needs)];
      const key = keyOf(compiler, text, arch);
      const known = await kept?.find(key, (content) => new TextDecoder().decode(content));
      if (known !== undefined) return known;
      const ptx = forAllDrivers(await compiled(compiler, text, arch));
      await kept?.keep(key, [Buffer.from(ptx)]);
      return ptx;
    },
  };
}

function keyOf({ name, version }: KernelCompiler, text: string, arch: string): string {
  return createHash("sha256").update([CACHE_VERSION, arch, PTX_VERSION, name, version, text].join("\n")).digest("hex");
}

async function compiled(compiler: KernelCompiler, text: string, arch: string): Promise<string> {
  try {
    return await compiler.compile(text, arch);
  } catch (error) {
    // Every kernel of the tests compiles.
    const said = error instanceof Error ? error.message : String(error);
    throw new InternalError(`${compiler.name} ${compiler.version} (${compiler.path}) refuses the kernels: ${said}`);
  }
}

/** With the PTX of each of its programs, so that whoever runs it needs no compiler. */
export async function withPtx(artifact: Artifact, options: PtxOptions): Promise<Artifact> {
  const maker = await openPtxMaker(options);
  const stages = await Promise.all(
    artifact.stages.map(async (stage) => {
      const { program } = stage;
      const others = architecturesOf(program).map(async (needs) => [needs, await maker.ptxOf(program, needs)] as const);
      const ptxFor = Object.fromEntries(await Promise.all(others));
      return { ...stage, program: { ...program, ptx: await maker.ptxOf(program), ...(others.length > 0 && { ptxFor }) } };
    }),
  );
  return { ...artifact, stages };
}
