// The baseline: the CNN of the examples trained by TensorFlow.js on its WebGPU backend, in this process, on the adapter that tlc uses.
// Batch 64, sgd, data already on the device, the loss read once at the end: the best that this backend can show.

import { build } from "esbuild";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Measures training steps per second. `gpu` is a WebGPU entry point, such as `navigator.gpu`. */
export async function measureTfjs(gpu, { batch = 64, classes = 10, warmup = 2, steps = 5 } = {}) {
  Object.defineProperty(globalThis, "navigator", { value: { ...globalThis.navigator, gpu }, configurable: true, writable: true });
  const tf = await loadTfjs();
  tf.env().set("IS_BROWSER", false);
  await tf.setBackend("webgpu");
  await tf.ready();
  if (tf.getBackend() !== "webgpu") throw new Error(`TensorFlow.js took its ${tf.getBackend()} backend`);

  const variable = (shape, fanIn) => tf.variable(tf.randomUniform(shape, -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn), "float32", 1));
  const weights = {
    conv1: variable([3, 3, 3, 32], 27),
    bias1: variable([32], 27),
    conv2: variable([3, 3, 32, 64], 288),
    bias2: variable([64], 288),
    fc1: variable([2304, 128], 2304),
    bias3: variable([128], 2304),
    fc2: variable([128, classes], 128),
    bias4: variable([classes], 128),
  };
  const images = tf.randomUniform([batch, 24, 24, 3], 0, 1, "float32", 2);
  const labels = tf
    .oneHot(
      tf.tensor1d(
        Array.from({ length: batch }, (_, i) => i % classes),
        "int32",
      ),
      classes,
    )
    .toFloat();
  const optimizer = tf.train.sgd(0.01);
  const loss = () => {
    let x = tf.maxPool(tf.relu(tf.add(tf.conv2d(images, weights.conv1, 1, "same"), weights.bias1)), 2, 2, "valid");
    x = tf.maxPool(tf.relu(tf.add(tf.conv2d(x, weights.conv2, 1, "same"), weights.bias2)), 2, 2, "valid");
    x = tf.relu(tf.add(tf.matMul(tf.reshape(x, [batch, 2304]), weights.fc1), weights.bias3));
    const logits = tf.add(tf.matMul(x, weights.fc2), weights.bias4);
    return tf.neg(tf.mean(tf.sum(tf.mul(labels, tf.logSoftmax(logits)), 1)));
  };
  const train = async (count) => {
    let last;
    for (let i = 0; i < count; i++) {
      last?.dispose();
      last = optimizer.minimize(loss, true);
    }
    const [value] = await last.data();
    last.dispose();
    return value;
  };
  await train(warmup);
  const start = performance.now();
  const value = await train(steps);
  const seconds = (performance.now() - start) / 1000;
  return { stepsPerSecond: steps / seconds, msPerStep: (seconds * 1000) / steps, loss: value };
}

// One copy of tfjs-core: its CommonJS and module builds side by side would register kernels in one and look for them in the other.
async function loadTfjs() {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const folder = mkdtempSync(join(root, "node_modules", ".bench-"));
  try {
    const outfile = join(folder, "tfjs.mjs");
    const contents = `
      export * from "@tensorflow/tfjs-core";
      import "@tensorflow/tfjs-core/dist/register_all_gradients";
      import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops";
      import "@tensorflow/tfjs-backend-webgpu";`;
    const banner = { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' };
    await build({
      stdin: { contents, resolveDir: root },
      outfile,
      banner,
      bundle: true,
      format: "esm",
      platform: "node",
      mainFields: ["module", "main"],
      logLevel: "error",
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { importTypeScript } = await import("./bundle.mjs");
  const { findAdapter } = await importTypeScript("src/runtime/webgpu/adapter.ts");
  const found = await findAdapter();
  if (!found) throw new Error("no WebGPU adapter: run sh scripts/setup.sh");
  console.log(JSON.stringify(await measureTfjs(found.gpu)));
  process.exit(0); // TensorFlow.js never lets go of its device.
}
