// Types of tests.mjs for the tests.

export function tested(
  seconds: number,
  files: readonly string[],
  options?: { readonly pattern?: string; readonly under?: readonly string[]; readonly tell?: (result: object) => void },
): Promise<{ readonly result: object; readonly text: string }>;
