/** Native packages. */
export const NOT_BUILT_IN: readonly string[];
/** Returns the files that it is made of. */
export function bundlePackage(folder: string, entries?: Readonly<Record<string, string>>): Promise<string[]>;
