// Whether this is Node, or something that does as Node does. Bundlers give pages a `process`, so that alone says nothing.

export const isNode = (): boolean =>
  typeof process === "object" && typeof process.versions === "object" && typeof process.versions.node === "string";
