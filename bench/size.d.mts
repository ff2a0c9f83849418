// Types of size.mjs for the tests.

/** Bytes after gzip. */
export declare function moduleSize(
  target?: string,
): Promise<{ readonly module: number; readonly runtime: number; readonly training: number }>;
