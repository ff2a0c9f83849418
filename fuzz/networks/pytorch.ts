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
  /** The file to write: what is right. */
  readonly out: string;
}

/** Of each tensor, how far float32 may be from what is right; null where it is no number. */
export type Noise = Readonly<Record<string, number | null>>;

/** @param python an interpreter that has torch and safetensors */
export function startPyTorch(python: string, script: string): (asked: PyTorchCase) => Promise<Noise> {
  const child = spawn(python, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  child.unref();
  return async (asked) => {
    child.stdin.write(`${JSON.stringify(asked)}\n`);
    const next = await answers.next();
    if (next.done === true)
      throw new Failure(`${python} ended: has it torch and safetensors? PYTORCH_PYTHON says which interpreter to take`);
    const answer = JSON.parse(next.value) as { readonly error?: string; readonly noise?: Noise };
    if (!answer.noise) throw new Failure(`PyTorch: ${answer.error ?? "no answer"}\n${asked.module}`);
    return answer.noise;
  };
}
