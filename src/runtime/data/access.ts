// How data is read: what may stop it, where it may lie, what is kept of it, and who is told how far it has come.

export interface DataAccess {
  readonly signal?: AbortSignal | undefined;
  /** Folders that every file must lie in once links are followed; anywhere, unless given. */
  readonly within?: readonly string[] | undefined;
  /** The folder that decoded pictures are kept in for the next time; nowhere, unless given. */
  readonly cache?: string | undefined;
  /** Bytes of a split's pictures above which they are not held in memory but streamed; always held, unless given. */
  readonly streamAbove?: number | undefined;
  /** What `-` names among tables to predict from; a file, unless given. */
  readonly stdin?: (() => AsyncIterable<Uint8Array>) | undefined;
  /** Told of each picture that cannot be used where the data set says to skip those: once of each, when it is met. */
  readonly onSkipped?: ((skipped: SkippedPicture) => void) | undefined;
  /** Called many times a second while pictures are read, and when all are. */
  readonly onRead?: ((progress: ReadProgress) => void) | undefined;
}

export interface SkippedPicture {
  readonly path: string;
  readonly problem: string;
}

export interface ReadProgress {
  readonly done: number;
  readonly total: number;
}

/** Bytes that one file may have: a picture, or a table, which is read in parts. */
export const MOST_PICTURE_BYTES = 256 * 2 ** 20;
export const MOST_TABLE_BYTES = 64 * 2 ** 30;
