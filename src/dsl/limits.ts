// Limits on specs, in one place. Each gives a diagnostic at its place; none may be reached by a spec that a person wrote.

export const LIMITS = {
  /** UTF-16 units of a file: 1 MiB. */
  fileLength: 1 << 20,
  tokens: 100_000,
  /** Nesting of brackets, and of operators and `if`s within an expression. */
  depth: 64,
  /** Steps, calls and parameters of all networks of a spec together, once loops and blocks are expanded: a second or two of work. */
  nodes: 20_000,
  /** Expressions evaluated for them. */
  evaluations: 2_000_000,
  /** Characters of a name, and of the path of a parameter's name: both are repeated for each parameter below them. */
  name: 200,
  path: 1000,
  /** Patterns of `freeze` in a recipe, each of which is asked of every parameter. */
  patterns: 500,
  /** Operations in the forward graph of a network that is compiled; the deepest published networks have a third of that. */
  compiled: 8000,
  importDepth: 16,
  /** Elements of a tensor: indices are 32-bit integers on every target. */
  elements: 2 ** 31 - 1,
  /** LSTMs in a stack, the one layer that repeats inside. */
  stacked: 256,
} as const;
