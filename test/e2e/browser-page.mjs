// The page of the browser test: does with the compiled folder what module-node.mjs does in Node, and leaves the outcome for the test.

import * as compiled from "/model/cnn.mjs";
import { trainAndPredict } from "/module-run.mjs";

const bytes = async (name) => new Uint8Array(await (await fetch(`/model/${name}`)).arrayBuffer());
globalThis.outcome = Promise.all([bytes("pixels.bin"), bytes("labels.bin")])
  .then((data) => trainAndPredict(compiled, ...data))
  .then(({ saved, ...outcome }) => ({ ...outcome, savedBytes: saved.length }));
