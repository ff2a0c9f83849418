#!/usr/bin/env node
// The command line starts here: in one script, since Node opens one file faster than fifty, with what V8 compiled of it before.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "./cache-folder.ts";
import { runKept } from "./kept-code.ts";
import { VERBS } from "./verbs.ts";

/** Of the script; the build puts it in. */
declare const SCRIPT_HASH: string;

const verb = VERBS.find((name) => name === process.argv[2]) ?? "other";
// Node's own cache goes by the same name.
const folder = (process.env["NODE_DISABLE_COMPILE_CACHE"] ?? "") === "" ? cacheFolder(process.env, "code") : undefined;
const kept = folder && join(folder, `${verb}-${process.version}-${process.arch}-${SCRIPT_HASH}`);
const { exports, keep } = runKept(fileURLToPath(new URL("../tlc.cjs", import.meta.url)), kept);
process.on("exit", keep);
await (exports as typeof import("./process.ts")).main(keep);
