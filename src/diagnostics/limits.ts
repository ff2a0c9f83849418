// 09xx: limits that keep a hostile or runaway spec from taking the compiler down.

import { entry } from "./types.ts";

export const LIMITS = {
  "file-too-large": entry<{ bytes: number; most: number }>({
    code: "TL0901",
    severity: "error",
    title: "a spec file over 1 MiB",
    message: ({ bytes, most }) => `this file has ${bytes} characters; at most ${most} are read`,
    explanation: "Specs are written by people. Repetition belongs in `for`, and data in data files.",
    wrong: "(a file of several megabytes)",
    right: "for i in 0..1000 { {i}: linear(8) }",
  }),
  "too-deep": entry<{ most: number }>({
    code: "TL0902",
    severity: "error",
    title: "nesting over 64 levels",
    message: ({ most }) => `nested more than ${most} levels deep`,
    explanation: "Brackets, `if`s and operators nest at most 64 deep. Use a `let`, or a block of its own.",
    wrong: "linear(((((…))))))",
    right: "let width = …\nlinear(width)",
  }),
  "too-many-tokens": entry<{ most: number }>({
    code: "TL0903",
    severity: "error",
    title: "a spec of over 100,000 words",
    message: ({ most }) => `this file has more than ${most} words and signs`,
    explanation: "Repetition belongs in `for`, and data in data files.",
    wrong: "(a very long file)",
    right: "for i in 0..1000 { {i}: linear(8) }",
  }),
  "too-many-nodes": entry<{ most: number }>({
    code: "TL0904",
    severity: "error",
    title: "networks of over 20,000 steps",
    message: ({ most }) => `the networks of this spec have more than ${most} steps once loops and blocks are expanded`,
    explanation: "Every step of a loop and of a block counts each time it is built, and so do calls and parameters.",
    wrong: "for i in 0..1000 { for j in 0..1000 { relu } }",
    right: "for i in 0..10 { relu }",
  }),
  "import-too-deep": entry<{ most: number }>({
    code: "TL0905",
    severity: "error",
    title: "imports nested over 16 deep",
    message: ({ most }) => `imports nest more than ${most} deep`,
    explanation: "Import the file that declares a name, instead of a chain of files.",
    wrong: "(a chain of 17 files, each importing the next)",
    right: 'import { unit } from "./unit.tlspec"',
  }),
  "name-too-long": entry<{ length: number; most: number }>({
    code: "TL0906",
    severity: "error",
    title: "a name of over 200 characters",
    message: ({ length, most }) => `this name has ${length} characters; at most ${most} are read`,
    explanation: "A name has at most 200 characters, a parameter's name with all its scopes 1,000 and a pattern of `freeze` 400.",
    wrong: "(a name of several kilobytes)",
    right: "fc: linear(10)",
  }),
  "too-large-to-compile": entry<{ reason: string }>({
    code: "TL0908",
    severity: "error",
    title: "a network that is too large to compile",
    message: ({ reason }) => `this network is too large to compile: ${reason}`,
    explanation:
      "Compilation has a budget of its own, of operations in the graph of a network. What is computed element by element becomes one expression, which a compiler follows only some thousand steps deep.",
    wrong: "for i in 0..5000 { tanh }",
    right: "for i in 0..50 { tanh }",
  }),
  "too-many-patterns": entry<{ most: number }>({
    code: "TL0907",
    severity: "error",
    title: "a recipe that freezes over 500 patterns",
    message: ({ most }) => `this recipe has more than ${most} patterns of \`freeze\``,
    explanation: "Each pattern is compared with each parameter. `*` and `**` cover many at once.",
    wrong: "freeze a1, a2, a3, …",
    right: "freeze ** except fc",
  }),
} as const;
