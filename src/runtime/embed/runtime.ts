// The runtime beside a generated module, bundled into one file, in a browser or in Node; what a device needs is in a file of its own. What it
// exports is between these files; applications see the module's own types.

export * from "./shared.ts";
export { createModel } from "./create.ts";
