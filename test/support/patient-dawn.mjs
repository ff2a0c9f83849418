// Dawn asks by `setImmediate` whether the GPU has finished, again and again without a pause: where the GPU is software, that takes from its kernels, and
// from the compiler of its shaders, a core that they could have. With this it asks every millisecond. For tests (setup.ts) and for the processes that
// they start (vitest.config.ts).

import { setImmediate, setTimeout } from "node:timers";

/** Whether it is Dawn that asks: everybody else's functions are written in JavaScript. */
const isNative = (callback) => callback.name === "" && Function.prototype.toString.call(callback).includes("[native code]");

const patient = (callback, ...given) => (isNative(callback) ? setTimeout(callback, 1) : setImmediate(callback, ...given));
globalThis.setImmediate = Object.defineProperties(patient, Object.getOwnPropertyDescriptors(setImmediate));
