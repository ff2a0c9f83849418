// 08xx: parts of the language that parse and have their place, but are not implemented. An honest error instead of a silent no-op.

import { entry } from "./types.ts";

const notYet = (code: string, title: string, message: string, wrong: string, right: string) =>
  entry<Record<never, never>>({
    code,
    severity: "error",
    title,
    message: () => `${message} not implemented yet`,
    explanation:
      "The form is part of the language and will work unchanged in a later version. Until then it is refused, since ignoring it would train something else.",
    wrong,
    right,
  });

export const NOT_YET = {
  "tokenize-not-yet": notYet(
    "TL0808",
    "`tokenize`",
    "`tokenize` is",
    'tokenize wordpiece("vocab.txt")',
    "(give a table whose columns already hold token numbers)",
  ),
} as const;
