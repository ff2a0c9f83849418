// The names of the verbs, in the order of the help.

export const VERBS = [
  "init",
  "check",
  "compile",
  "run",
  "eval",
  "predict",
  "trace",
  "inspect",
  "convert",
  "merge",
  "doctor",
  "explain",
] as const;

export type Verb = (typeof VERBS)[number];
