// The schedules for contractions: a block of the result in each thread's registers, and the operands on their way there through tiles
// in workgroup memory (GPUs) or from lane to lane of a subgroup (CPUs that play GPU). The operands are arbitrary expressions, so a convolution is an implicit matrix product: its index arithmetic is done while a tile is
// filled, outside of the inner loop. The result block goes through the kernel's store stages (bias, activation, ...) as it is.

import { add, binary, div, int, mul, rem, type Expr } from "../../ir/loop/expr.ts";
import type { Axis, Stage } from "../../ir/loop/kernel.ts";
import type { CompiledKernel } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";
import { bare } from "../c-family.ts";
import { contiguousRun, substituter } from "../axes.ts";
import { loadsOf } from "../../ir/loop/loads.ts";
import { expressionsOf } from "../../ir/loop/kernel.ts";
import { mapExpressions } from "../../ir/loop/map-expr.ts";
import type { Problem } from "../problem.ts";
import { legalizedParameters, legalizer, legalizeStores } from "./legalize.ts";
import { printShader, Shader, variable, type Body } from "./shader.ts";
import type { Tile } from "./tiles.ts";

export function scheduleContract(problem: Problem, tile: Tile): CompiledKernel {
  const body = new Contraction(problem, tile).print();
  return printShader(tile.lanes === undefined ? body : { ...body, subgroupSize: tile.lanes });
}

/** One operand's tile in workgroup memory: `depth` rows of `width` elements along m or n, as vectors of four. */
interface Staged {
  readonly name: string;
  readonly expr: Expr;
  readonly along: "m" | "n";
  readonly extent: number;
  readonly width: number;
  /** Vectors from one row to the next. */
  readonly pitch: number;
  /** Whether neighbouring threads take neighbouring k: when the operand lies that way in memory. */
  readonly kFirst: boolean;
}

/** Of a loop that threads share: where one begins, and how far it is to its next. */
interface Share {
  readonly start: string;
  readonly step: number;
}

class Contraction {
  readonly #problem: Problem;
  readonly #tile: Tile;
  readonly #shader: Shader;
  readonly #legal: (expr: Expr) => Expr;
  readonly #threads: number;

  constructor(problem: Problem, tile: Tile) {
    this.#problem = problem;
    this.#tile = tile;
    this.#shader = new Shader({ ...problem.kernel, params: legalizedParameters(problem.kernel.params) });
    this.#legal = legalizer(problem.kernel.params);
    this.#threads = tile.threadsM * tile.threadsN;
    if (tile.lanes !== undefined) this.#shader.enable("subgroups");
  }

  print(): Body {
    const { m, n, b, k, stage } = this.#problem;
    const { depth, rows, columns, threadsM, threadsN, lanes } = this.#tile;
    const shader = this.#shader;
    const { out } = shader;
    const heightM = rows * threadsM;
    const widthN = columns * threadsN;
    const tilesM = Math.ceil(m / heightM);
    const tilesN = Math.ceil(n / widthN);
    const place = (name: string, text: string): void => {
      shader.line(`let ${out.name(name)} = ${text};`);
    };
    place("tile_n", tilesN === 1 ? "0" : `(${shader.group} % ${String(tilesN)}) * ${String(widthN)}`);
    place("tile_m", tilesM === 1 ? "0" : `((${shader.group} / ${String(tilesN)}) % ${String(tilesM)}) * ${String(heightM)}`);
    place("thread_n", `${shader.lane} % ${String(threadsN)}`);
    place("thread_m", `${shader.lane} / ${String(threadsN)}`);
    if (b > 1) {
      place("batch", `${shader.group} / ${String(tilesN * tilesM)}`);
      out.bindAxis("b", "batch");
    }
    out.bindAxis("$tile_m", "tile_m");
    out.bindAxis("$tile_n", "tile_n");
    out.bindAxis("$lane", shader.lane);
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns / 4; j++) shader.line(`var ${accumulator(i, j)} = vec4f();`);
    if (lanes !== undefined) this.#multiplyDirectly(lanes, heightM, widthN);
    else {
      const left = this.#staged("left", stage.lhs, "m", m, heightM);
      const right = this.#staged("right", stage.rhs, "n", n, widthN);
      const step = out.name("k0");
      shader.loop(step, "0", k, depth, () => {
        out.bindAxis("$k0", step);
        this.#fill(left);
        this.#fill(right);
        shader.line("workgroupBarrier();");
        this.#multiply(left, right);
        // The next round overwrites the tiles.
        if (k > depth) shader.line("workgroupBarrier();");
      });
    }
    this.#store();
    return shader.finish(this.#threads, tilesM * tilesN * b);
  }

  #staged(name: string, expr: Expr, along: "m" | "n", extent: number, width: number): Staged {
    const loads = loadsOf([expr]);
    const run = (axis: Axis): number => Math.max(1, ...loads.map(({ index }) => contiguousRun(index, axis)));
    const kFirst = run(this.#problem.stage.k) > run({ name: along, extent });
    // One vector of padding per row keeps threads that walk down the rows out of each other's memory banks.
    const pitch = width / 4 + (kFirst ? 1 : 0);
    return {
      name: this.#shader.shared(name, `array<vec4f, ${String(pitch * this.#tile.depth)}>`),
      expr,
      along,
      extent,
      width,
      pitch,
      kFirst,
    };
  }

  // A tile is filled by vectors of four along m or n, in two loops: over the side that is fastest in memory, among neighbouring threads,
  // and inside it over the other. So the index arithmetic of m or n, with its divisions, is done once for many k.
  #fill(staged: Staged): void {
    const { depth } = this.#tile;
    const quads = staged.width / 4;
    const { rows, columns } = this.#deal(staged, quads);
    const quad = variable("$quad", quads);
    this.#walk("quad", columns, quads, "$quad", () => {
      const points = this.#places(staged.along, staged.extent, staged.width, [quad]);
      this.#walk("row", rows, depth, "$row", () => {
        this.#fillVector(staged, points, quad);
      });
    });
  }

  // Threads side by side along the way that is fastest in memory, the rest of them along the other.
  #deal({ kFirst }: Staged, quads: number): { readonly rows: Share; readonly columns: Share } {
    const fast = Math.min(kFirst ? this.#tile.depth : quads, this.#threads);
    const lane = variable("$lane", this.#threads);
    const share = (place: Expr, step: number): Share => ({ start: this.#text(place), step });
    const [along, across] = [share(rem(lane, int(fast)), fast), share(div(lane, int(fast)), this.#threads / fast)];
    return kFirst ? { rows: along, columns: across } : { rows: across, columns: along };
  }

  // The vector of these places along m or n, in the row of the tile that the loop is at; zeros past the last k.
  #fillVector(staged: Staged, points: readonly Expr[], quad: Expr): void {
    const { k } = this.#problem;
    const shader = this.#shader;
    const { out } = shader;
    const isRagged = k % this.#tile.depth !== 0;
    const row = variable("$row", this.#tile.depth);
    const place = add(variable("$k0", k), row);
    const name = out.name("k");
    shader.line(`let ${name} = ${bare(out.value(isRagged ? binary("min", place, int(k - 1)) : place))};`);
    out.bindAxis("$k", name);
    const values = points.map((point) => this.#operandAt(staged.expr, staged.along, point));
    const slot = add(mul(row, int(staged.pitch)), quad);
    out.count([...values, slot]);
    const vector = this.#vector(values);
    const inside = (): string => bare(out.value(binary("lt", place, int(k))));
    shader.line(`${staged.name}[${bare(out.value(slot))}] = ${isRagged ? `select(vec4f(), ${vector}, ${inside()})` : vector};`);
  }

  // Four places for each quad along m or n, named where they are computed. Past the edges the last place is repeated: what it gives is not used.
  #places(along: "m" | "n", extent: number, width: number, quads: readonly Expr[]): Expr[] {
    const { out } = this.#shader;
    return quads.flatMap((quad, q) =>
      [0, 1, 2, 3].map((c): Expr => {
        const place = add(add(variable(`$tile_${along}`, extent), mul(quad, int(4))), int(c));
        const name = out.name(along);
        this.#shader.line(`let ${name} = ${this.#text(extent % width === 0 ? place : binary("min", place, int(extent - 1)))};`);
        const axis = `$${along}${String(4 * q + c)}`;
        out.bindAxis(axis, name);
        return variable(axis, extent);
      }),
    );
  }

  /** An operand's element at a place along m or n, at the k that is bound. */
  #operandAt(expr: Expr, along: "m" | "n", point: Expr): Expr {
    const at = new Map<string, Expr>([
      [along, point],
      ["k", variable("$k", this.#problem.k)],
    ]);
    return this.#legal(substituter(at)(expr));
  }

  #text(expr: Expr): string {
    return bare(this.#shader.out.value(this.#legal(expr)));
  }

  #vector(values: readonly Expr[]): string {
    return `vec4f(${values.map((value) => bare(this.#shader.out.value(value))).join(", ")})`;
  }

  // A loop of the threads over one side of a tile; no loop where each thread has one place.
  #walk(hint: string, { start, step }: Share, extent: number, axis: string, body: () => void): void {
    const { out } = this.#shader;
    const name = out.name(hint);
    if (step === extent) {
      out.open();
      this.#shader.line(`let ${name} = ${start};`);
      out.bindAxis(axis, name);
      body();
      out.close();
    } else
      this.#loop(name, start, extent, step, () => {
        out.bindAxis(axis, name);
        body();
      });
  }

  // A memory access is a block of code per lane to a software rasterizer: unrolled loops would take it seconds to compile.
  #loop(name: string, start: string, extent: number, step: number, body: () => void): void {
    this.#shader.loop(name, start, extent, step, body, this.#tile.lanes !== undefined);
  }

  #multiply(left: Staged, right: Staged): void {
    const { depth, rows, columns, threadsN, unroll } = this.#tile;
    const shader = this.#shader;
    const kk = shader.out.name("kk");
    const quads = rows / 4;
    this.#loop(kk, "0", depth, unroll, () => {
      for (let u = 0; u < unroll; u++) {
        const at = u === 0 ? kk : `(${kk} + ${String(u)})`;
        shader.out.open();
        const leftRow = `${left.name}[${at} * ${String(left.pitch)} + thread_m * ${String(quads)}`;
        for (let i = 0; i < quads; i++) shader.line(`let a${String(i)} = ${leftRow}${i === 0 ? "" : ` + ${String(i)}`}];`);
        for (let j = 0; j < columns / 4; j++)
          shader.line(
            `let b${String(j)} = ${right.name}[${at} * ${String(right.pitch)} + thread_n${j === 0 ? "" : ` + ${String(j * threadsN)}`}];`,
          );
        this.#accumulate();
        if (unroll === 1) shader.out.close();
        else shader.out.close("{");
      }
    });
  }

  #accumulate(): void {
    const { rows, columns } = this.#tile;
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns / 4; j++) {
        const c = accumulator(i, j);
        this.#shader.line(`${c} += a${String(i >> 2)}.${COMPONENTS[i & 3] ?? ""} * b${String(j)};`);
      }
  }

  // One subgroup, no workgroup memory: every lane loads its own columns of the right operand and a share of the left one's rows, which
  // it hands to the others. On a CPU that plays GPU the way through workgroup memory costs as much as the loads themselves.
  #multiplyDirectly(lanes: number, heightM: number, widthN: number): void {
    const { m, n, k, stage } = this.#problem;
    const { rows, columns, threadsN } = this.#tile;
    const shader = this.#shader;
    const { out } = shader;
    const quads = rows / 4;
    const owned = Math.min(quads, lanes);
    const share = Math.ceil(quads / owned);
    // Places along m and n do not change with k, and neither does their part of the index arithmetic.
    const lane = variable("$lane", lanes);
    const count = (length: number, quadOf: (q: number) => Expr): Expr[] => Array.from({ length }, (_, q) => quadOf(q));
    const leftPoints = this.#places(
      "m",
      m,
      heightM,
      count(share, (q) => add(rem(lane, int(owned)), int(q * owned))),
    );
    const rightPoints = this.#places(
      "n",
      n,
      widthN,
      count(columns / 4, (q) => add(lane, int(q * threadsN))),
    );
    const step = out.name("k");
    this.#loop(step, "0", k, 1, () => {
      out.bindAxis("$k", step);
      const left = leftPoints.map((point) => this.#operandAt(stage.lhs, "m", point));
      const right = rightPoints.map((point) => this.#operandAt(stage.rhs, "n", point));
      out.count([...left, ...right]);
      const vector = (values: readonly Expr[], q: number): string => this.#vector(values.slice(4 * q, 4 * q + 4));
      for (let q = 0; q < share; q++) shader.line(`let own${String(q)} = ${vector(left, q)};`);
      for (let i = 0; i < quads; i++)
        shader.line(`let a${String(i)} = subgroupBroadcast(own${String(Math.floor(i / owned))}, ${String(i % owned)}u);`);
      for (let j = 0; j < columns / 4; j++) shader.line(`let b${String(j)} = ${vector(right, j)};`);
      this.#accumulate();
    });
  }

  // Every element of the block is a point of the store stages. The rows go through a loop, each picked out of its registers: unrolled,
  // the stores and what they load would be most of the shader.
  #store(): void {
    const { kernel, m, n } = this.#problem;
    const { rows, columns, threadsN, threadsM } = this.#tile;
    const shader = this.#shader;
    const { out } = shader;
    const rest = kernel.stages.slice(1);
    const isExactM = m % (rows * threadsM) === 0;
    const isExactN = n % (columns * threadsN) === 0;
    const columnNames = Array.from({ length: columns }, () => out.name("n"));
    for (const [j, name] of columnNames.entries()) {
      shader.line(`let ${name} = tile_n + (thread_n + ${String((j >> 2) * threadsN)}) * 4 + ${String(j & 3)};`);
      out.bindAxis(`$n${String(j)}`, name);
    }
    const body = (row: string, values: readonly string[]): void => {
      const point = out.name("m");
      shader.line(`let ${point} = tile_m + thread_m * ${String(rows)} + ${row};`);
      out.open(!isExactM);
      out.bindAxis("$m", point);
      for (let j = 0; j < columns; j++) {
        const replace = substituter(
          new Map([
            ["m", variable("$m", m)],
            ["n", variable(`$n${String(j)}`, n)],
          ]),
        );
        const stages = rest.map((stage): Stage =>
          legalizeStores(
            mapExpressions(stage, (expr) => this.#legal(replace(expr))),
            kernel.params,
          ),
        );
        out.open(!isExactN);
        out.bindAcc(0, `${values[j >> 2] ?? ""}.${COMPONENTS[j & 3] ?? ""}`);
        out.count(stages.flatMap(expressionsOf));
        for (const stage of stages) {
          if (stage.kind !== "store") throw new InternalError(`kernel ${kernel.name}: a reduction after a contraction`);
          shader.nest(stage.axes, () => {
            shader.writes(stage);
          });
          shader.afterStore();
        }
        out.close(isExactN ? undefined : `if (${columnNames[j] ?? ""} < ${String(n)}) {`);
      }
      out.close(isExactM ? undefined : `if (${point} < ${String(m)}) {`);
    };
    this.#eachRow(body);
  }

  // Runs `body` for every row of the block, in a loop of loops of at most eight: picking is linear in the choices.
  #eachRow(body: (row: string, values: readonly string[]) => void): void {
    const { rows, columns } = this.#tile;
    const shader = this.#shader;
    const quads = Array.from({ length: columns / 4 }, (_, j) => j);
    const group = Math.min(rows, 8);
    const pick = (name: string, index: string, from: readonly string[]): void => {
      shader.line(`var ${name} = ${from[0] ?? ""};`);
      from.forEach((choice, i) => {
        if (i > 0) shader.line(`${name} = select(${name}, ${choice}, ${index} == ${String(i)});`);
      });
    };
    const inner = (base: string, registers: (row: number, j: number) => string): void => {
      const i = shader.out.name("i");
      this.#loop(i, "0", group, 1, () => {
        const names = quads.map((j) => `row_${String(j)}`);
        names.forEach((name, j) => {
          pick(
            name,
            i,
            Array.from({ length: group }, (_, r) => registers(r, j)),
          );
        });
        body(base === "" ? i : `${base} * ${String(group)} + ${i}`, names);
      });
    };
    if (rows === group) {
      inner("", accumulator);
      return;
    }
    const o = shader.out.name("o");
    this.#loop(o, "0", rows / group, 1, () => {
      for (let r = 0; r < group; r++) {
        for (const j of quads)
          pick(
            `part_${String(r)}_${String(j)}`,
            o,
            Array.from({ length: rows / group }, (_, g) => accumulator(g * group + r, j)),
          );
      }
      inner(o, (r, j) => `part_${String(r)}_${String(j)}`);
    });
  }
}

const COMPONENTS = ["x", "y", "z", "w"] as const;

const accumulator = (row: number, quad: number): string => `c_${String(row)}_${String(quad)}`;
