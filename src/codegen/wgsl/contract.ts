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
import { Shader, variable } from "./shader.ts";
import type { Tile } from "./tiles.ts";

export function scheduleContract(problem: Problem, tile: Tile): CompiledKernel {
  const compiled = new Contraction(problem, tile).print();
  return tile.lanes === undefined ? compiled : { ...compiled, subgroupSize: tile.lanes };
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

  print(): CompiledKernel {
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
    const { k } = this.#problem;
    const { depth } = this.#tile;
    const shader = this.#shader;
    const { out } = shader;
    const quads = staged.width / 4;
    // Threads side by side along the fastest way, the rest of them along the other.
    const fast = Math.min(staged.kFirst ? depth : quads, this.#threads);
    const slow = this.#threads / fast;
    const lane = variable("$lane", this.#threads);
    const startOf = (place: Expr): string => bare(out.value(this.#legal(place)));
    const fastStart = startOf(rem(lane, int(fast)));
    const slowStart = startOf(div(lane, int(fast)));
    const [rowStart, rowStep, quadStart, quadStep] = staged.kFirst
      ? [fastStart, fast, slowStart, slow]
      : [slowStart, slow, fastStart, fast];
    const axisQuad = variable("$quad", quads);
    const axisRow = variable("$row", depth);
    const isRagged = k % depth !== 0;
    this.#walk("quad", quadStart, quads, quadStep, "$quad", () => {
      // Past the edges the last place is repeated: what it gives is not used.
      const isExact = staged.extent % staged.width === 0;
      const points = [0, 1, 2, 3].map((c): Expr => {
        const place = add(add(variable(`$tile_${staged.along}`, staged.extent), mul(axisQuad, int(4))), int(c));
        const name = out.name(staged.along);
        shader.line(`let ${name} = ${bare(out.value(this.#legal(isExact ? place : binary("min", place, int(staged.extent - 1)))))};`);
        out.bindAxis(`$${staged.along}${String(c)}`, name);
        return variable(`$${staged.along}${String(c)}`, staged.extent);
      });
      this.#walk("row", rowStart, depth, rowStep, "$row", () => {
        const place = add(variable("$k0", k), axisRow);
        const name = out.name("k");
        shader.line(`let ${name} = ${bare(out.value(isRagged ? binary("min", place, int(k - 1)) : place))};`);
        out.bindAxis("$k", name);
        const values = points.map((point) =>
          this.#legal(
            substituter(
              new Map([
                [staged.along, point],
                ["k", variable("$k", k)],
              ]),
            )(staged.expr),
          ),
        );
        const inside = binary("lt", place, int(k));
        const slot = add(mul(axisRow, int(staged.pitch)), axisQuad);
        out.count([...values, slot]);
        const vector = `vec4f(${values.map((value) => bare(out.value(value))).join(", ")})`;
        shader.line(
          `${staged.name}[${bare(out.value(slot))}] = ${isRagged ? `select(vec4f(), ${vector}, ${bare(out.value(inside))})` : vector};`,
        );
      });
    });
  }

  // A loop of the threads over one side of a tile; no loop where each thread has one place.
  #walk(hint: string, start: string, extent: number, step: number, axis: string, body: () => void): void {
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
    const points = (along: "m" | "n", extent: number, width: number, count: number, quadOf: (q: number) => Expr): Expr[] =>
      Array.from({ length: count }, (_, i) => {
        const quad = quadOf(Math.floor(i / 4));
        const place = add(add(variable(`$tile_${along}`, extent), mul(quad, int(4))), int(i % 4));
        const name = out.name(along);
        shader.line(`let ${name} = ${bare(out.value(this.#legal(extent % width === 0 ? place : binary("min", place, int(extent - 1)))))};`);
        out.bindAxis(`$${along}${String(i)}`, name);
        return variable(`$${along}${String(i)}`, extent);
      });
    const lane = variable("$lane", lanes);
    const leftPoints = points("m", m, heightM, share * 4, (q) => add(rem(lane, int(owned)), int(q * owned)));
    const rightPoints = points("n", n, widthN, columns, (q) => add(lane, int(q * threadsN)));
    const step = out.name("k");
    this.#loop(step, "0", k, 1, () => {
      out.bindAxis("$k", step);
      const at = (expr: Expr, along: "m" | "n", point: Expr): Expr =>
        this.#legal(
          substituter(
            new Map([
              [along, point],
              ["k", variable("$k", k)],
            ]),
          )(expr),
        );
      const left = leftPoints.map((point) => at(stage.lhs, "m", point));
      const right = rightPoints.map((point) => at(stage.rhs, "n", point));
      out.count([...left, ...right]);
      const vector = (values: readonly Expr[], q: number): string =>
        `vec4f(${values
          .slice(4 * q, 4 * q + 4)
          .map((value) => bare(out.value(value)))
          .join(", ")})`;
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
