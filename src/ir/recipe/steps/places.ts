// Where pictures of sizes of their own lie among the bytes of all: a table beside them, i32[n, 3] of first byte, height and width.

/** Numbers of a row. */
export const PLACE = 3;

/** The buffer of the table, by that of the bytes. */
export const placesOf = (buffer: string): string => `${buffer}.places`;
