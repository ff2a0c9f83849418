// Files that are no text in UTF-8: said once, instead of for each of their bytes.

const SHOWN = 1 / 20;

/** What a text that was read as UTF-8 was instead; undefined for text. Comments of another encoding make no difference. */
export function notText(text: string): string | undefined {
  const zero = text.indexOf("\0");
  if (zero === -1) return strangers(text) > SHOWN * text.length ? "it is not in UTF-8" : undefined;
  // Each second byte of western text is 0 in UTF-16, whichever comes first.
  const sample = text.slice(0, 1000);
  const zeros = sample.split("\0").length - 1;
  return zeros > sample.length / 3 ? "it is in UTF-16" : "it is not text";
}

const strangers = (text: string): number => text.split("\ufffd").length - 1;
