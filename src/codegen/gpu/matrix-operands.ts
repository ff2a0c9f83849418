// The operands of a contraction as words of a format with fewer bits, in shared memory: a row for each place along m or n, of words along k. Every
// thread has the same number of words, which it loads and converts at one time and stores at another.

import { add, binary, constant, int, select, type Expr, type OperandType } from "../../ir/loop/expr.ts";
import { loadsOf } from "../../ir/loop/loads.ts";
import { at } from "../../ir/ops/define.ts";
import { InternalError } from "../../ir/types.ts";
import { contiguousRun, substituter } from "../axes.ts";
import type { Problem } from "../problem.ts";
import { integer, LANE, modulo, over, plus, times, type Value } from "./block.ts";
import { variable, type BlockBuilder } from "./builder.ts";
import { isInRuns, sourceOf } from "./copied-operands.ts";
import type { MatrixTile } from "./matrix-tiles.ts";

/** Words along k in shared memory at a time: sixteen bytes are four, and a product takes eight. */
export const DEPTH = 16;
/** Words from one row to the next: eight rows of four words from any place on lie in all banks, each once. */
export const PITCH = DEPTH + 4;

/** A contraction that is being scheduled. */
export interface MatrixWork {
  readonly problem: Problem;
  readonly tile: MatrixTile;
  readonly block: BlockBuilder;
  readonly legal: (expr: Expr) => Expr;
  readonly threads: number;
}

interface Operand {
  readonly expr: Expr;
  readonly along: "m" | "n";
  readonly extent: number;
  /** Places along m or n in a tile. */
  readonly rows: number;
  /** The first of them. */
  readonly tile: Value;
}

/** Where a thread's word is in the tile. */
interface Place {
  readonly row: number;
  readonly word: number;
}

/** Words that are copied aside at once. */
const COPIED = 4;

export class WordTile {
  readonly memory: string;
  /** Whether its words are in memory as they are multiplied, and are copied from there. */
  readonly isCopied: boolean;
  /** Words of one of the two tiles. */
  readonly length: number;
  readonly #work: MatrixWork;
  readonly #operand: Operand;
  readonly #name: string;
  /** Numbers of a thread's rows and words, each with where it is in the tile. */
  readonly #rows: readonly Value[];
  readonly #words: readonly Value[];
  readonly #places: readonly Place[];

  constructor(work: MatrixWork, name: string, operand: Operand, copiesAside: boolean) {
    const { block, problem, threads } = work;
    const { expr, along, extent, rows } = operand;
    this.#work = work;
    this.#operand = operand;
    this.#name = name;
    this.length = rows * PITCH;
    this.memory = block.shared(name, "u32", 2 * this.length);
    // Neighbouring threads take what lies side by side in memory.
    const loads = loadsOf([expr]);
    const run = (axis: { readonly name: string; readonly extent: number }): number =>
      Math.max(1, ...loads.map(({ index }) => contiguousRun(index, axis)));
    const kFirst = run(problem.stage.k) > run({ name: along, extent });
    this.isCopied = copiesAside && kFirst && threads <= (rows * DEPTH) / COPIED && this.#isInWords();
    const runs = this.isCopied ? COPIED : 1;
    const fast = Math.min(kFirst ? DEPTH / runs : rows, threads);
    const [first, other] = [modulo(LANE, fast), over(LANE, fast)];
    const share = (start: Value, step: number, length: number, hint: string): Value[] =>
      Array.from({ length: Math.max(1, length / step) }, (_, i) => block.let(`${name}_${hint}`, plus(start, i * step)));
    const slow = threads / fast;
    this.#rows = kFirst ? share(other, slow, rows, "row") : share(first, fast, rows, "row");
    const words = kFirst ? share(first, fast, DEPTH / runs, "word") : share(other, slow, DEPTH, "word");
    this.#words = words.map((word) => (this.isCopied ? block.let(`${name}_first`, times(word, runs)) : word));
    this.#places = this.#rows.flatMap((_r, row) => this.#words.map((_w, word) => ({ row, word })));
    // Past the edges the last place is repeated: what it gives is not used.
    this.#rows.forEach((row, i) => {
      const { out } = block;
      out.bindAxis(this.#axis("row", i), row);
      out.bindAxis(`$tile_${along}`, operand.tile);
      const place = add(variable(`$tile_${along}`, extent), variable(this.#axis("row", i), rows));
      const within = extent % rows === 0 ? place : binary("min", place, int(extent - 1));
      out.bindAxis(this.#axis("at", i), block.let(`${name}_${along}`, out.value(work.legal(within))));
    });
  }

  /** Whether the operand is rows along k of numbers of the format, sixteen bytes of which are aligned where the tile has them. */
  #isInWords(): boolean {
    const { problem, tile } = this.#work;
    const { expr } = this.#operand;
    const source = sourceOf(expr, problem.kernel.params, tile.operands === "tf32" ? "f32" : tile.operands);
    const run = COPIED * tile.perWord;
    return expr.kind === "load" && source !== undefined && problem.k % run === 0 && isInRuns(source.index, "k", run);
  }

  /** Begins to copy a thread's words of the tile that begins at `k0`, to one of the two tiles. @param half which, 0 or 1 */
  copy(k0: Value, half: Value): void {
    const { block, problem, tile } = this.#work;
    const { out } = block;
    const { k } = problem;
    const start = half.kind === "const" ? integer(half.value * this.length) : times(half, this.length);
    this.#places.forEach(({ row, word }) => {
      const first = at(this.#words, word);
      const [place, axis] = [out.name("$place"), out.name("$k")];
      out.bindAxis(place, block.let("k_at", plus(k0, times(first, tile.perWord))));
      const asked = variable(place, k + 2 * DEPTH * tile.perWord);
      out.bindAxis(axis, block.let("k", out.value(binary("min", asked, int(k - COPIED * tile.perWord)))));
      const source = sourceOf(this.#element(row, axis), problem.kernel.params, tile.operands === "tf32" ? "f32" : tile.operands);
      if (!source) throw new InternalError(`an operand of ${problem.kernel.name} is computed and cannot be copied`);
      const target = plus(start, plus(times(at(this.#rows, row), PITCH), first));
      block.copy(this.memory, target, source.buffer, out.value(source.index), COPIED, out.value(binary("lt", asked, int(k))));
    });
  }

  #axis(what: string, i: number): string {
    return `$${this.#name}_${what}${String(i)}`;
  }

  /** A thread's words of the tile that begins at `k0`, each named. @param isFirst whether that is 0 */
  words(k0: Value, isFirst: boolean): readonly Value[] {
    const { problem, tile, block } = this.#work;
    const { out } = block;
    const { k } = problem;
    const { perWord } = tile;
    // Rounds past the last give zeros, and so does what is left of a word.
    const isRagged = !isFirst || k < DEPTH * perWord;
    const elements = this.#words.map((word) =>
      Array.from({ length: perWord }, (_, e) => {
        const place = block.let("k_at", plus(plus(k0, times(word, perWord)), e));
        const [raw, axis] = [out.name("$raw"), out.name("$k")];
        out.bindAxis(raw, place);
        const [asked, end] = [variable(raw, k + 2 * DEPTH * perWord), int(k)];
        const within = isRagged ? binary("min", asked, int(k - 1)) : asked;
        out.bindAxis(axis, block.let("k", out.value(within)));
        return { axis, inside: isRagged ? binary("lt", asked, end) : undefined };
      }),
    );
    const parts = this.#places.map(({ row, word }) =>
      at(elements, word).map(({ axis, inside }) => {
        const value = this.#element(row, axis);
        return inside ? select(inside, value, constant(0, "f32")) : value;
      }),
    );
    out.count(parts.flat());
    return parts.map((values) =>
      block.let(`${this.#name}_next`, { kind: "word", type: "u32", of: tile.operands, parts: values.map((value) => out.value(value)) }),
    );
  }

  #element(row: number, k: string): Expr {
    const { legal, problem, tile } = this.#work;
    const { expr, along, extent } = this.#operand;
    const replace = substituter(
      new Map<string, Expr>([
        [along, variable(this.#axis("at", row), extent)],
        ["k", variable(k, problem.k)],
      ]),
    );
    return legal(replace(withoutRounding(expr, tile.operands)));
  }

  /** Words where they are in one of the two tiles. @param half which, 0 or 1 */
  store(words: readonly Value[], half: Value): void {
    const { block } = this.#work;
    const start = half.kind === "const" ? integer(half.value * this.length) : times(half, this.length);
    this.#places.forEach(({ row, word }, i) => {
      block.store(this.memory, plus(start, plus(times(at(this.#rows, row), PITCH), at(this.#words, word))), at(words, i));
    });
  }
}

/** An operand without the rounding that making words of it is. */
function withoutRounding(expr: Expr, to: OperandType): Expr {
  if (expr.kind === "unary" && expr.op === `round_${to}`) return expr.x;
  if (expr.kind === "select") return select(expr.cond, withoutRounding(expr.x, to), withoutRounding(expr.y, to));
  return expr;
}
