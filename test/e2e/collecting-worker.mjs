// A worker thread that collects its garbage now and then: what it still holds is what is kept. By itself a thread collects when it comes to it,
// and does not see how large memories are.

const { WebAssembly } = globalThis;
const { Instance } = WebAssembly;
let count = 0;
WebAssembly.Instance = function (...args) {
  if (++count % 20 === 0) globalThis.gc();
  return Reflect.construct(Instance, args);
};
await import("../../dist/wasm-worker.mjs");
