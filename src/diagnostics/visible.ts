// The one filter between a stranger's text (names of files, classes, columns; lines of a spec) and a terminal.

/** What moves a cursor, changes colours or turns the text around it: controls but tab and newline, bidirectional marks, line separators. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g; // eslint-disable-line no-control-regex -- it is what they are

/** With a mark in the place of each character that would do something instead of being seen. */
export const visible = (text: string): string => text.replaceAll(UNSEEN, "\ufffd");

/** JSON that means the same and does nothing to a terminal either. */
export const visibleJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(UNSEEN, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`);
