// The command line: verbs, their options and help. Only the verb that is chosen is described to commander, and its code loaded: so `tlc check`
// starts fast.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { visible } from "../diagnostics/visible.ts";
import type { Every } from "../runtime/checkpoint/clock.ts";
import { packageRoot } from "../package-root.ts";
import type { CompileVerbOptions } from "./compile.ts";
import type { ConvertOptions } from "./convert.ts";
import type { EvalOptions } from "./eval.ts";
import { EXIT, reportFailure } from "./failure.ts";
import type { InspectOptions } from "./inspect.ts";
import type { MergeOptions } from "./merge.ts";
import type { CompileOptions } from "./open.ts";
import type { PredictOptions } from "./predict.ts";
import type { RunOptions } from "./run.ts";
import { DEVICE_NAMES } from "../runtime/opening.ts";
import { Terminal, type CliIo } from "./terminal.ts";
import type { TraceOptions } from "./trace.ts";
import { VERBS, type Verb } from "./verbs.ts";

const EXAMPLES = `
Examples:
  tlc init example                               an example to start from
  tlc check flowers.tlspec                       say what is wrong with a spec
  tlc run flowers.tlspec                         train it, on the best device there is
  tlc run flowers.tlspec --set batch=32 --json   with another batch size, one JSON object per line
  tlc compile flowers.tlspec -o dist             a folder that trains without the compiler
  tlc predict dist photo.jpg                     what the trained network says
  tlc explain TL0101                             what a diagnostic means
  tlc doctor                                     what this machine can train on

Exit codes: 0 ok, 1 the run failed, 2 usage, spec or data, 3 no such device here, 4 the loss is not a number, 129, 130 and 143 stopped by a signal.
Set NO_COLOR=1 for plain text, TLC_DEBUG=1 for stack traces.`;

const TARGETS = DEVICE_NAMES.filter((name) => name !== "auto");

const STREAM = "read pictures when they are used, as where they do not fit, instead of holding them in memory";

const collect = (value: string, earlier: readonly string[]): readonly string[] => {
  if (!/^[^=]+=/.test(value)) throw new InvalidArgumentError("write it as path=value, e.g. batch=32 or stage.tune.epochs=1.");
  return [...earlier, value];
};

const natural = (value: string): number => {
  if (!/^[1-9]\d{0,6}$/.test(value)) throw new InvalidArgumentError("it takes a whole number from 1.");
  return Number(value);
};

const checkpointEvery = (value: string): Every => {
  const [, number = "", unit = ""] = /^([1-9]\d{0,8})(s|m|)$/.exec(value) ?? [];
  if (number === "") throw new InvalidArgumentError("it takes a number of steps, or a time as in 90s or 10m.");
  return unit === "" ? { steps: Number(number) } : { seconds: Number(number) * (unit === "m" ? 60 : 1) };
};

const USUAL_TARGETS: readonly string[] = ["webgpu"];

/** In the order of the list of targets, best first, each once; the option may be given more than once. */
const targetList = (value: string, before: readonly string[]): readonly string[] => {
  const names = value.split(",").map((name) => name.trim());
  if (names.some((name) => !TARGETS.some((target) => target === name)))
    throw new InvalidArgumentError(`Allowed choices are ${TARGETS.join(", ")}, or several of them with commas.`);
  const others = before === USUAL_TARGETS ? [] : before;
  return TARGETS.filter((target) => names.includes(target) || others.includes(target));
};

const running = (command: Command): Command =>
  command
    .addOption(new Option("-d, --device <device>", "where to run").choices(DEVICE_NAMES).default("auto"))
    .addOption(
      new Option("--threads <n>", "threads of the wasm device (default: one for each processor)").env("TLC_THREADS").argParser(natural),
    )
    .option("--no-tune", "on cuda and webgpu, take the compiler's guess of the fastest kernels, without measuring others");
const targetOption = (): Option => new Option("-t, --target <target>", "what to compile for").choices(TARGETS).default("webgpu");
const targetsOption = (): Option =>
  new Option("-t, --target <targets>", `what to compile for: ${TARGETS.join(", ")}, or several of them with commas`)
    .argParser(targetList)
    .default(USUAL_TARGETS, "webgpu");

/** Options of verbs that compile a spec. */
function compiling(command: Command): Command {
  return command
    .option("--recipe <name>", "which recipe, where the spec has several")
    .option("--set <path=value>", "override a value of the recipe; repeatable", collect, [])
    .option("--root <dir>", "the folder that imports and data must lie in (default: the one that the spec, or the compiled folder, is in)")
    .option("--json", "one JSON object per line on stdout");
}

const dumping = (command: Command): Command => command.option("--dump-after <pass>", "print the program after this pass to stderr");

interface GlobalOptions {
  readonly json?: boolean;
  readonly color?: boolean;
}

/** Resolves to the exit code; never rejects. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = new Command("tlc")
    .description("A declarative compiler for neural networks and transfer learning.")
    .version(version(), "-V, --version", "print the version")
    .option("--no-color", "plain text")
    .helpCommand("help [verb]", "help for a verb")
    .addHelpText("after", EXAMPLES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(visible(text)),
      writeErr: (text) => io.stderr.write(visible(text)),
      // Said below, like every other error.
      outputError: () => undefined,
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    });

  /** What a verb does, with its failures turned into exit codes. */
  const verb =
    <Args extends readonly unknown[]>(body: (terminal: Terminal, ...args: Args) => Promise<number> | number) =>
    async (...passed: [...Args, Command]): Promise<void> => {
      const command = passed.at(-1) as Command;
      const terminal = new Terminal(io, command.optsWithGlobals<GlobalOptions>());
      try {
        exitCode = await body(terminal, ...(passed.slice(0, -1) as unknown as Args));
      } catch (error) {
        exitCode = reportFailure(error, terminal);
      }
    };

  const verbs: Readonly<Record<Verb, () => Command>> = {
    init: () =>
      program
        .command("init")
        .description("an example to start from: a spec, and the pictures it trains on")
        .argument("[folder]", "where to write it", ".")
        .option("--json", "one JSON object per line on stdout")
        .action(verb(async (terminal, folder: string, _: object) => (await import("./init.ts")).init(folder, terminal))),

    check: () =>
      compiling(program.command("check"))
        .description("check specs without running them")
        .argument("<spec...>", "a .tlspec file, or its JSON form")
        .action(
          verb(async (terminal, files: string[], options: CompileOptions) => (await import("./check.ts")).check(files, options, terminal)),
        ),

    compile: () =>
      dumping(compiling(program.command("compile")))
        .description("compile a spec to a folder")
        .argument("<spec>", "a .tlspec file, or its JSON form")
        .requiredOption("-o, --out <dir>", "the folder to write")
        .addOption(targetsOption())
        .action(
          verb(async (terminal, file: string, options: CompileVerbOptions) =>
            (await import("./compile.ts")).compile(file, options, terminal),
          ),
        ),

    run: () =>
      running(dumping(compiling(program.command("run"))))
        .description("train a spec, or a compiled folder")
        .argument("<spec|folder>", "a .tlspec file, or what `tlc compile` wrote")
        .option("-o, --out <file>", "where to save the weights (default: a new folder, runs/RECIPE/N)")
        .option("-w, --weights <file>", "start from these weights")
        .option("--delta", "also write what the training changed of the weights that it began with; `tlc merge` makes one file of both")
        .option("--resume [run]", "go on with a run that was stopped, by its number or folder (default: the newest of this spec)")
        .option(
          "--checkpoint-every <n|time>",
          "a checkpoint every so many steps, or as in 90s or 10m, and after each epoch",
          checkpointEvery,
        )
        .option("--find-rate", "train for a hundred steps with a growing rate, say which rate the loss falls fastest at, and save nothing")
        .option("--stream", STREAM)
        .option("--no-cache", "compute frozen layers in every step, as if their features could not be kept")
        .action(verb(async (terminal, path: string, options: RunOptions) => (await import("./run.ts")).run(path, options, terminal))),

    eval: () =>
      running(compiling(program.command("eval")))
        .description("metrics of saved weights")
        .argument("<spec|folder>", "a .tlspec file, or what `tlc compile` wrote")
        .option("-w, --weights <file>", "the weights (default: those of the newest run)")
        .option("--split <name>", "train, val or test", "test")
        .option("--stream", STREAM)
        .action(
          verb(async (terminal, path: string, options: EvalOptions) => (await import("./eval.ts")).evaluate(path, options, terminal)),
        ),

    predict: () =>
      running(compiling(program.command("predict")))
        .description("what saved weights say about pictures, or the rows of tables")
        .argument("<spec|folder>", "a .tlspec file, or what `tlc compile` wrote")
        .argument("<file...>", "images and folders of them; or .csv, .tsv and .jsonl files, and - for such a table on the standard input")
        .option("-w, --weights <file>", "the weights (default: those of the newest run)")
        .option("--masks <folder>", "where masks are written to, of a network with classes for pixels")
        .action(
          verb(async (terminal, path: string, files: string[], options: PredictOptions) =>
            (await import("./predict.ts")).predict(path, files, options, terminal),
          ),
        ),

    trace: () =>
      running(dumping(compiling(program.command("trace"))))
        .description("training steps on one given batch, for comparison with other implementations")
        .argument("<spec>", "a .tlspec file, or its JSON form")
        .requiredOption("--input <file>", "safetensors with weight/NAME, batch/INPUT and batch/label")
        .requiredOption("--out <file>", "where to write loss, output, grad/NAME and after/NAME")
        .option("--steps <n>", "how many steps", natural, 1)
        .option("--stage <name>", "of which stage (default: the first)")
        .action(verb(async (terminal, file: string, options: TraceOptions) => (await import("./trace.ts")).trace(file, options, terminal))),

    inspect: () =>
      dumping(compiling(program.command("inspect")))
        .description("parameters, kernels and memory of a recipe")
        .argument("<spec|folder>", "a .tlspec file, or what `tlc compile` wrote")
        .addOption(targetOption())
        .option("--layers", "also what each layer takes of a training step")
        .action(
          verb(async (terminal, path: string, options: InspectOptions) => (await import("./inspect.ts")).inspect(path, options, terminal)),
        ),

    convert: () =>
      program
        .command("convert")
        .description("a file of weights to safetensors, tensor by tensor")
        .argument("<file>", "what PyTorch or the hub has: .pth, .pt, .bin, an index of several, or hf:OWNER/NAME")
        .requiredOption("-o, --out <file>", "the safetensors file to write")
        .option("--json", "one JSON object per line on stdout")
        .action(
          verb(async (terminal, file: string, options: ConvertOptions) => (await import("./convert.ts")).convert(file, options, terminal)),
        ),

    merge: () =>
      program
        .command("merge")
        .description("the weights that a training began with and what it changed (`tlc run --delta`), or an adapter, as one file")
        .argument("<base>", "the weights it began with: a file, or hf:OWNER/NAME")
        .argument("<delta>", "what the training changed, or the folder of an adapter (`adapt`, or PEFT's)")
        .requiredOption("-o, --out <file>", "the safetensors file to write")
        .option("--json", "one JSON object per line on stdout")
        .action(
          verb(async (terminal, base: string, delta: string, options: MergeOptions) =>
            (await import("./merge.ts")).merge(base, delta, options, terminal),
          ),
        ),

    doctor: () =>
      program
        .command("doctor")
        .description("what this machine can train on, what is missing, and which device `--device auto` takes")
        .option("--json", "one JSON object per line on stdout")
        .action(verb(async (terminal, _: object) => (await import("./doctor.ts")).doctor(terminal))),

    explain: () =>
      program
        .command("explain")
        .description("what a diagnostic means, or a layer or word of a recipe does; without a name, all of them")
        .argument("[name]", "a code, as in TL0101, or a word, as in adam")
        .option("--json", "one JSON object per line on stdout")
        .action(verb(async (terminal, name: string | undefined, _: object) => (await import("./explain.ts")).explain(name, terminal))),
  };
  // All of them where somebody may want to read of all of them.
  const chosen = VERBS.find((name) => name === args[0]);
  for (const name of chosen === undefined ? VERBS : [chosen]) verbs[name]();

  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    // Help and version were asked for when commander calls them a success.
    const isCommand = error instanceof CommanderError;
    if (isCommand && error.exitCode === 0) return EXIT.ok;
    const terminal = new Terminal(io, { json: args.includes("--json"), color: !args.includes("--no-color") });
    if (!isCommand) return reportFailure(error, terminal);
    const { usageError } = await import("./usage.ts");
    // `tlc` alone has shown its help.
    if (error.code === "commander.help" && !terminal.json) return EXIT.usage;
    return reportFailure(usageError(error, VERBS), terminal);
  }
  return exitCode;
}

function version(): string {
  const manifest = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { readonly version: string };
  return manifest.version;
}
