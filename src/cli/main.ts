#!/usr/bin/env node
// The command line starts here: in one script, since Node opens one file faster than fifty, with what V8 compiled of it before.

import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { cacheFolder } from "../runtime/cache-folder.ts";
import { runKept } from "./kept-code.ts";
import { VERBS } from "./verbs.ts";

/** Of the script; the build puts it in. */
declare const SCRIPT_HASH: string;

const verb = VERBS.find((name) => name === process.argv[2]) ?? "other";
// A check is over before code that V8 made faster meanwhile has paid for itself: a sixth of its time. Code is kept with flags, so it is
// set first, and always.
if (verb === "check" && process.versions.node.startsWith("20.")) setFlagsFromString("--interrupt-budget=500000");
// Node's own cache goes by the same name.
const folder = (process.env["NODE_DISABLE_COMPILE_CACHE"] ?? "") === "" ? cacheFolder(process.env, "code") : undefined;
const kept = folder && join(folder, `${verb}-${process.version}-${process.arch}-${SCRIPT_HASH}`);
const { exports, keep } = runKept(join(import.meta.dirname, "../tlc.cjs"), kept);
process.on("exit", keep);
void (exports as typeof import("./process.ts")).main(keep);
