// Types of limited.mjs for the tests.

export function measured(seconds: number, command: string, args: readonly string[]): Record<string, unknown>;
export function output(command: string, args: readonly string[], seconds?: number): string;
