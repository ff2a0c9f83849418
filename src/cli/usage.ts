// Commands that cannot be meant, as they are told: what is wrong with them, and what was most likely meant.

import type { CommanderError } from "commander";
import { nearest } from "../diagnostics/suggest.ts";
import { UsageError } from "./failure.ts";

/** Verbs under their names elsewhere. */
const VERBS_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...["train", "fit", "start", "exec"].map((name) => [name, "run"] as const),
  ...["build", "make", "export"].map((name) => [name, "compile"] as const),
  ...["test", "evaluate", "score"].map((name) => [name, "eval"] as const),
  ...["infer", "classify", "inference"].map((name) => [name, "predict"] as const),
  ...["lint", "validate", "verify"].map((name) => [name, "check"] as const),
  ...["summary", "info", "show"].map((name) => [name, "inspect"] as const),
  ...["devices", "status", "env", "diagnose"].map((name) => [name, "doctor"] as const),
  ...["new", "create"].map((name) => [name, "init"] as const),
]);

/** Settings of a recipe that people look for among the options. */
const SETTINGS = ["epochs", "batch", "seed"];
const OPTIONS_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...SETTINGS.map((name) => [`--${name}`, `it is a setting of the recipe: \`--set ${name}=…\``] as const),
  ...["--lr", "--learning-rate"].map((name) => [name, "it is an argument of the optimizer: `--set optimizer.lr=…`"] as const),
  ...["--batch-size", "--batch_size"].map((name) => [name, "it is a setting of the recipe: `--set batch=…`"] as const),
  ["--gpu", "the device is chosen by `--device webgpu`"],
  ["--cuda", "the device is chosen by `--device cuda`"],
  ["--cpu", "the device is chosen by `--device wasm`"],
]);

const HELP = "`tlc --help` shows the verbs, `tlc VERB --help` the options of one";

/** @param verbs all that there are */
export function usageError({ code, message }: CommanderError, verbs: readonly string[]): UsageError {
  const [first = "", suggestion = ""] = message.replace(/^error: /, "").split("\n");
  const named = /'([^']*)'/.exec(first)?.[1] ?? "";
  // Without a verb nobody has declared the option.
  if (code === "commander.help" || named === "--json") return new UsageError("there is no verb to run", HELP);
  if (code === "commander.unknownCommand") return new UsageError(`there is no verb ${named}`, verbHint(named, verbs));
  if (code === "commander.unknownOption") {
    const meant = /Did you mean (.*)\?/.exec(suggestion)?.[1];
    return new UsageError(first, OPTIONS_ELSEWHERE.get(named) ?? (meant === undefined ? HELP : `Did you mean ${meant}?`));
  }
  return new UsageError(first, HELP);
}

function verbHint(name: string, verbs: readonly string[]): string {
  if (/\.(tlspec|json)$/.test(name)) return `to train it: tlc run ${name}`;
  const meant = VERBS_ELSEWHERE.get(name) ?? nearest(name, verbs);
  return meant === undefined ? HELP : `Did you mean ${meant}?`;
}
