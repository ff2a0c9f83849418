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
    title: "a spec of over 200,000 words",
    message: ({ most }) => `this file has more than ${most} words and signs`,
    explanation: "Repetition belongs in `for`, and data in data files.",
    wrong: "(a very long file)",
    right: "for i in 0..1000 { {i}: linear(8) }",
  }),
  "too-many-nodes": entry<{ most: number }>({
    code: "TL0904",
    severity: "error",
    title: "a network of over 100,000 steps",
    message: ({ most }) => `this network has more than ${most} steps once loops and blocks are expanded`,
    explanation: "Every step of a loop and of a block counts each time it is built.",
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
} as const;
