// Dawn asks by `setImmediate` whether the GPU has finished, again and again without a pause: all of a core, which an application has use for, and a GPU
// that is software more than anybody. Here it asks like that for a moment, in which most answers come, and then every millisecond.

/** Milliseconds of asking without a pause. */
const EAGER = 2;

/** When the last thing that is waited for began. */
let since = 0;

/** For as long as Dawn is asked something, whatever it puts off comes to us: nobody else's code runs meanwhile. */
function patiently<T>(ask: () => T): T {
  const given = globalThis.setImmediate;
  globalThis.setImmediate = later as typeof setImmediate;
  try {
    return ask();
  } finally {
    globalThis.setImmediate = given;
  }
}

function later(ask: () => void): void {
  const timers = process.getBuiltinModule("node:timers");
  const again = (): void => {
    patiently(ask);
  };
  if (performance.now() - since < EAGER) timers.setImmediate(again);
  else timers.setTimeout(again, 1);
}

/** Methods that begin to wait for the GPU, by the class of the package `webgpu` that has them. */
const WAITING = {
  GPUBuffer: ["mapAsync"],
  GPUDevice: ["createComputePipelineAsync", "popErrorScope"],
  GPUQueue: ["onSubmittedWorkDone"],
  GPUShaderModule: ["getCompilationInfo"],
} as const;

/** @param classes of the package, whose objects wait patiently from then on: once is enough */
export function waitPatiently(classes: object): void {
  for (const [name, methods] of Object.entries(WAITING)) {
    const { prototype } = Reflect.get(classes, name) as { readonly prototype: Record<string, (...given: unknown[]) => unknown> };
    for (const method of methods) {
      const begin = prototype[method];
      if (!begin) continue;
      prototype[method] = function (this: unknown, ...given: unknown[]): unknown {
        since = performance.now();
        return patiently(() => begin.apply(this, given));
      };
    }
  }
}
