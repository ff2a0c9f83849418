// Reading text: every form of the language, recovery after faults, limits, and printing as the inverse of reading.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DiagnosticSink } from "../../src/diagnostics.ts";
import type { Declaration, Expr, Spec } from "../../src/dsl/ast.ts";
import { parseSpec } from "../../src/dsl/parse.ts";
import { printSpec } from "../../src/dsl/print.ts";
import { arbitrarySpec } from "./arbitrary-spec.ts";
import { parseClean, ROOT, validator, withoutSpans } from "./support.ts";

const everyForm = readFileSync(join(ROOT, "test/dsl/fixtures/every-form.tlspec"), "utf8");
const codes = (text: string): string[] => {
  const sink = new DiagnosticSink();
  parseSpec("main.tlspec", text, sink);
  return sink.list().map(({ code }) => code);
};
const expression = (text: string): Expr => {
  const [network] = parseClean(`network a = ${text}`).declarations;
  if (network?.kind !== "alias") throw new Error("not an alias");
  return network.value;
};
/** Fully parenthesized. */
const shape = (it: Expr): string => {
  switch (it.kind) {
    case "binary":
      return `(${shape(it.left)} ${it.operator} ${shape(it.right)})`;
    case "unary":
      return `(${it.operator} ${shape(it.operand)})`;
    case "ref":
      return it.name;
    case "member":
      return `${shape(it.object)}.${it.name}`;
    default:
      return it.kind;
  }
};

describe("reading", () => {
  it("takes every form of the language", () => {
    const spec = parseClean(everyForm);
    expect(spec.imports.map(({ from }) => from)).toEqual(["tlc:zoo/resnet", "./other.tlspec"]);
    expect(spec.declarations.map((it: Declaration) => `${it.kind} ${it.name}`)).toEqual([
      "network cnn",
      "block basic_block",
      "block empty",
      "alias resnet18",
      "dataset flowers",
      "recipe flowers",
    ]);
    expect(spec.declarations[0]?.doc).toBe("Two convolutions, two dense layers.\n\nThe classes are digits.");
  });

  it("gives every node the span of its text", () => {
    const text = "network a {\n  input image: f32[3]\n  fc: linear(1 + 2)\n}\n";
    const [network] = parseClean(text).declarations;
    const chain = network?.kind === "network" ? network.body.statements[1] : undefined;
    const step = chain?.kind === "chain" ? chain.steps[0] : undefined;
    const slice = (span: { start: number; end: number } | undefined): string => text.slice(span?.start, span?.end);
    expect(slice(step?.label?.span)).toBe("fc");
    expect(slice(step?.action.span)).toBe("linear(1 + 2)");
    expect(step?.action.kind === "call" ? slice(step.action.args[0]?.value.span) : "").toBe("1 + 2");
  });

  it.each([
    ["a + b * c", "(a + (b * c))"],
    ["a - b - c", "((a - b) - c)"],
    ["a or b and not c == d", "(a or (b and (not (c == d))))"],
    ["-a * b", "((- a) * b)"],
    ["- -a.b", "(- (- a.b))"],
    ["0..a + 1", "(number .. (a + number))"],
    ["a < b == true", undefined],
  ])("reads %s by precedence", (text, expected) => {
    if (expected === undefined) expect(codes(`network a = ${text}`)).toEqual(["TL0110"]);
    else expect(shape(expression(text))).toBe(expected);
  });

  it("keeps the unit of a number", () => {
    expect(withoutSpans(expression("[5%, 0.1x, 1e-3, 7 % 2, 7%2]"))).toEqual({
      kind: "list",
      items: [
        { kind: "number", value: 5, unit: "%" },
        { kind: "number", value: 0.1, unit: "x" },
        { kind: "number", value: 0.001 },
        { kind: "binary", operator: "%", left: { kind: "number", value: 7 }, right: { kind: "number", value: 2 } },
        { kind: "binary", operator: "%", left: { kind: "number", value: 7 }, right: { kind: "number", value: 2 } },
      ],
    });
  });

  it("takes words with a meaning elsewhere as names", () => {
    parseClean("network data(batch, train, network, stage, from) {\n  input input: f32[batch]\n  block: linear(train)\n  recipe: relu\n}");
  });

  it("reads 5,000 lines", () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `  layer${i}: linear(${i + 1}, bias: ${i % 2 === 0}) -> relu`);
    const spec = parseClean(`network long {\n  input x0: f32[8]\n${lines.join("\n")}\n}\n`);
    const [network] = spec.declarations;
    expect(network?.kind === "network" ? network.body.statements.length : 0).toBe(5001);
  });
});

describe("recovery", () => {
  it("shows the faults of every declaration, and keeps what is whole", () => {
    const text = [
      "network a {\n  conv1: conv2d(32, kernel: )\n  fc: linear(,)\n}",
      "netwrok b {}",
      "network c { flatten }",
      "recipe d {\n  batchsize 32\n  optimizer sgd(lr 0.1)\n}",
      "dataset e {\n  trian images(1)\n}",
    ].join("\n");
    const sink = new DiagnosticSink();
    const { spec, broken } = parseSpec("main.tlspec", text, sink);
    const places = sink.list().map(({ code, span }) => `${code} line ${text.slice(0, span.start).split("\n").length}`);
    expect(places).toEqual(["TL0106 line 2", "TL0106 line 3", "TL0107 line 5", "TL0106 line 9", "TL0401 line 12"]);
    expect(spec.declarations.map(({ name }) => name)).toEqual(["c", "e"]);
    expect([...broken]).toEqual(["b", "a", "d"]);
  });

  it("finds a forgotten brace at the next declaration", () => {
    expect(codes("network a {\n  flatten\nnetwork b {\n  relu\n}\n")).toEqual(["TL0106"]);
  });
});

describe("limits", () => {
  const nested = (depth: number): string => `network a = ${"(".repeat(depth)}1${")".repeat(depth)}`;
  it("takes 64 levels and refuses 65", () => {
    expect(codes(nested(64))).toEqual([]);
    expect(codes(nested(65))).toEqual(["TL0902"]);
    expect(codes(`network a {${" { ".repeat(63)}relu${" } ".repeat(63)}}`)).toEqual([]);
    expect(codes(`network a {${" { ".repeat(64)}relu${" } ".repeat(64)}}`)).toEqual(["TL0902"]);
  });

  it("reads a long else-if without nesting", () => {
    expect(codes(`network a {\n${"if b { relu } else ".repeat(5000)}{ relu } }`)).toEqual([]);
  });

  it.each([
    ["a million brackets", "network a = " + "(".repeat(1e6)],
    ["a deep if", `network a = ${"if b then ".repeat(5000)}1`],
    ["many signs", `network a = ${"- ".repeat(5000)}1`],
    ["many nots", `network a = ${"not ".repeat(5000)}true`],
    ["a long sum", `network a = 1${" + 1".repeat(5000)}`],
    ["a long path", `network a = b${".c".repeat(5000)}`],
    ["many calls", `network a = b${"()".repeat(5000)}`],
    ["one character", "@".repeat(1 << 20)],
    ["open strings", '"\n'.repeat(1e5)],
    ["arrows", "->".repeat(1e5)],
    ["over 1 MiB", " ".repeat((1 << 20) + 1)],
    ["over 200,000 tokens", "a ".repeat(200_001)],
  ])("answers %s with a diagnostic", (_, text) => {
    expect(codes(text).length).toBeGreaterThan(0);
  });
});

describe("printing", () => {
  const roundTrip = (spec: Spec): void => {
    const printed = printSpec(spec);
    const again = parseClean(printed);
    expect(withoutSpans(again)).toEqual(withoutSpans(spec));
    expect(printSpec(again)).toBe(printed);
  };

  it("is the inverse of reading, for every form", () => roundTrip(parseClean(everyForm)));

  it.each(["\\", "\\n", 'say "x"', "a\nb\tc\r", "\u0000\u001b[31m", "\u007f\u0085", "\u2028\u2029", "ä 😀 ${x} `"])(
    "keeps the string %j",
    (value) => {
      const spec = JSON.stringify(parseClean('dataset d {\n  train images("PATH")\n}\n'));
      roundTrip(JSON.parse(spec.replace('"PATH"', JSON.stringify(value).replaceAll("$", "$$$$"))) as Spec);
    },
  );

  it.each(["decay (-*) except fc", "decay (* except a) except fc", "regularize (1 + *) except fc"])(
    "keeps apart whose exceptions they are in %s",
    (line) => {
      roundTrip(parseClean(`recipe r {\n  ${line}\n}\n`));
    },
  );

  it("is the inverse of reading, for random specs", () => {
    fc.assert(fc.property(arbitrarySpec, roundTrip), { seed: 1, numRuns: 150 });
  });
});

describe("the JSON form", () => {
  const read = (text: string): { readonly spec: Spec | undefined; readonly codes: string[] } => {
    const sink = new DiagnosticSink();
    const spec = validator("main.json", text, sink);
    return { spec, codes: sink.list().map(({ code }) => code) };
  };

  it("is the AST, with or without spans", () => {
    const spec = parseClean(everyForm);
    for (const value of [spec, withoutSpans(spec)]) {
      const { spec: again, codes } = read(JSON.stringify(value));
      expect(codes).toEqual([]);
      expect(withoutSpans(again)).toEqual(withoutSpans(spec));
    }
  });

  it("holds every spec that text can hold", () => {
    fc.assert(
      fc.property(arbitrarySpec, (spec) => {
        expect(read(JSON.stringify(withoutSpans(spec))).codes).toEqual([]);
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  it.each([
    ["{", "TL0113"],
    ["[]", "TL0114"],
    ['{"kind":"spec","imports":[]}', "TL0114"],
    ['{"kind":"spec","imports":[],"declarations":[],"__proto__":{}}', "TL0114"],
    ['{"kind":"spec","imports":[],"declarations":[{"kind":"netwrok","name":"a"}]}', "TL0114"],
    [
      '{"kind":"spec","imports":[],"declarations":[{"kind":"block","name":"a b","params":[],"body":{"kind":"body","statements":[]}}]}',
      "TL0114",
    ],
    [`{"kind":"spec","imports":[],"declarations":${"[".repeat(5000)}${"]".repeat(5000)}}`, "TL0902"],
  ])("refuses %.60s", (text, code) => {
    expect(read(text).codes).toEqual([code]);
  });
});
