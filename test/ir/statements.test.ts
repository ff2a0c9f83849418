// Where statements place the values of expressions, as scopes open and close around them: in the outermost loop that knows what they are
// made of, now and not some scopes ago.

import { expect, it } from "vitest";
import { acc, add, axis, binary, float, int, load, mul, select, type Expr } from "../../src/ir/loop/expr.ts";
import { BRACES, indented, Statements, type Syntax } from "../../src/ir/loop/statements.ts";

const SYNTAX: Syntax = {
  ...BRACES,
  expression: (expr, operands) => {
    if (expr.kind === "const") return String(expr.value);
    return `${"op" in expr ? expr.op : expr.kind}${expr.kind === "load" ? String(expr.buffer) : ""}(${operands.join(", ")})`;
  },
  define: (name, _dtype, text) => `${name} = ${text}`,
  declare: (name) => name,
  assign: (name, _dtype, text) => `${name} = ${text}`,
  hint: () => "v",
  reserved: new Set(),
};

const i = axis("i", 100);
const at = (index: Expr, buffer = 0): Expr => load(buffer, index, "f32");
const three = mul(i, int(3));

const close = (s: Statements, header: string): void => s.line(header, ...indented(s.close()), "}");

function statements(write: (s: Statements) => void): string[] {
  const s = new Statements(SYNTAX);
  write(s);
  return s.finish();
}

it("a value moves out of loops that do not know it", () => {
  const lines = statements((s) => {
    s.bindAxis("i", "i");
    s.open();
    s.line(s.value(at(three)));
    close(s, "loop");
  });
  expect(lines).toEqual(["v = load0(mul(i, 3))", "loop", "  v", "}"]);
});

it("a variable of a scope that is closed is not known any more", () => {
  const lines = statements((s) => {
    s.open();
    s.bindAxis("i", "first");
    s.line(s.value(three));
    close(s, "one");
    s.open();
    s.open();
    s.bindAxis("i", "second");
    s.line(s.value(three));
    close(s, "inner");
    close(s, "other");
  });
  expect(lines).toEqual(["one", "  mul(first, 3)", "}", "other", "  inner", "    mul(second, 3)", "  }", "}"]);
});

it("a variable that is bound anew is the new one", () => {
  const lines = statements((s) => {
    s.bindAxis("i", "outer");
    s.line(s.value(three));
    s.open();
    s.bindAxis("i", "inner");
    s.line(s.value(three));
    close(s, "loop");
  });
  expect(lines).toEqual(["mul(outer, 3)", "loop", "  mul(inner, 3)", "}"]);
});

it("a result that is bound anew is the new one", () => {
  const square = mul(acc(0, "f32"), float(2));
  const lines = statements((s) => {
    s.bindAcc(0, "outer");
    s.line(s.value(square));
    s.open();
    s.bindAcc(0, "inner");
    s.line(s.value(square));
    close(s, "loop");
  });
  expect(lines).toEqual(["mul(outer, 2)", "loop", "  mul(inner, 2)", "}"]);
});

it("a load under a condition stays there, and moves out again behind it", () => {
  const guarded = select(binary("lt", i, int(5)), float(0), add(at(i), at(three)));
  const lines = statements((s) => {
    s.bindAxis("i", "i");
    s.line(s.named(guarded));
    s.open();
    s.line(s.value(at(three)));
    close(s, "loop");
  });
  expect(lines).toEqual([
    "v",
    "v_1 = mul(i, 3)",
    "if (lt(i, 5)) {",
    "  v = 0",
    "} else {",
    "  v = add(load0(i), load0(v_1))",
    "}",
    "v",
    "v_2 = load0(v_1)",
    "loop",
    "  v_2",
    "}",
  ]);
});

it("what was loaded is loaded again after a write to it, and only that", () => {
  const lines = statements((s) => {
    s.bindAxis("i", "i");
    for (let buffer = 0; buffer < 2; buffer++) s.line(s.named(at(i, buffer)));
    s.invalidate(new Set([1]));
    for (let buffer = 0; buffer < 2; buffer++) s.line(s.named(at(i, buffer)));
    // More buffers than a value tells apart.
    for (const buffer of [40, 41]) s.line(s.named(at(i, buffer)));
    s.invalidate(new Set([41]));
    s.line(s.named(at(i, 41)));
  });
  expect(lines.filter((line) => line.includes("="))).toEqual([
    "v = load0(i)",
    "v_1 = load1(i)",
    "v_2 = load1(i)",
    "v_3 = load40(i)",
    "v_4 = load41(i)",
    "v_5 = load41(i)",
  ]);
});

it("what one condition chooses between stands in one branch, but for what is made of another", () => {
  const isFirst = binary("lt", i, int(5));
  const kept = select(isFirst, at(i), at(three));
  const doubled = select(isFirst, mul(at(i), float(2)), at(three, 1));
  const ofKept = select(isFirst, mul(kept, float(3)), at(i, 1));
  const other = select(binary("lt", i, int(6)), at(i), at(i, 1));
  const all = [kept, ofKept, other, doubled];
  const lines = statements((s) => {
    s.bindAxis("i", "i");
    s.count(all);
    s.line(s.allNamed(all).join(" "));
  });
  expect(lines).toEqual([
    "v = lt(i, 5)",
    "v_1",
    "v_2",
    "v_4 = mul(i, 3)",
    "if (v) {",
    "  v_3 = load0(i)",
    "  v_1 = v_3",
    "  v_2 = mul(v_3, 2)",
    "} else {",
    "  v_1 = load0(v_4)",
    "  v_2 = load1(v_4)",
    "}",
    "v_5",
    "if (v) {",
    "  v_5 = mul(v_1, 3)",
    "} else {",
    "  v_6 = load1(i)",
    "  v_5 = v_6",
    "}",
    "v_7",
    "if (lt(i, 6)) {",
    "  v_8 = load0(i)",
    "  v_7 = v_8",
    "} else {",
    "  v_9 = load1(i)",
    "  v_7 = v_9",
    "}",
    "v_1 v_5 v_7 v_2",
  ]);
});

it("what is known in a scope around is chosen there, and not where it is asked for", () => {
  const j = axis("j", 10);
  const before = (threshold: number, value: Expr): Expr => select(binary("lt", i, int(threshold)), value, at(i, 1));
  const lines = statements((s) => {
    s.bindAxis("i", "i");
    s.open();
    s.bindAxis("j", "j");
    s.line(s.allNamed([before(5, at(i)), before(5, at(j))]).join(" "));
    close(s, "loop");
  });
  const loop = lines.indexOf("loop");
  expect(lines.slice(0, loop).filter((line) => line.startsWith("if"))).toHaveLength(1);
  expect(lines.slice(loop).filter((line) => line.trim().startsWith("if"))).toHaveLength(1);
});
