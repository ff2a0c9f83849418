// Values know which layer they are for, through gradients and every pass down to kernels; faults that are found late name the layer and its
// place.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { targetNamed } from "../../src/codegen/targets.ts";
import { compileTrace, type CompileOutcome } from "../../src/compile.ts";
import { renderDiagnostics } from "../../src/diagnostics.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import { gradients } from "../../src/ir/gradient.ts";
import { topologicalOrder } from "../../src/ir/graph.ts";
import type { Node } from "../../src/ir/node.ts";
import { OpError } from "../../src/ir/ops/define.ts";
import { ops } from "../../src/ir/ops/index.ts";
import { blaming, originOfError } from "../../src/ir/origin.ts";
import { printGraph } from "../../src/ir/print.ts";
import { any, call, rewriteGraph, rule } from "../../src/ir/rewrite.ts";
import { InternalError, tensorType } from "../../src/ir/types.ts";
import { decompose } from "../../src/passes/decompose.ts";

const vector = tensorType("f32", [4]);
const LOW = { path: "low", what: "linear" };
const HIGH = { path: "high", what: "relu" };

const paths = (b: ReturnType<typeof createBuilder>, roots: Iterable<Node>): Map<string, string | undefined> =>
  new Map(topologicalOrder(roots).map((node) => [`${node.op.name} %${node.id}`, b.originOf(node)?.path]));

describe("an origin", () => {
  it("is of the node that was asked for first, and no part of what makes nodes equal", () => {
    const b = createBuilder();
    const x = b.input({ name: "x", role: "batch", type: vector });
    const first = b.withOrigin(LOW, () => b.exp(x));
    expect(b.withOrigin(HIGH, () => b.exp(x))).toBe(first);
    expect([b.originOf(first), b.originOf(x)]).toEqual([LOW, undefined]);
    expect(printGraph({ builder: b, outputs: new Map([["y", first]]) })).toContain("%1 = exp(%0) : f32[4]  // low");
  });

  it("is inherited by gradients, decompositions and rewrites", () => {
    const b = createBuilder();
    const x = b.input({ name: "x", role: "batch", type: tensorType("f32", [2, 4]) });
    const low = b.withOrigin(LOW, () => b.softmax(x, { axis: 1 }));
    const high = b.withOrigin(HIGH, () => b.mul(b.tanh(low), 3));
    const one = b.input({ name: "ct", role: "batch", type: high.type });
    const grad = gradients(b, new Map([[high, one]]), [x]).get(x)!;
    const outputs = new Map([["grad", grad]]);
    const graphs = [
      { builder: b, outputs },
      decompose({ builder: b, outputs }),
      rewriteGraph({ builder: b, outputs }, [
        rule("x*y -> y*x", call(ops.mul, any("x"), any("y")), (c, r) => (c.x.id < c.y.id ? r.mul(c.y, c.x) : undefined)),
      ]),
    ];
    for (const graph of graphs) {
      const found = paths(b, graph.outputs.values());
      for (const [name, path] of found) if (!/^(input|constant)/.test(name)) expect(path, name).toMatch(/low|high/);
      expect(new Set(found.values())).toEqual(new Set([undefined, "low", "high"]));
    }
    // The last step back is the softmax's own.
    expect(b.originOf(grad)).toBe(LOW);
  });

  it("is of an error that leaves it, the innermost first, and of what that causes", () => {
    const caught = (run: () => unknown): unknown => {
      try {
        run();
      } catch (error) {
        return error;
      }
      return undefined;
    };
    const b = createBuilder();
    const x = b.input({ name: "x", role: "batch", type: vector });
    const error = caught(() => blaming(HIGH, () => b.withOrigin(LOW, () => b.reshape(x, { shape: [5] }))));
    expect(error).toBeInstanceOf(OpError);
    expect(originOfError(error)).toBe(LOW);
    expect(originOfError(new InternalError("after fuse", { cause: error }))).toBe(LOW);
    expect(originOfError(caught(() => b.reshape(x, { shape: [5] })))).toBeUndefined();
  });
});

describe("a compiled spec", () => {
  const folder = mkdtempSync(join(tmpdir(), "tlc-origin-"));
  const file = join(folder, "net.tlspec");
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(() => vi.restoreAllMocks());
  writeFileSync(
    file,
    `network net {
  input image: f32[2, 6, 6]
  conv1: conv2d(4, kernel: 3) -> bn1: batch_norm -> relu
  conv2: conv2d(4, kernel: 3)
  flatten
  fc: linear(3)
}
recipe r {
  network net
  loss cross_entropy
  optimizer adam
}
`,
  );
  const batch = new Map([
    ["image", tensorType("f32", [4, 2, 6, 6])],
    ["label", tensorType("i32", [4])],
  ]);
  const compile = (dumped: string[] = [], dumpAfter?: string): Promise<CompileOutcome> =>
    compileTrace(file, {
      target: "reference",
      verify: true,
      batch,
      ...(dumpAfter !== undefined && { dumpAfter, onDump: (text: string) => dumped.push(text) }),
    });

  it("counts a training step by layers", async () => {
    const { artifact } = await compile();
    const report = artifact!.stages[0]!.report;
    const layers = new Map(report.layers.map((layer) => [layer.layer, layer]));
    expect([...layers.keys()].filter((layer) => layer !== "flatten").sort()).toEqual(["bn1", "conv1", "conv2", "fc", "loss", "relu"]);
    const total = report.layers.reduce((sum, { flops }) => sum + flops, 0);
    expect(total).toBe(report.entries["train"]!.flops);
    // Forward, and two products for the gradients of the filters and of the image, which only the second convolution needs.
    const forward = { conv1: 2 * 4 * 4 * 16 * 18, conv2: 2 * 4 * 4 * 4 * 36, fc: 2 * 4 * 3 * 16 };
    expect(layers.get("conv1")!.flops).toBe(2 * forward.conv1);
    expect(layers.get("fc")!.flops).toBe(3 * forward.fc);
    expect(layers.get("conv2")!.flops).toBeGreaterThan(2 * forward.conv2);
  });

  it("says of each launch whose it is", async () => {
    const { artifact } = await compile();
    const { program } = artifact!.stages[0]!;
    const launches = program.entries["train"]!.flatMap((launch) => (launch.kind === "loop" ? launch.body : [launch]));
    const products = launches.filter(({ kernel }) => program.kernels[kernel]?.kernel?.stages[0]?.kind === "contract");
    expect(new Set(products.map(({ layer }) => layer))).toEqual(new Set(["conv1", "conv2", "fc"]));
    for (const { layer } of launches) expect(layer?.split(", ").length ?? 0).toBeLessThan(5);
    expect(launches.some(({ layer }) => layer?.includes(", ") === true)).toBe(true);
  });

  it.each(["step", "canonicalize", "lower"])("is printed with them after %s", async (pass) => {
    const dumped: string[] = [];
    await compile(dumped, pass);
    for (const layer of ["conv1", "bn1", "fc"]) expect(dumped.join("\n")).toContain(`// ${layer}\n`);
  });

  /** A target that cannot print products, for one reason or another. */
  const failing = (error: Error): void => {
    vi.spyOn(targetNamed("reference"), "compileKernel").mockImplementation((kernel) => {
      if (kernel.stages.some((stage) => stage.kind === "contract")) throw error;
      return { name: kernel.name, kernel };
    });
  };

  it("names the layer and its place in a fault of the compiler's own, also when it comes to printing kernels", async () => {
    failing(new InternalError("no such kernel"));
    await expect(compile()).rejects.toThrow(/^internal: no such kernel, for `conv1` \(conv2d\) at .*net\.tlspec:3:10$/);
  });

  it("blames the spec at the place for what does not fit", async () => {
    failing(new OpError("4 rows do not fit"));
    const { artifact, diagnostics, sources } = await compile();
    expect(artifact).toBeUndefined();
    expect(renderDiagnostics(diagnostics, sources)).toMatch(/4 rows do not fit\n.*net\.tlspec:3:10\n/);
  });
});
