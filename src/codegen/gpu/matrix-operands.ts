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

/** How tiles of an operand lie in shared memory. */
export interface TileLayout {
  readonly memory: string;
  /** Where the first of them begins, and how far it is to the next; in words. */
  readonly start: number;
  readonly stride: number;
  /** How many there are, which are used by turns. */
  readonly tiles: number;
  /** Words along k of a tile: a product takes eight. */
  readonly depth: number;
  /** Whether threads load and store some words at a time: where they have few registers beside their sums. */
  readonly inParts: boolean;
  /** Where a word is in a tile; four from a multiple of four on lie side by side. */
  at(row: Value, word: Value): Value;
}

/** A contraction that is being scheduled. */
export interface MatrixWork {
  readonly problem: Problem;
  readonly tile: MatrixTile;
  readonly block: BlockBuilder;
  readonly legal: (expr: Expr) => Expr;
  readonly threads: number;
}

export interface Operand {
  readonly expr: Expr;
  readonly along: "m" | "n";
  readonly extent: number;
  /** Places along m or n in a tile. */
  readonly rows: number;
  /** The first of them. */
  readonly tile: Value;
}

/** What a thread has of a tile's rows or words: `count` of them, the first of which is `start`. */
interface Share {
  readonly start: Value;
  readonly step: number;
  readonly count: number;
}

/** Words of a thread: numbers of their rows and of themselves, and which of those each has. */
interface Part {
  readonly rows: readonly Value[];
  readonly words: readonly Value[];
  readonly places: readonly { readonly row: number; readonly word: number }[];
}

/** Words that are copied aside at once. */
const COPIED = 4;

/** Words of a part. */
const FILLED = 8;

/** Whether an operand is rows along k of numbers of the format, sixteen bytes of which are aligned where a tile has them. */
export function isInWords({ problem, tile }: Pick<MatrixWork, "problem" | "tile">, expr: Expr): boolean {
  const source = sourceOf(expr, problem.kernel.params, tile.operands === "tf32" ? "f32" : tile.operands);
  const run = COPIED * tile.perWord;
  return expr.kind === "load" && source !== undefined && problem.k % run === 0 && isInRuns(source.index, "k", run);
}

/** Where a tile begins in shared memory, in words. @param tile which */
export const placeOfTile = ({ start, stride }: Pick<TileLayout, "start" | "stride">, tile: Value): Value =>
  tile.kind === "const" ? integer(start + tile.value * stride) : plus(times(tile, stride), start);

export class WordTile {
  readonly layout: TileLayout;
  /** Whether its words are in memory as they are multiplied, and are copied from there. */
  readonly isCopied: boolean;
  readonly #work: MatrixWork;
  readonly #operand: Operand;
  readonly #name: string;
  readonly #shares: { readonly rows: Share; readonly words: Share };
  /** All words of the thread, where they are not taken in parts. */
  readonly #whole: Part | undefined;

  constructor(work: MatrixWork, name: string, operand: Operand, layout: TileLayout, copiesAside: boolean) {
    const { problem, threads } = work;
    const { expr, along, extent, rows } = operand;
    this.#work = work;
    this.#operand = operand;
    this.#name = name;
    this.layout = layout;
    const { depth } = layout;
    // Neighbouring threads take what lies side by side in memory.
    const loads = loadsOf([expr]);
    const run = (axis: { readonly name: string; readonly extent: number }): number =>
      Math.max(1, ...loads.map(({ index }) => contiguousRun(index, axis)));
    const kFirst = run(problem.stage.k) > run({ name: along, extent });
    this.isCopied = copiesAside && kFirst && threads <= (rows * depth) / COPIED && isInWords(work, expr);
    const runs = this.isCopied ? COPIED : 1;
    const fast = Math.min(kFirst ? depth / runs : rows, threads);
    const [first, other] = [modulo(LANE, fast), over(LANE, fast)];
    const share = (start: Value, step: number, length: number): Share => ({ start, step, count: Math.max(1, length / step) });
    const slow = threads / fast;
    this.#shares = kFirst
      ? { rows: share(other, slow, rows), words: share(first, fast, depth / runs) }
      : { rows: share(first, fast, rows), words: share(other, slow, depth) };
    this.#whole = layout.inParts && !this.isCopied ? undefined : this.#take(this.#shares);
  }

  /** Names what a thread has of rows and words, and where the rows are along m or n. */
  #take(shares: { readonly rows: Share; readonly words: Share }): Part {
    const { block, legal } = this.#work;
    const { out } = block;
    const { along, extent, rows: all, tile } = this.#operand;
    const name = this.#name;
    const named = ({ start, step, count }: Share, hint: string): readonly Value[] =>
      Array.from({ length: count }, (_, i) => block.let(`${name}_${hint}`, plus(start, i * step)));
    const rows = named(shares.rows, "row");
    const words = named(shares.words, "word").map((word) => (this.isCopied ? block.let(`${name}_first`, times(word, COPIED)) : word));
    // Past the edges the last place is repeated: what it gives is not used.
    rows.forEach((row, i) => {
      out.bindAxis(this.#axis("row", i), row);
      out.bindAxis(`$tile_${along}`, tile);
      const place = add(variable(`$tile_${along}`, extent), variable(this.#axis("row", i), all));
      const within = extent % all === 0 ? place : binary("min", place, int(extent - 1));
      out.bindAxis(this.#axis("at", i), block.let(`${name}_${along}`, out.value(legal(within))));
    });
    return { rows, words, places: rows.flatMap((_r, row) => words.map((_w, word) => ({ row, word }))) };
  }

  get #all(): Part {
    if (!this.#whole) throw new InternalError(`${this.#name} is taken in parts`);
    return this.#whole;
  }

  /** Where a tile begins in shared memory. @param tile which */
  placeOf(tile: Value): Value {
    return placeOfTile(this.layout, tile);
  }

  /** Begins to copy a thread's words of the tile that begins at `k0`. @param to which tile of shared memory */
  copy(k0: Value, to: Value): void {
    const { block, problem, tile } = this.#work;
    const { out } = block;
    const { k } = problem;
    const { layout } = this;
    const start = this.placeOf(to);
    const { rows, words, places } = this.#all;
    places.forEach(({ row, word }) => {
      const first = at(words, word);
      const [place, axis] = [out.name("$place"), out.name("$k")];
      out.bindAxis(place, block.let("k_at", plus(k0, times(first, tile.perWord))));
      const asked = variable(place, this.#end);
      out.bindAxis(axis, block.let("k", out.value(binary("min", asked, int(k - COPIED * tile.perWord)))));
      const source = sourceOf(this.#element(row, axis), problem.kernel.params, tile.operands === "tf32" ? "f32" : tile.operands);
      if (!source) throw new InternalError(`an operand of ${problem.kernel.name} is computed and cannot be copied`);
      const target = plus(start, layout.at(at(rows, row), first));
      block.copy(layout.memory, target, source.buffer, out.value(source.index), COPIED, out.value(binary("lt", asked, int(k))));
    });
  }

  #axis(what: string, i: number): string {
    return `$${this.#name}_${what}${String(i)}`;
  }

  /** One behind the last place along k that a tile may be asked for. */
  get #end(): number {
    const { tiles, depth } = this.layout;
    return this.#work.problem.k + tiles * depth * this.#work.tile.perWord;
  }

  /** A thread's words of the tile that begins at `k0`, each named. @param isFirst whether that is 0 */
  words(k0: Value, isFirst: boolean, { words, places } = this.#all): readonly Value[] {
    const { problem, tile, block } = this.#work;
    const { out } = block;
    const { k } = problem;
    const { perWord } = tile;
    // Rounds past the last give zeros, and so does what is left of a word.
    const isRagged = !isFirst || k < this.layout.depth * perWord;
    const elementsOf = (word: number): { readonly axis: string; readonly inside: Expr | undefined }[] =>
      Array.from({ length: perWord }, (_, e) => {
        const place = block.let("k_at", plus(plus(k0, times(at(words, word), perWord)), e));
        const [raw, axis] = [out.name("$raw"), out.name("$k")];
        out.bindAxis(raw, place);
        const [asked, end] = [variable(raw, this.#end), int(k)];
        const within = isRagged ? binary("min", asked, int(k - 1)) : asked;
        out.bindAxis(axis, block.let("k", out.value(within)));
        return { axis, inside: isRagged ? binary("lt", asked, end) : undefined };
      });
    const elements = new Map([...new Set(places.map(({ word }) => word))].map((word) => [word, elementsOf(word)]));
    const parts = places.map(({ row, word }) =>
      (elements.get(word) ?? []).map(({ axis, inside }) => {
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

  /** Stores words where they are in a tile of shared memory. @param to which */
  store(values: readonly Value[], to: Value, { rows, words, places } = this.#all): void {
    const { layout } = this;
    const start = this.placeOf(to);
    places.forEach(({ row, word }, i) => {
      this.#work.block.store(layout.memory, plus(start, layout.at(at(rows, row), at(words, word))), at(values, i));
    });
  }

  /** Loads a thread's words of the tile that begins at `k0` and stores them, part by part. @param isFirst whether that is 0 */
  fill(k0: Value, isFirst: boolean, to: Value): void {
    const { block } = this.#work;
    const { rows, words } = this.#shares;
    // One of the two is a single one.
    const isRows = rows.count > words.count;
    const { start, step, count } = isRows ? rows : words;
    const name = block.out.name(`${this.#name}_part`);
    block.loop(
      name,
      integer(0),
      integer(Math.ceil(count / FILLED)),
      1,
      (number) => {
        const some = { start: plus(start, times(number, FILLED * step)), step, count: Math.min(count, FILLED) };
        const part = this.#take(isRows ? { rows: some, words } : { rows, words: some });
        this.store(this.words(k0, isFirst, part), to, part);
      },
      true,
    );
  }
}

/** An operand without the rounding that making words of it is. */
function withoutRounding(expr: Expr, to: OperandType): Expr {
  if (expr.kind === "unary" && expr.op === `round_${to}`) return expr.x;
  if (expr.kind === "select") return select(expr.cond, withoutRounding(expr.x, to), withoutRounding(expr.y, to));
  return expr;
}
