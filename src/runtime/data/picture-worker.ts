// The file that a thread which reads pictures starts with: which examples it is asked for, and their column.

import { parentPort, workerData } from "node:worker_threads";
import { loadSteps } from "../../ir/recipe/steps/host.ts";
import { InternalError } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import type { Answer, Question, ThreadSource } from "./picture-threads.ts";
import { readPictures } from "./read-pictures.ts";

const port = parentPort;
if (port === null) throw new InternalError("this file is for a thread");
const { plans, shape, ...rest } = workerData as ThreadSource;
const source = { ...rest, storage: { shape, steps: loadSteps(plans) } };

port.on("message", ({ id, examples }: Question) => {
  const answer = (message: Answer, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  readPictures(source, examples).then(
    (read) => answer({ id, read }, [read.column.data.buffer as ArrayBuffer]),
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      answer({ id, fault: error instanceof DataError ? { message, hint: error.hint } : { message } });
    },
  );
});
