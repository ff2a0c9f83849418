// Hints send nobody to what is refused or not there, and shapes in messages are those of an example.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nearest } from "../../src/diagnostics.ts";
import { LAYERS_ELSEWHERE, SETTINGS_ELSEWHERE } from "../../src/dsl/hints.ts";
import { checkSpec } from "../../src/dsl/index.ts";
import { LAYER_BY_NAME } from "../../src/dsl/layers/index.ts";
import { notText } from "../../src/dsl/not-text.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import { load, readText, ROOT } from "./support.ts";

const REFUSED = ["tokenize"];

describe("hints", () => {
  it("recommend no setting that is refused", () => {
    const goldens = join(ROOT, "test/dsl/diagnostics");
    const helps = readdirSync(goldens).flatMap((name) =>
      (readText(join(goldens, name, "expected.txt")) ?? "").split("\n").filter((line) => line.includes("= help:")),
    );
    expect(helps.length).toBeGreaterThan(100);
    for (const help of [...helps, ...SETTINGS_ELSEWHERE.values()])
      for (const [, word] of help.matchAll(/`(\w+)/g)) expect(REFUSED, help).not.toContain(word);
    for (const word of REFUSED) {
      const { hint } = load(`dataset d {\n  train images("d")\n  ${word}r wordpiece\n}\n`).sink.list()[0] ?? {};
      expect(hint, word).toContain("`preprocess`");
      expect(hint).not.toContain(word);
    }
  });

  it("know layers that there are under other names, or say nothing of them", () => {
    const [, first] = /`(\w+)`/.exec(load("network n {\n  input q: f32[4]\n  dense(3)\n}\n").sink.list()[0]?.hint ?? "") ?? [];
    expect(first).toBe("linear");
    for (const [other, layer] of LAYERS_ELSEWHERE) {
      expect(LAYER_BY_NAME.keys()).toContain(layer.replace(/\(.*/, ""));
      if (!LAYER_BY_NAME.has(other))
        expect(load(`network n {\n  input q: f32[4]\n  ${other}\n}\n`).sink.list()[0]?.hint).toBe(`did you mean \`${layer}\`?`);
    }
  });

  it("find names by their words and initials", () => {
    expect(nearest("learning_rate", ["lr", "momentum"])).toBe("lr");
    expect(nearest("num_classes", ["vocab", "classes"])).toBe("classes");
    expect(nearest("gap", ["relu", "global_avg_pool"])).toBe("global_avg_pool");
    expect(nearest("in_a", ["ia", "b"])).toBe("ia");
    expect(nearest("attention", ["linear", "dropout"])).toBeUndefined();
  });
});

describe("what is no text", () => {
  it("is told from text by its bytes", () => {
    const text = 'network größe {\n  input image: f32[3]\n}\n// für "später"\n';
    const read = (bytes: Buffer): string | undefined => notText(bytes.toString("utf8"));
    expect(read(Buffer.from(text))).toBeUndefined();
    expect(read(Buffer.from(text, "latin1"))).toBe("it is not in UTF-8");
    expect(read(Buffer.from(`${text}${text.replaceAll(/[^ -~\n]/g, "").repeat(10)}`, "latin1"))).toBeUndefined();
    expect(read(Buffer.from(text, "utf16le"))).toBe("it is in UTF-16");
    expect(read(Buffer.from(text, "utf16le").swap16())).toBe("it is in UTF-16");
    expect(read(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13]))).toMatch(/^it is/);
  });
});

describe("shapes in messages", () => {
  const said = (batch: number, body: string): string[] => {
    const spec = load(
      `network n {\n  input q: f32[3, 8, 8]\n  ${body}\n}\nrecipe r {\n  network n\n  loss cross_entropy\n  optimizer sgd(lr: 0.1)\n  batch ${batch}\n}\n`,
    );
    return checkSpec(spec, { builder: createBuilder }).map(({ message }) => message);
  };

  it.each([2, 3, 8, 32])("have no batch axis, and keep an extent that is as large (batch %i)", (batch) => {
    expect(said(batch, "conv2d(3, kernel: 9)")).toEqual(["`conv2d`: a 9x9 kernel does not fit into f32[3, 8, 8]"]);
    expect(said(batch, "max_pool2d(9)")).toEqual(["`max_pool2d`: a 9x9 window does not fit into f32[3, 8, 8]"]);
    expect(said(batch, "reshape([7])")).toEqual(["`reshape`: the 192 values of f32[3, 8, 8] do not fill [7]"]);
  });

  it("are not followed by what a name that there is not has not", () => {
    expect(said(2, "nn.Linear(8, 2)")).toEqual(["there is no layer, block or value `nn`"]);
    expect(said(2, "a: { b: relu }\n  a.c")).toEqual(["the scope `a` has no `c`"]);
  });
});
