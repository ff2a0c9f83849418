// Blocks that no schedule may make: each is refused, with what is wrong with it.

import { describe, expect, it } from "vitest";
import {
  apply,
  component,
  equals,
  GROUP,
  integer,
  LANE,
  less,
  loadOf,
  named,
  number,
  plus,
  times,
  zerosOf,
  type Block,
  type Statement,
} from "../../src/codegen/gpu/block.ts";
import { CUDA_PROFILE } from "../../src/codegen/cuda/target.ts";
import { launchKernel } from "../../src/codegen/gpu/launch.ts";
import { verifyBlock } from "../../src/codegen/gpu/verify.ts";
import { webgpuProfile } from "../../src/codegen/wgsl/target.ts";
import { convForward, matmul, segments, softmax } from "./kernels.ts";

const profile = webgpuProfile();

const block = (body: readonly Statement[], changes: Partial<Block> = {}): Block => ({
  name: "sample",
  buffers: [
    { name: "x", dtype: "f32", length: 100, access: "read" },
    { name: "y", dtype: "f32", length: 100, access: "write" },
  ],
  usesTime: false,
  shared: [{ name: "partial", type: "f32", length: 64 }],
  threads: 64,
  groups: 2,
  body,
  ...changes,
});

const barrier: Statement = { kind: "barrier", of: "shared" };
const x = loadOf("x", "f32", LANE);
const store = (index = LANE, value = x): Statement => ({ kind: "store", memory: "y", index, value });
const when = (condition = less(LANE, 3), ...yes: Statement[]): Statement => ({ kind: "if", condition, yes, no: [] });
const loop = (end = integer(4), ...body: Statement[]): Statement => ({
  kind: "for",
  name: "i",
  start: integer(0),
  end,
  step: 1,
  kept: false,
  body,
});
const one = number(1, "f32");

describe("a block", () => {
  it("of every schedule is good", () => {
    for (const kernel of [softmax(64, 1000), softmax(3, 40), segments("sum", 9, 4, 50), matmul(33, 70, 50, 2), matmul(1, 10, 500)])
      expect(launchKernel(kernel, profile).blocks).toHaveLength(1);
    const conv = convForward({ batch: 2, inputs: 3, outputs: 8, size: 6, kernel: 3, padding: 1 });
    for (const lanes of [4, 8, 32]) expect(launchKernel(conv, { ...profile, kind: "cpu", lanes }).lanes).toBe(lanes);
  });

  it("may wait where all threads come: in a loop of all, behind a loop of some, and where groups differ", () => {
    const good: readonly (readonly Statement[])[] = [
      [loop(integer(4), barrier, store())],
      [when(less(GROUP, 1), barrier)],
      [when(less(LANE, 3), store()), barrier],
      [loop(GROUP, { ...loop(LANE, store()), name: "j" } as Statement), barrier],
    ];
    for (const body of good) expect(() => verifyBlock(block(body), profile)).not.toThrow();
  });

  it("may have a variable of a loop that differs among threads, anew in every round", () => {
    const v = { kind: "var", name: "v", type: "i32", value: integer(0) } as const;
    const own = when(less(LANE, 3), { kind: "assign", name: "v", value: integer(1) });
    expect(() => verifyBlock(block([loop(integer(4), v, own, barrier)]), profile)).not.toThrow();
  });

  const early: readonly (readonly [string, readonly Statement[]])[] = [
    ["under a condition of the lane", [when(less(LANE, 3), barrier)]],
    ["behind a return of some", [when(less(LANE, 3), { kind: "return" }), barrier]],
    ["behind one in some groups", [when(less(GROUP, 1), when(less(LANE, 3), { kind: "return" })), barrier]],
    ["in a loop as long as the lane", [loop(LANE, barrier)]],
    ["in a loop that some have left", [loop(integer(4), when(equals(LANE, 1), { kind: "break" }), barrier)]],
    ["under what was loaded", [when(apply("lt", x, one), barrier)]],
    [
      "under a variable that an earlier round made the lane's",
      [
        { kind: "var", name: "v", type: "i32", value: integer(0) },
        loop(integer(4), when(less(named("v", "i32"), 1), barrier), { kind: "assign", name: "v", value: LANE }),
      ],
    ],
    [
      "under a variable that some assigned",
      [
        { kind: "var", name: "v", type: "i32", value: integer(0) },
        when(less(LANE, 3), { kind: "assign", name: "v", value: integer(1) }),
        when(less(named("v", "i32"), 1), barrier),
      ],
    ],
  ];
  it.each(early)("does not wait %s", (_, body) => {
    expect(() => verifyBlock(block(body), profile)).toThrow(/block sample: not all threads reach a barrier/);
  });

  const bad: readonly (readonly [string, Block, RegExp])[] = [
    ["a name from nowhere", block([store(named("i", "i32"))]), /i is not defined here/],
    [
      "a name of a scope that is over",
      block([loop(), { kind: "scope", body: [{ kind: "let", name: "a", value: one }] }, store(LANE, named("a", "f32"))]),
      /a is not defined here/,
    ],
    ["two of one name", block([loop(integer(2), loop())]), /i is defined twice/],
    ["a value of another type", block([store(LANE, integer(1))]), /what is stored to y is i32 instead of f32/],
    ["a place that is no integer", block([store(x)]), /the place of a store to y is f32 instead of i32/],
    ["a sum of two types", block([store(LANE, plus(LANE, x))]), /add of i32 and f32/],
    ["a load of another type", block([store(LANE, { ...x, type: "f16" } as typeof x)]), /which holds f32/],
    ["a store to what is read", block([{ kind: "store", memory: "x", index: LANE, value: one }]), /x, which is read only/],
    [
      "a name that changes",
      block([
        { kind: "let", name: "a", value: one },
        { kind: "assign", name: "a", value: one },
      ]),
      /a is assigned/,
    ],
    ["a component of a scalar", block([store(LANE, component(one, 0))]), /component 0 of f32/],
    ["a vector as a number", block([store(LANE, zerosOf("f32"))]), /f32x4 instead of f32/],
    ["a break outside of loops", block([{ kind: "break" }]), /a break outside/],
    ["lanes of no number", block([store(LANE, { kind: "combine-lanes", type: "f32", op: "sum", x })]), /lanes combine/],
    ["too many threads", block([], { threads: 512 }), /512 threads/],
    ["too much shared memory", block([], { shared: [{ name: "left", type: "f32x4", length: 1025 }] }), /16400 shared bytes of 16384/],
  ];
  const lane = { kind: "builtin", type: "i32", builtin: "lane" } as const;
  const words = [{ name: "words", type: "u32", length: 640 }] as const;
  const names = ["w0", "w1", "w2", "w3"];
  const loadMatrices: Statement = { kind: "load-matrices", names, memory: "words", index: lane };
  const sums = ["s0", "s1", "s2", "s3"];
  const zeros = sums.map((name): Statement => ({ kind: "var", name, type: "f32", value: number(0, "f32") }));
  const word = names.map((name) => named(name, "u32"));
  const multiply = { kind: "multiply", of: "bf16", sums, left: word, right: word.slice(0, 2) } as const;
  const matrices = (...body: Statement[]): Block => block(body, { shared: words, lanes: 32 });

  it("multiplies matrices where all lanes come", () => {
    expect(() => verifyBlock(matrices(...zeros, loadMatrices, multiply), profile)).not.toThrow();
  });

  it.each([
    ["matrices where some lanes are", matrices(when(less(LANE, 3), loadMatrices)), /not all threads reach a load of matrices/],
    ["a product where some lanes are", matrices(...zeros, loadMatrices, when(less(LANE, 3), multiply)), /reach a product of matrices/],
    ["matrices of fewer lanes", block([loadMatrices], { shared: words, lanes: 8 }), /by subgroups of 8 lanes/],
    ["matrices in a buffer", matrices({ ...loadMatrices, memory: "x" }), /x, which is no shared array of words/],
    ["sums that are no variables", matrices(loadMatrices, { ...multiply, sums: names }), /w0 is no sum of f32/],
    ["half a product", matrices(...zeros, loadMatrices, { ...multiply, right: word.slice(0, 1) }), /matrices of another shape/],
    [
      "a word of one half",
      matrices({ kind: "let", name: "w", value: { kind: "word", type: "u32", of: "f16", parts: [one] } }),
      /1 f16 in a word/,
    ],
  ] as const)("is refused with %s", (_, wrong, message) => {
    expect(() => verifyBlock(wrong, profile)).toThrow(message);
  });

  const all = Array.from({ length: 64 }, (_, i) => `s${String(i)}`);
  const wideZeros = all.map((name): Statement => ({ kind: "var", name, type: "f32", value: number(0, "f32") }));
  const wide = { kind: "multiply-wide", of: "bf16", sums: all, memory: "words", left: integer(0), right: integer(2048) } as const;
  const [begin, end, publish] = [{ kind: "begin-products" }, { kind: "end-products" }, { kind: "publish" }] as const;
  const done: Statement = { kind: "wait-products", pending: 0, sums: all };
  const answer = store(LANE, named("s5", "f32"));
  const warpgroup = { shared: [{ name: "words", type: "u32", length: 6144 }], lanes: 32, threads: 128, needs: "sm_90a" } as const;
  const ofWarpgroups = (...body: Statement[]): Block => block([...wideZeros, ...body], warpgroup);

  it("multiplies matrices of a warpgroup that are published", () => {
    const round = loop(integer(3), publish, barrier, begin, wide, wide, end, { kind: "wait-products", pending: 1, sums: [] });
    expect(() => verifyBlock(ofWarpgroups(round, done, answer), CUDA_PROFILE)).not.toThrow();
  });

  it.each([
    ["matrices that nobody published", ofWarpgroups(barrier, begin, wide), /words before they are published/],
    ["matrices that others have not published", ofWarpgroups(publish, begin, wide), /words before they are published/],
    ["sums that are not waited for", ofWarpgroups(publish, barrier, begin, wide, end, answer), /s5 is read while products add to it/],
    ["some of them", ofWarpgroups(publish, barrier, wide, end, { ...done, sums: ["s4"] }, answer), /s5 is read while/],
    ["fewer sums", ofWarpgroups(publish, barrier, { ...wide, sums: all.slice(1) }), /matrices of another shape/],
    ["half a warpgroup", block([...wideZeros, publish, barrier, wide], { ...warpgroup, threads: 64 }), /products of no whole warpgroups/],
    ["some lanes of it", ofWarpgroups(publish, barrier, when(less(LANE, 3), wide)), /not all threads reach a product/],
    ["a wait of some lanes", ofWarpgroups(when(less(LANE, 3), done)), /not all threads reach a wait for products/],
    [
      "more memory than its GPUs have",
      block([], { ...warpgroup, shared: [{ name: "words", type: "u32", length: 58113 }] }),
      /shared bytes/,
    ],
  ] as const)("of a warpgroup is refused with %s", (_, wrong, message) => {
    expect(() => verifyBlock(wrong, CUDA_PROFILE)).toThrow(message);
  });

  const map = { param: 0, dtype: "bf16", first: 0, rows: 9, columns: 40, row: 48, box: 64 } as const;
  const mapped = {
    ...warpgroup,
    buffers: [
      { name: "x", dtype: "bf16", length: 424, access: "read" },
      { name: "y", dtype: "f32", length: 100, access: "write" },
    ],
    maps: [{ name: "x_map", map }],
  } as const;
  const [init, there]: [Statement, Statement] = [
    { kind: "init-barriers", memory: "words", index: 6140, count: 2 },
    { kind: "var", name: "there", type: "bool", value: { kind: "const", type: "bool", value: 1 } },
  ];
  const barrierOfTile = integer(6140);
  const part = { map: "x_map", row: integer(0), column: integer(0), to: integer(0) };
  const copyTile = (bytes = 64 * 128, change: Partial<typeof part> = {}): Statement => ({
    ...{ kind: "copy-tiles", memory: "words", barrier: barrierOfTile, bytes, condition: less(LANE, 3) },
    copies: [{ ...part, ...change }],
  });
  const waitTile = (areThere = "there"): Statement => ({
    ...{ kind: "wait-tiles", memory: "words", barrier: barrierOfTile, parity: integer(0), areThere },
  });
  const ofTiles = (...body: Statement[]): Block => block([...wideZeros, there, ...body], mapped);

  it("multiplies tiles that the machine copied", () => {
    const round = loop(integer(3), waitTile(), barrier, copyTile(), begin, wide, end, { kind: "wait-products", pending: 1, sums: [] });
    expect(() => verifyBlock(ofTiles(init, publish, barrier, copyTile(), round, done, answer), CUDA_PROFILE)).not.toThrow();
  });

  it.each([
    ["tiles that nobody waits for", ofTiles(init, publish, barrier, copyTile(), begin, wide), /words before tiles of it are there/],
    ["no barrier of them", ofTiles(publish, barrier, copyTile()), /a barrier of copies before it is published/],
    ["one that was not published", ofTiles(publish, barrier, init, barrier, copyTile()), /a barrier of copies before it is published/],
    ["one that others do not see", ofTiles(init, publish, waitTile()), /a barrier of copies before it is published/],
    ["other bytes than those of the copies", ofTiles(init, publish, barrier, copyTile(63 * 128)), /copies of other than 8064 bytes/],
    ["a matrix that it does not know", ofTiles(init, publish, barrier, copyTile(8192, { map: "y_map" })), /y_map is no map/],
    ["a wait of some lanes", ofTiles(init, publish, barrier, when(less(LANE, 3), waitTile())), /not all threads reach copies of tiles/],
    ["a wait that says it to nobody", ofTiles(init, publish, barrier, waitTile("s5")), /s5 is no variable of bool/],
    [
      "a matrix that ends behind its buffer",
      block([], { ...mapped, maps: [{ name: "x_map", map: { ...map, rows: 10 } }] }),
      /a map of a matrix that it does not have/,
    ],
  ] as const)("of tiles is refused with %s", (_, wrong, message) => {
    expect(() => verifyBlock(wrong, CUDA_PROFILE)).toThrow(message);
  });

  it("needs what the device may be", () => {
    expect(() => verifyBlock(block([], warpgroup), profile)).toThrow("sm_90a is not what the device may be");
  });

  const tile = [{ name: "tile", type: "f32x4", length: 64 }] as const;
  const copy: Statement = {
    kind: "copy",
    memory: "tile",
    index: times(lane, 4),
    from: "x",
    source: lane,
    words: 4,
    condition: less(LANE, 3),
  };
  const wait: Statement = { kind: "wait-copies", pending: 0 };
  const read = store(LANE, component(loadOf("tile", "f32x4", lane), 0));
  const copying = (...body: Statement[]): Block => block(body, { shared: tile });

  it("copies what it waits for", () => {
    const round = loop(integer(2), copy, { kind: "end-batch" }, wait, barrier, read);
    expect(() => verifyBlock(copying(copy, { kind: "end-batch" }, wait, barrier, read, round), profile)).not.toThrow();
  });

  it.each([
    ["a load of what was not waited for", copying(copy, barrier, read), /a load from tile before copies to it are there/],
    ["a load before the others have waited", copying(copy, wait, read), /a load from tile before copies to it are there/],
    [
      "a load behind a wait that the others are not behind",
      copying(copy, wait, barrier, copy, wait, read),
      /before copies to it are there/,
    ],
    ["a copy to a buffer", copying({ ...copy, memory: "y" }), /a copy to y, which is no shared array/],
    ["a copy from what is written", copying({ ...copy, from: "y" }), /a copy from y, which is no buffer that is only read/],
    ["a copy of another type", block([copy], { shared: [{ ...tile[0], type: "u32x4" }] }), /a copy of f32 to u32x4/],
    ["a copy of four to single ones", block([copy], { shared: [{ ...tile[0], type: "f32" }] }), /a copy of four to tile/],
    ["a wait for more than all", copying({ kind: "wait-copies", pending: -1 }), /a wait for all but -1 batches/],
  ] as const)("is refused with %s", (_, wrong, message) => {
    expect(() => verifyBlock(wrong, profile)).toThrow(message);
  });

  it.each(bad)("is refused with %s", (_, wrong, message) => {
    expect(() => verifyBlock(wrong, profile)).toThrow(message);
  });
});
