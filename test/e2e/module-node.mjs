// Runs a compiled folder in Node: node --disallow-code-generation-from-strings module-node.mjs FOLDER MODULE. Prints what came out.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { trainAndPredict } from "./module-run.mjs";

const [folder, module] = process.argv.slice(2);
const bytes = (name) => new Uint8Array(readFileSync(join(folder, name)));
const compiled = await import(pathToFileURL(resolve(folder, module)).href);
const pixels = bytes("pixels.bin");
const { saved, ...outcome } = await trainAndPredict(compiled, pixels, bytes("labels.bin"));

const other = await compiled.create();
await other.load(saved);
const [first] = await other.predict([pixels.subarray(0, 400)]);
other.dispose();
console.log(JSON.stringify({ ...outcome, savedBytes: saved.length, elsewhere: first.probability }));
