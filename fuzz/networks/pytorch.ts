// The Python process that computes what networks should: cases go in, one line each, and files come out.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Failure } from "../fuzzer.ts";

export interface PyTorchCase {
  /** Python: a class Net. */
  readonly module: string;
  /** Python: of `output` and `label`. */
  readonly loss: string;
  /** Python: of `parameters`. */
  readonly optimizer: string;
  /** Of each step's learning rate. */
  readonly factors: readonly number[];
  readonly frozen: readonly string[];
  /** A file with the weights and the batch. */
  readonly given: string;
  /** Files to write, less their endings `.32` and `.64`. */
  readonly out: string;
}

/** @param python an interpreter that has torch and safetensors */
export function startPyTorch(python: string, script: string): (asked: PyTorchCase) => Promise<void> {
  const child = spawn(python, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  child.unref();
  return async (asked) => {
    child.stdin.write(`${JSON.stringify(asked)}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Failure(`${python} ended: has it torch and safetensors? PYTORCH_PYTHON says which interpreter to take`);
    const answer = JSON.parse(value) as { readonly error?: string };
    if (answer.error !== undefined) throw new Failure(`PyTorch: ${answer.error}\n${asked.module}`);
  };
}
