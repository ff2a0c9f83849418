// What `module-run.mjs` reports, and the process that runs it in Node.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { CompiledFolder } from "./module-folder.ts";

export interface Outcome {
  readonly device: { readonly kind: string; readonly description: string };
  readonly losses: readonly number[];
  readonly metrics: Readonly<Record<string, number>>;
  readonly labels: readonly string[];
  readonly probabilities: readonly number[];
  /** Of the first 20 after more training, and after loading what was saved before it. */
  readonly further: readonly number[];
  readonly again: readonly number[];
  /** Of the first in another model that loaded what was saved; in Node only. */
  readonly elsewhere?: number;
  readonly savedBytes: number;
  readonly refused: boolean;
  readonly interrupted: boolean;
}

export async function runInNode(folder: CompiledFolder, env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const args = ["--disallow-code-generation-from-strings", "test/e2e/module-node.mjs", folder.path, "cnn.mjs"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
  return JSON.parse(stdout) as Outcome;
}
