// What somebody types into a shell: words that it would take apart stand in quotes.

export const shellCommand = (words: readonly string[]): string =>
  words.map((word) => (/^[\w./=:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
