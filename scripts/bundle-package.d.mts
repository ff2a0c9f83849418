/** Native packages. */
export const NOT_BUILT_IN: readonly string[];
/** Each returns the files that it is made of. */
export function bundlePackage(folder: string): Promise<string[]>;
export function bundleCommand(folder: string): Promise<string[]>;
export function bundleModules(folder: string, entries: Readonly<Record<string, string>>): Promise<string[]>;
