// A short hash that tells texts apart which people, not attackers, wrote: it is part of names.

/** FNV-1a over UTF-16 code units, as eight hexadecimal digits. */
export function fnv1a(text: string): string {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return state.toString(16).padStart(8, "0");
}
