// Node's cryptography, loaded when it is first asked for: who checks a spec need not wait for it. Node only.

export const nodeCrypto = (): typeof import("node:crypto") => process.getBuiltinModule("node:crypto");
