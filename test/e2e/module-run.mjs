// What an application does with a compiled folder, the same in a page and in Node: trains for some steps, predicts, saves, and loads
// what it saved into another model. Plain JavaScript, since neither of them compiles anything.

export async function trainAndPredict({ create, classes, DataError }, pixels, labels) {
  const model = await create({ device: "auto" });
  const losses = [];
  const inputs = { image: pixels };
  for await (const event of model.train({ train: { inputs, labels: Int32Array.from(labels) } }, { epochs: 1 })) {
    if (event.event === "step") losses.push(event.loss);
  }
  const size = pixels.length / labels.length;
  const pictures = Array.from({ length: 20 }, (_, i) => pixels.subarray(i * size, (i + 1) * size));
  const side = Math.sqrt(size);
  const rgba = new Uint8ClampedArray(4 * size).map((_, i) => (i % 4 === 3 ? 255 : pixels[i >> 2]));
  const answers = await model.predict([...pictures, { data: rgba, width: side, height: side }]);
  const metrics = await model.evaluate({ inputs, labels: Array.from(labels, (label) => classes[label]) });
  const saved = await model.save();
  const { device } = model;
  model.dispose();

  const other = await create();
  const before = await other.predict(pictures);
  await other.load(saved);
  const after = await other.predict(pictures);
  const refused = await other.load(saved.subarray(0, 100)).catch((error) => error instanceof DataError);
  // A click on a stop button, and a loop that is simply left.
  const controller = new AbortController();
  let last;
  for await (last of other.train({ train: { inputs, labels: [...labels] } }, { signal: controller.signal })) controller.abort();
  for await (const event of other.train({ train: { inputs, labels: [...labels] } })) if (event.event === "step") break;
  other.dispose();
  return {
    device,
    losses,
    metrics,
    labels: answers.map(({ label }) => label),
    probabilities: answers.map(({ probability }) => probability),
    before: before.map(({ probability }) => probability),
    after: after.map(({ probability }) => probability),
    savedBytes: saved.length,
    refused,
    interrupted: last.interrupted,
  };
}
