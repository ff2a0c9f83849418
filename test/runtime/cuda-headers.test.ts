// What is called of NVIDIA's libraries, and the values that are handed over, are those of its headers. A header is found in the toolkit or where
// CPLUS_INCLUDE_PATH says; a test without one is skipped, with the reason.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { CUBLAS_STATUSES, CUBLASLT_VALUES, HEURISTIC } from "../../src/runtime/cuda/cublaslt.ts";
import { CUDNN_STATUSES, CUDNN_VALUES } from "../../src/runtime/cuda/cudnn-values.ts";
import { TENSOR_MAP_BYTES, TENSOR_MAP_VALUES } from "../../src/runtime/cuda/tensor-maps.ts";
import { CUBLASLT, CUDNN, DRIVER, DRIVER_SINCE_12, type ParameterKind, type Signatures } from "../../src/runtime/cuda/signatures.ts";
import { NO_HOST_COMPILER } from "../support/cuda-host.ts";

const FOLDERS = [process.env["CUDA_HOME"] ?? "/usr/local/cuda", "/usr"].map((home) => `-I${join(home, "include")}`);

const hasHeader = (name: string): boolean =>
  NO_HOST_COMPILER === undefined &&
  spawnSync("g++", ["-fsyntax-only", "-x", "c++", ...FOLDERS, "-"], { input: `#include <${name}>\n` }).status === 0;

// Handles are pointers, sizes and addresses of the device integers: both are 64 bits where they are passed.
const CHECKS: Readonly<Record<ParameterKind, string>> = {
  i32: "sizeof(T) == 4 && !std::is_pointer_v<T>",
  u32: "sizeof(T) == 4 && !std::is_pointer_v<T>",
  u64: "sizeof(T) == 8",
  u8: "sizeof(T) == 1",
  memory: "std::is_pointer_v<T>",
  text: "std::is_same_v<T, const char *>",
  texts: "std::is_same_v<T, const char *const *>",
};

/** Lines that compile if the functions of a header take what a table says. */
function signatureChecks(table: Signatures): string[] {
  return Object.entries(table).flatMap(([name, kinds]) => {
    const all = `Of<decltype(${name})>::All`;
    return [
      `static_assert(std::tuple_size_v<${all}> == ${kinds.length}, "${name}");`,
      ...kinds.flatMap((kind, i) => [
        `namespace ${name}_${i} { using T = std::tuple_element_t<${i}, ${all}>; static_assert(${CHECKS[kind]}, "${name}, parameter ${i}"); }`,
      ]),
    ];
  });
}

function compiles(header: string, lines: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), "tlc-header-"));
  const head = [
    ...[`#include <${header}>`, "#include <cstddef>", "#include <tuple>", "#include <type_traits>"],
    "template <typename F> struct Of; template <typename R, typename... A> struct Of<R(A...)> { using All = std::tuple<A...>; };",
  ];
  writeFileSync(join(folder, "check.cpp"), [...head, ...lines].join("\n"));
  try {
    execFileSync("g++", ["-std=c++17", "-fsyntax-only", ...FOLDERS, "check.cpp"], { cwd: folder, stdio: "pipe" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const withHeader = (name: string): typeof it => {
  const isThere = hasHeader(name);
  if (!isThere) console.warn(`skipped: no ${name} in the CUDA toolkit or CPLUS_INCLUDE_PATH`);
  return it.skipIf(!isThere) as typeof it;
};

describe("NVIDIA's headers", () => {
  withHeader("cuda.h")("have the driver's functions as they are called", () => {
    compiles("cuda.h", signatureChecks({ ...DRIVER, ...DRIVER_SINCE_12 }));
  });

  withHeader("cuda.h")("have maps of matrices as they are made", () => {
    const values = Object.entries(TENSOR_MAP_VALUES).map(([name, value]) => `static_assert(int(${name}) == ${String(value)}, "${name}");`);
    compiles("cuda.h", [
      ...values,
      `static_assert(sizeof(CUtensorMap) == ${TENSOR_MAP_BYTES} && alignof(CUtensorMap) <= ${TENSOR_MAP_BYTES}, "a map");`,
    ]);
  });

  withHeader("cublasLt.h")("have cuBLASLt's functions as they are called, its values, and what an answer is made of", () => {
    const values = [...Object.entries(CUBLASLT_VALUES), ...Object.entries(CUBLAS_STATUSES).map(([value, name]) => [name, value] as const)];
    const { bytes, algorithm, workspace, status } = HEURISTIC;
    compiles("cublasLt.h", [
      ...signatureChecks(CUBLASLT),
      ...values.map(([name, value]) => `static_assert(int(${name}) == ${String(value)}, "${name}");`),
      ...[
        `sizeof(cublasLtMatmulHeuristicResult_t) == ${bytes}`,
        `sizeof(cublasLtMatmulAlgo_t) == ${algorithm}`,
        `offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize) == ${workspace}`,
        `offsetof(cublasLtMatmulHeuristicResult_t, state) == ${status}`,
      ].map((check) => `static_assert(${check}, "an answer of the library");`),
    ]);
  });

  withHeader("cudnn.h")("have cuDNN's functions as they are called, and its values", () => {
    const values = [...Object.entries(CUDNN_VALUES), ...Object.entries(CUDNN_STATUSES).map(([value, name]) => [name, value] as const)];
    compiles("cudnn.h", [
      ...signatureChecks(CUDNN),
      ...values.map(([name, value]) => `static_assert(int(${name}) == ${String(value)}, "${name}");`),
    ]);
  });
});
