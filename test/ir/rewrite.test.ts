// The rewrite driver: to the end, however long, and not in circles.

import { describe, expect, it } from "vitest";
import { createBuilder } from "../../src/ir/builder.ts";
import { topologicalOrder } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { any, call, rewriteGraph, rule, type Rule } from "../../src/ir/rewrite.ts";
import { tensorType } from "../../src/ir/types.ts";

const DEPTH = 2000;

const b = createBuilder();
const x = b.input({ name: "x", role: "batch", type: tensorType("f32", [3]) });
const times = (count: number, node: Node, f: (node: Node) => Node): Node => Array<undefined>(count).fill(undefined).reduce<Node>(f, node);
const rewritten = (node: Node, ...rules: Rule[]): Node | undefined =>
  rewriteGraph({ builder: b, outputs: new Map([["y", node]]) }, rules).outputs.get("y");

const sink = rule("sin(cos(x)) -> cos(sin(x))", call(ops.sin, call(ops.cos, any("x"))), (c, builder) => builder.cos(builder.sin(c.x)));

describe("rewriting", () => {
  it("goes on below what a rule made, as deep as the graph is", () => {
    // Every step makes the work of the next one under it.
    const cosines = (node: Node): Node => times(DEPTH, node, b.cos);
    expect(rewritten(b.sin(cosines(x)), sink)).toBe(cosines(b.sin(x)));
  });

  it("goes on above what a rule made", () => {
    const even = rule("--x -> x", call(ops.neg, call(ops.neg, any("x"))), (c) => c.x);
    expect(rewritten(times(DEPTH, x, b.neg), even)).toBe(x);
    expect(rewritten(times(DEPTH + 1, x, b.neg), even)).toBe(b.neg(x));
  });

  it("sorts a chain by exchanging neighbours", () => {
    let shuffled = x;
    for (let i = 0; i < 60; i++) shuffled = i % 3 === 1 ? b.cos(shuffled) : b.sin(shuffled);
    expect(rewritten(shuffled, sink)).toBe(times(20, times(40, x, b.sin), b.cos));
  });

  it("reaches the bodies of scans", () => {
    const carry = b.input({ name: "h", role: "local", type: x.type });
    const body = { carries: [carry], slices: [], invariants: [], next: [b.sin(times(9, carry, b.cos))], outputs: [] };
    const scan = b.scan([x], { length: 4, reverse: false, body });
    const result = rewritten(b.scanResult(scan, { index: 0, type: x.type }), sink);
    const inner = result?.inputs[0]?.attrs as { body: { next: Node[] } } | undefined;
    expect(inner?.body.next[0]).toBe(times(9, b.sin(carry), b.cos));
  });

  it("visits what is shared once", () => {
    let count = 0;
    const counting: Rule = {
      name: "count",
      apply: () => {
        count++;
        return undefined;
      },
    };
    const root = times(40, x, (node) => b.add(node, node));
    rewritten(root, counting);
    expect(count).toBe(topologicalOrder([root]).length);
  });

  it("refuses rules that go in a circle", () => {
    const back = rule("cos(sin(x)) -> sin(cos(x))", call(ops.cos, call(ops.sin, any("x"))), (c, builder) => builder.sin(builder.cos(c.x)));
    expect(() => rewritten(b.sin(b.cos(x)), sink, back)).toThrow(/internal: rules go in a circle at (sin|cos)/);
    const into = rule("sin(x) -> abs(sin(x))", call(ops.sin, any("x")), (c, builder) => builder.abs(builder.sin(c.x)));
    expect(() => rewritten(b.sin(x), into)).toThrow(/internal: rules go in a circle at sin/);
  });

  it("refuses rules that make their own work without end", () => {
    const grow = rule("sin(x) -> sin(cos(x))", call(ops.sin, any("x")), (c, builder) => builder.sin(builder.cos(c.x)));
    expect(() => rewritten(b.sin(x), grow)).toThrow(/internal: rules go on without end at sin/);
  });

  it("refuses a rule that changes a type", () => {
    const sum = rule("abs(x) -> sum(x)", call(ops.abs, any("x")), (c, builder) => builder.reduceSum(c.x, { axes: [0] }));
    expect(() => rewritten(b.abs(x), sum)).toThrow(/internal: rule "abs\(x\) -> sum\(x\)" changed abs from f32\[3\] to f32/);
  });
});
