// Where NVIDIA's libraries are: the toolkit that CUDA_HOME names, Python's packages, the system's folders. Node on Linux only.

import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { naturally } from "../../ir/natural-order.ts";

/**
 * What people install to have a library, its file, and the versions whose functions are those that are called, newest first. Of cuDNN it is the part that
 * has them: libcudnn itself only looks for the parts, and ends the process at the first call where they are not there.
 */
export const LIBRARIES = {
  nvrtc: { file: "nvrtc", versions: [13, 12], install: "pip install nvidia-cuda-nvrtc" },
  cublasLt: { file: "cublasLt", versions: [13, 12], install: "pip install nvidia-cublas" },
  cudnn: { file: "cudnn_graph", versions: [9], install: "pip install nvidia-cudnn-cu13" },
} as const;

export type LibraryName = keyof typeof LIBRARIES;

export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the file system: for tests. */
  readonly root?: string;
}

/** Files of a library that there are, as they should be tried. */
export function filesOf(name: LibraryName, machine: Machine): readonly string[] {
  const { file, versions } = LIBRARIES[name];
  const names = versions.map((version) => `lib${file}.so.${version}`);
  const files = foldersOf(machine).flatMap((folder) => names.map((each) => join(folder, each)));
  return [...new Set(files)].filter((path) => existsSync(path));
}

/** Those of the toolkits that a user named, or that lie where installers put them. */
export const toolkits = ({ env, root = "/" }: Machine): readonly string[] => [
  ...named(env, "CUDA_HOME", "CUDA_PATH"),
  join(root, "usr/local/cuda"),
  ...matching(join(root, "usr/local"), /^cuda-\d/),
  join(root, "opt/cuda"),
];

function foldersOf(machine: Machine): readonly string[] {
  const { env, root = "/" } = machine;
  const [wanted, others] = split(toolkits(machine), named(env, "CUDA_HOME", "CUDA_PATH").length);
  const libraries = (home: string): string[] =>
    ["lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"].map((at) => join(home, at));
  return [
    ...wanted.flatMap(libraries),
    ...listed(env["LD_LIBRARY_PATH"]),
    ...pythons(machine).flatMap(packagesOf),
    ...others.flatMap(libraries),
    ...["usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib"].map((at) => join(root, at)),
  ];
}

/** Prefixes of Python: of the environment that is on, of those that can be called, of users and of the system. */
function pythons({ env, root = "/" }: Machine): readonly string[] {
  const called = listed(env["PATH"]).filter((folder) => existsSync(join(folder, "python3")));
  const home = named(env, "HOME");
  const versions = [...named(env, "PYENV_ROOT"), ...home.map((at) => join(at, ".pyenv"))].map((at) => join(at, "versions"));
  return [
    ...named(env, "VIRTUAL_ENV", "CONDA_PREFIX"),
    ...called.map((folder) => dirname(folder)),
    ...versions.flatMap((folder) => matching(folder, /^\d/)),
    ...home.map((at) => join(at, ".local")),
    ...["usr/local", "usr"].map((at) => join(root, at)),
  ];
}

/** `lib/python3.12/site-packages/nvidia/cuda_nvrtc/lib`, and of CUDA 13 `nvidia/cu13/lib`. */
const packagesOf = (prefix: string): string[] =>
  matching(join(prefix, "lib"), /^python3/)
    .flatMap((python) => ["site-packages", "dist-packages"].map((at) => join(python, at, "nvidia")))
    .flatMap((nvidia) => matching(nvidia, /^\w/).map((one) => join(one, "lib")));

const split = <T>(all: readonly T[], at: number): readonly [readonly T[], readonly T[]] => [all.slice(0, at), all.slice(at)];

const named = (env: Machine["env"], ...names: readonly string[]): string[] =>
  names.flatMap((name) => (env[name] === undefined || env[name] === "" ? [] : [env[name]]));

const listed = (text = ""): string[] => text.split(":").filter((folder) => folder !== "");

/** What of a folder has a name like this, the greatest first: newer versions. */
function matching(folder: string, name: RegExp): string[] {
  try {
    return readdirSync(folder)
      .filter((entry) => name.test(entry))
      .sort((a, b) => naturally(b, a))
      .map((entry) => join(folder, entry));
  } catch {
    return [];
  }
}
