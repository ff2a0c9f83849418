// The order that people expect of names with numbers: `layer2` before `layer10`.

// Made when it is first used: it takes as long as to parse a spec.
let collator: Intl.Collator | undefined;

/** Below zero where the first one comes first, zero for names that only look different, as in `sort`. */
export const naturally = (a: string, b: string): number => (collator ??= new Intl.Collator("en", { numeric: true })).compare(a, b);
