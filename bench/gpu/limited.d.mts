// Types of limited.mjs for the tests.

export function measured(
  seconds: number,
  command: string,
  args: readonly string[],
  tell?: (result: Record<string, unknown>) => void,
): Promise<Record<string, unknown>>;
export function output(command: string, args: readonly string[], seconds?: number): Promise<string>;
