// A network trains in this page. Compile it and serve the folder, on localhost or over https:
//
//   npx tlc compile specs/examples/cnn.tlspec -o examples/browser/model
//   python3 -m http.server -d examples/browser

const SIZE = 20;
const PER_CLASS = 24;
const SHOWN = 10;

const byId = (id) => document.getElementById(id);
const say = (text) => (byId("status").textContent = text);
const between = (low, high) => low + (high - low) * Math.random();

/** A letter or digit as a pen might have written it: some font, somewhere, at some angle. */
function draw(name, canvas = document.createElement("canvas")) {
  canvas.width = canvas.height = SIZE;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#111";
  context.fillRect(0, 0, SIZE, SIZE);
  context.translate(SIZE / 2 + between(-1.5, 1.5), SIZE / 2 + between(-1.5, 1.5));
  context.rotate(between(-0.2, 0.2));
  context.font = `${between(14, 18)}px ${["sans-serif", "serif", "monospace"][Math.floor(between(0, 3))]}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = "#eee";
  context.fillText(name, 0, 1);
  return context.getImageData(0, 0, SIZE, SIZE);
}

function drawMany(classes, count) {
  const labels = Array.from({ length: count }, (_, i) => classes[i % classes.length]);
  return { inputs: { image: labels.map((label) => draw(label)) }, labels };
}

/** Losses from left to right, on a scale from 0 to the first. */
function plot(losses) {
  const canvas = byId("curve");
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.strokeStyle = "#1a56c4";
  context.lineWidth = 2;
  context.beginPath();
  const top = Math.max(losses[0], 1) * 1.05;
  losses.forEach((loss, i) => context.lineTo((i / Math.max(losses.length - 1, 30)) * canvas.width, canvas.height * (1 - loss / top)));
  context.stroke();
}

async function showAnswers(model, pictures) {
  const answers = await model.predict(pictures.map(({ pixels }) => pixels));
  pictures.forEach(({ name, caption }, i) => {
    const { label, probability } = answers[i];
    caption.textContent = `${label} ${Math.round(100 * probability)}%`;
    caption.className = label === name ? "right" : "wrong";
  });
}

function showPictures(classes) {
  return Array.from({ length: SHOWN }, () => {
    const name = classes[Math.floor(between(0, classes.length))];
    const figure = byId("answers").appendChild(document.createElement("figure"));
    const canvas = figure.appendChild(document.createElement("canvas"));
    return { name, pixels: draw(name, canvas), caption: figure.appendChild(document.createElement("figcaption")) };
  });
}

async function main() {
  const { create, classes } = await import("./model/cnn.mjs");
  const model = await create();
  const pictures = showPictures(classes);
  const data = { train: drawMany(classes, PER_CLASS * classes.length), val: drawMany(classes, 2 * classes.length) };
  const losses = [];
  let accuracy = "";
  let stop = new AbortController();
  say(model.device.description);
  byId("start").disabled = false;
  byId("stop").onclick = () => stop.abort();
  byId("start").onclick = async () => {
    stop = new AbortController();
    byId("start").disabled = true;
    byId("stop").disabled = false;
    for await (const event of model.train(data, { signal: stop.signal, epochs: 20 })) {
      if (event.event === "step") losses.push(event.loss);
      if (event.event === "epoch") accuracy = `, ${(100 * event.val.accuracy).toFixed(1)}% right on new pictures`;
      if (losses.length > 0) say(`step ${losses.length}, loss ${losses.at(-1).toFixed(3)}${accuracy}`);
      if (event.event !== "start") plot(losses);
      if (event.event === "epoch" || event.event === "done") await showAnswers(model, pictures);
    }
    byId("start").disabled = false;
    byId("stop").disabled = true;
  };
}

main().catch((error) => say(`${error.message} ${error.hint ?? "(compile the model first: see demo.mjs)"}`));
