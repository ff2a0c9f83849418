// Builds dist/: the library with tsc, the command line and the runtime of generated modules with esbuild. Run by `npm run build` and, on
// installation from a checkout, by `npm ci`.

import { execFileSync } from "node:child_process";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleCli } from "./bundle-cli.mjs";
import { bundleRuntime } from "./bundle-runtime.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);

rmSync(join(root, "dist"), { recursive: true, force: true });
execFileSync(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", join(root, "tsconfig.json")], { stdio: "inherit", cwd: root });
rmSync(join(root, "dist/cli"), { recursive: true });
await bundleCli(join(root, "dist/cli"));
chmodSync(join(root, "dist/cli/main.js"), 0o755);
writeFileSync(join(root, "dist/runtime-webgpu.mjs"), await bundleRuntime());
