// How data is read: what may stop it, and where it may lie.

export interface DataAccess {
  readonly signal?: AbortSignal | undefined;
  /** Folders that every file must lie in once links are followed; anywhere, unless given. */
  readonly within?: readonly string[] | undefined;
}

/** Bytes that one file may have: a picture, or a table, which is read in parts. */
export const MOST_PICTURE_BYTES = 256 * 2 ** 20;
export const MOST_TABLE_BYTES = 64 * 2 ** 30;
