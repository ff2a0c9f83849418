// Optional packages of Node: whoever does not need what they bring does not have them.

/**
 * A package by its name, or undefined where it is not installed. Part of what pages load too, whose bundlers must neither look for it nor for
 * Node's own modules: the comments say so.
 */
export const loadPackage = (name: string): Promise<unknown> =>
  import(/* webpackIgnore: true */ /* @vite-ignore */ name).catch(() => undefined);
