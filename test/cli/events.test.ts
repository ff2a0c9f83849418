// What `--json` writes: every line is an event that docs/events.md has, with the fields that stand there and no others.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { toolchain } from "../../src/cli/default-toolchain.ts";
import { runCli } from "../../src/cli/program.ts";
import { eventsPage, readEventTypes } from "../support/event-docs.ts";
import { ROOT } from "../dsl/support.ts";

const PAGE = join(ROOT, "docs/events.md");
const types = readEventTypes(ROOT);

const work = mkdtempSync(join(tmpdir(), "tlc-events-"));
const before = process.cwd();
afterAll(() => {
  process.chdir(before);
  rmSync(work, { recursive: true, force: true });
});

interface Said {
  readonly code: number;
  readonly events: readonly (Readonly<Record<string, unknown>> & { readonly event: string })[];
  readonly err: string;
}

async function json(...args: readonly string[]): Promise<Said> {
  let [out, err] = ["", ""];
  const stdout = { write: (text: string) => (out += text) };
  const code = await runCli([...args, "--json"], { stdout, stderr: { write: (text: string) => (err += text) }, env: {}, toolchain });
  const lines = out.split("\n").filter((line) => line !== "");
  return { code, events: lines.map((line) => JSON.parse(line) as Said["events"][number]), err };
}

/** Names that the page does not have, and required ones that are not there. */
function strays({ events }: Said): string[] {
  return events.flatMap((event) => {
    const described = types.events.get(event.event);
    if (!described) return [`no event ${event.event}`];
    const { fields, isOpen } = described;
    const unknown = isOpen ? [] : Object.keys(event).filter((key) => !fields.some(({ name }) => name === key));
    const missing = fields.filter(({ name, isOptional }) => !isOptional && !(name in event)).map(({ name }) => `no ${name}`);
    return [...unknown, ...missing].map((name) => `${event.event}: ${name}`);
  });
}

const names = ({ events }: Said): string[] => [...new Set(events.map(({ event }) => event))];

writeFileSync(join(work, "t.csv"), `q,y\n${Array.from({ length: 12 }, (_, i) => `${i} ${i % 3},${"abc"[i % 3] ?? ""}`).join("\n")}\n`);
const spec = (head: string): string => `network m {
  input q: f32[2]
  fc: linear(3)${head}
}
dataset d {
  train table("t.csv", q: q, label: y)
  test table("t.csv", q: q, label: y)
  split train into train 80%, val 20% seed 1
}
recipe r {
  network m
  data d
  loss cross_entropy
  optimizer sgd(lr: 0.1)
  batch 4
  epochs 1
}
`;

describe("events", () => {
  it("stand in docs/events.md as the source declares them", () => {
    const page = eventsPage(types);
    if (process.env["UPDATE"] === "1") writeFileSync(PAGE, page);
    expect(readFileSync(PAGE, "utf8")).toBe(page);
    for (const { fields } of types.events.values()) expect(fields.map(({ name }) => name)).toContain("event");
  });

  it("of every verb are of those types", async () => {
    process.chdir(work);
    writeFileSync("m.tlspec", spec(""));
    writeFileSync("soft.tlspec", spec(" -> softmax"));
    const run = await json("run", "m.tlspec", "--device", "reference");
    expect([run.code, names(run)]).toEqual([0, expect.arrayContaining(["start", "step", "epoch", "done"]) as string[]]);
    const said = [
      run,
      await json("check", "m.tlspec", "soft.tlspec", "none.tlspec"),
      await json("compile", "m.tlspec", "-o", "built", "-t", "reference"),
      await json("inspect", "built", "--layers"),
      await json("eval", "m.tlspec", "--device", "reference"),
      await json("predict", "m.tlspec", "t.csv", "--device", "reference"),
      await json("explain"),
      await json("explain", "TL0101"),
      await json("explain", "adam"),
      await json("init", "started"),
    ];
    expect(said.flatMap(strays)).toEqual([]);
    expect([...new Set(said.flatMap(names))].sort()).toEqual(
      [
        "check",
        "compiled",
        "created",
        "diagnostic",
        "done",
        "epoch",
        "error",
        "eval",
        "explain",
        "inspect",
        "prediction",
        "start",
        "step",
      ].sort(),
    );
  });

  it("tell of the device that was taken", async () => {
    process.chdir(work);
    writeFileSync("m.tlspec", spec(""));
    const run = await json("run", "m.tlspec", "--threads", "1");
    expect(strays(run)).toEqual([]);
    expect(
      run.events.find(({ event }) => event === "note")?.["message"] ?? run.events.find(({ event }) => event === "start")?.["device"],
    ).toMatch(/no GPU|webgpu/);
  });
});

describe("commands that cannot be meant", () => {
  it.each([
    [["train", "m.tlspec"], "there is no verb train", "Did you mean run?"],
    [["fit"], "there is no verb fit", "Did you mean run?"],
    [["inspct", "m.tlspec"], "there is no verb inspct", "Did you mean inspect?"],
    [["m.tlspec"], "there is no verb m.tlspec", "to train it: tlc run m.tlspec"],
    [["run"], "missing required argument 'spec|folder'", "`tlc --help` shows the verbs, `tlc VERB --help` the options of one"],
    [["run", "x", "--epochs", "3"], "unknown option '--epochs'", "it is a setting of the recipe: `--set epochs=…`"],
    [["run", "x", "--devise", "wasm"], "unknown option '--devise'", "Did you mean --device?"],
    [[], "there is no verb to run", "`tlc --help` shows the verbs, `tlc VERB --help` the options of one"],
  ])("%j", async (args, message, hint) => {
    const { code, events, err } = await json(...args);
    expect(events).toEqual([{ event: "error", code: 2, message, hint }]);
    expect(code).toBe(2);
    if (args.length > 0) expect(err).toBe(`error: ${message}\n  = help: ${hint}\n`);
  });
});
