// Three groups of tests. `unit` needs no device; `e2e` uses the built package as people do; `device` runs kernels on WebGPU. The last two run together:
// one waits for its processes and pages where the other has work.

import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

const E2E_TESTS = ["test/e2e/**/*.test.ts"];
const DEVICE_TESTS = ["test/runtime/**/*webgpu*.test.ts"];
// What Vulkan drivers and browsers want; without it every worker would leave a folder of its own behind.
const RUNTIME_FOLDER = resolve(".cache/runtime");
mkdirSync(RUNTIME_FOLDER, { recursive: true, mode: 0o700 });
const EXCLUDED = ["**/node_modules/**", "dist/**", ".cache/**"];

export default defineConfig({
  test: {
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
          maxWorkers: 2,
          // Half the time would go into loading the same modules again for every file.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "e2e", include: E2E_TESTS, exclude: EXCLUDED, maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: "device", include: DEVICE_TESTS, exclude: EXCLUDED, maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
