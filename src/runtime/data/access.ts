// How data is read: what may stop it, where it may lie, what is kept of it, and who is told how far it has come.

export interface DataAccess {
  readonly signal?: AbortSignal | undefined;
  /** Folders that every file must lie in once links are followed; anywhere, unless given. */
  readonly within?: readonly string[] | undefined;
  /** The folder that decoded pictures are kept in for the next time; nowhere, unless given. */
  readonly cache?: string | undefined;
  /** Called many times a second while pictures are read, and when all are. */
  readonly onRead?: ((progress: ReadProgress) => void) | undefined;
}

export interface ReadProgress {
  readonly done: number;
  readonly total: number;
}

/** Bytes that one file may have: a picture, or a table, which is read in parts. */
export const MOST_PICTURE_BYTES = 256 * 2 ** 20;
export const MOST_TABLE_BYTES = 64 * 2 ** 30;
