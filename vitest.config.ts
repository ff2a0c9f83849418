// Two groups of tests, one after the other. `unit` needs no device and runs on every core; `device` trains and draws kernels on
// WebGPU, whose software driver takes all cores by itself, so its files run one at a time.

import { defineConfig } from "vitest/config";

const DEVICE_TESTS = ["test/e2e/**/*.test.ts", "test/runtime/**/*webgpu*.test.ts"];
const EXCLUDED = ["**/node_modules/**", "dist/**", ".cache/**"];

export default defineConfig({
  test: {
    pool: "forks",
    // A software adapter compiles a pipeline in up to a second.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...EXCLUDED, ...DEVICE_TESTS],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: "device", include: DEVICE_TESTS, exclude: EXCLUDED, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
