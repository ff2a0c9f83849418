// What the device files of a compiled folder, and its file of checkpoints, take from the runtime that lies beside them. Bundled into each
// of them again, a DeviceError would be of several classes, and an application could not ask which it got; scripts/bundle-runtime.mjs
// reads this list.

export * from "../../ir/arrays.ts";
export * from "../../ir/types.ts";
export * from "../device.ts";
export { DataError } from "../errors.ts";
export * from "../is-node.ts";
export * from "../memory.ts";
