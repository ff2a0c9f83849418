// A curve in a terminal: a line of text for each step of the height.

const [WIDTH, HEIGHT] = [60, 12];

export interface PlotPoint {
  readonly x: number;
  readonly y: number;
}

/** By the logarithm of `x`. @param marked the place of an upright line */
export function plot(points: readonly PlotPoint[], marked: number | undefined, label: (value: number) => string): readonly string[] {
  const [xs, ys] = [points.map(({ x }) => Math.log(x)), points.map(({ y }) => y)];
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const place = (value: number, from: number, to: number, cells: number): number =>
    to > from ? Math.round(((value - from) / (to - from)) * (cells - 1)) : 0;
  const rows = Array.from({ length: HEIGHT }, () => Array.from({ length: WIDTH }, () => " "));
  const put = (column: number, row: number, sign: string): void => {
    const cells = rows[row];
    if (cells) cells[column] = sign;
  };
  if (marked !== undefined) for (let row = 0; row < HEIGHT; row++) put(place(Math.log(marked), left, right, WIDTH), row, "|");
  for (const [i, y] of ys.entries()) put(place(xs[i] ?? 0, left, right, WIDTH), HEIGHT - 1 - place(y, low, high, HEIGHT), "*");
  const names = [label(high), label(low)];
  const width = Math.max(...names.map(({ length }) => length));
  const side = (row: number): string => (row === 0 ? (names[0] ?? "") : row === HEIGHT - 1 ? (names[1] ?? "") : "").padStart(width);
  const ends = [label(Math.exp(left)), label(Math.exp(right))] as const;
  return [
    ...rows.map((row, i) => `${side(i)} ${row.join("")}`.trimEnd()),
    `${" ".repeat(width + 1)}${ends[0]}${ends[1].padStart(WIDTH - ends[0].length)}`,
  ];
}
