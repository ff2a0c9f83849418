// Versions as NVIDIA's libraries say them.

/** 130002 is 13.0.2. */
export const versionOfNumber = (number: number): string =>
  [Math.floor(number / 10000), Math.floor(number / 100) % 100, number % 100].join(".");
