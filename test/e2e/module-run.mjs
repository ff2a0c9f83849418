// What an application does with a compiled folder, the same in a page and in Node: trains for some steps, predicts, saves, trains on and
// stops, and loads what it saved. Plain JavaScript, since neither of them compiles anything.

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
  // A click on a stop button, and a loop that is simply left.
  const controller = new AbortController();
  const train = { inputs, labels: [...labels] };
  let last;
  for await (last of model.train({ train }, { signal: controller.signal })) if (last.event === "step") controller.abort();
  for await (const event of model.train({ train })) if (event.event === "step") break;
  const further = await model.predict(pictures);
  await model.load(saved);
  const again = await model.predict(pictures);
  const refused = await model.load(saved.subarray(0, 100)).catch((error) => error instanceof DataError);
  const { device } = model;
  model.dispose();
  return {
    device,
    losses,
    metrics,
    labels: answers.map(({ label }) => label),
    probabilities: answers.map(({ probability }) => probability),
    further: further.map(({ probability }) => probability),
    again: again.map(({ probability }) => probability),
    saved,
    refused,
    interrupted: last.interrupted,
  };
}
