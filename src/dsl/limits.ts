// Limits on specs, in one place. Each gives a diagnostic at its place; none may be reached by a spec that a person wrote.

export const LIMITS = {
  /** UTF-16 units of a file: 1 MiB. */
  fileLength: 1 << 20,
  tokens: 200_000,
  /** Nesting of brackets, and of operators and `if`s within an expression. */
  depth: 64,
  /** Steps of a network once loops and blocks are expanded. */
  nodes: 100_000,
  importDepth: 16,
  /** Elements of a tensor: indices are 32-bit integers on every target. */
  elements: 2 ** 31 - 1,
  /** LSTMs in a stack, the one layer that repeats inside. */
  stacked: 256,
} as const;
