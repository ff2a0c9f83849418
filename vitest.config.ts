// Three groups of tests. `unit` needs no device; `e2e` uses the built package as people do; `device` runs kernels on WebGPU. All are one queue, that
// no core waits for the end of a group, with the longest files first and those behind them that share what they have loaded.

import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const E2E_TESTS = ["test/e2e/**/*.test.ts"];
const DEVICE_TESTS = ["test/runtime/**/*webgpu*.test.ts"];
// What Vulkan drivers and browsers want; without it every worker would leave a folder of its own behind.
const RUNTIME_FOLDER = resolve(".cache/runtime");
mkdirSync(RUNTIME_FOLDER, { recursive: true, mode: 0o700 });
const EXCLUDED = ["**/node_modules/**", "dist/**", ".cache/**"];

/** Files of more than half a minute on two cores: at the end of the queue, one would run alone. */
const LONGEST = ["bundlers", "webgpu-traces", "examples", "lifecycle", "published", "package", "demo", "transfer", "cuda-compiles"];

class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId, project }: TestSpecification): number => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return found >= 0 ? found : LONGEST.length + Number(project.name === "unit");
    };
    return Promise.resolve(files.sort((a, b) => place(a) - place(b)));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // One more than cores: files wait for processes and pages of their own.
    maxWorkers: 3,
    pool: "forks",
    // The software driver divides each kernel among threads, which costs more than it brings: files run beside each other instead.
    env: { XDG_RUNTIME_DIR: RUNTIME_FOLDER, LP_NUM_THREADS: "1" },
    setupFiles: ["test/support/setup.ts"],
    // Ends what hangs, and says nothing of how long anything may take on a busy machine.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...EXCLUDED, ...E2E_TESTS, ...DEVICE_TESTS],
          setupFiles: ["test/support/seed.ts"],
          // Half the time would go into loading the same modules again for every file.
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: "e2e", include: E2E_TESTS, exclude: EXCLUDED },
      },
      {
        extends: true,
        test: {
          name: "device",
          include: DEVICE_TESTS,
          exclude: EXCLUDED,
          // As above.
          isolate: false,
          // Each kernel runs for moments: to optimize it, and to choose its instructions well, takes the software driver longer than that. An access
          // to memory is code for each of its lanes, of which four do here; commands that tests start have eight.
          env: { GALLIVM_PERF: "nopt", LP_NATIVE_VECTOR_WIDTH: "128" },
        },
      },
    ],
  },
});
