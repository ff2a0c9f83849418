// A network trains in this page: `npm run demo` compiles it and serves the page. It takes WebGPU where there is a GPU, and otherwise the
// processor; `?device=webgpu` or `?device=wasm` in the page's address says which.

import { plot } from "./curve.mjs";
import { anyOf, paper, write, writeMany } from "./letters.mjs";

const PER_CLASS = 24;
const EPOCHS = 20;
const SHOWN = 10;

const byId = (id) => document.getElementById(id);
const say = (text) => (byId("status").textContent = text);
const percent = (part) => `${Math.round(100 * part)}%`;

function complain(error) {
  byId("error").textContent = [error.message, error.hint].filter(Boolean).join(": ");
  byId("error").hidden = false;
  say("It has stopped.");
}

/** The model, its data and the pictures to show, made once; after a fault, from the beginning. */
let loading;
/** The same once the model has weights to answer from. */
let learning;
const load = () => (loading ??= open());

async function open() {
  const { create, classes } = await import("./model/cnn.mjs").catch((error) => {
    throw new Error(`${error.message}: compile the model first, with \`npm run demo\``);
  });
  const device = new URLSearchParams(location.search).get("device") ?? "auto";
  const model = await create({ device });
  const { kind, description, reason } = model.device;
  byId("device").textContent = `It runs on ${kind === "webgpu" ? "the GPU" : "the processor"}, ${description}: ${reason}.`;
  const data = { train: writeMany(classes, PER_CLASS * classes.length), val: writeMany(classes, 2 * classes.length) };
  return { model, classes, data, pictures: showPictures(classes) };
}

function showPictures(classes) {
  byId("answers").replaceChildren();
  return Array.from({ length: SHOWN }, () => {
    const name = anyOf(classes);
    const figure = byId("answers").appendChild(document.createElement("figure"));
    const canvas = figure.appendChild(document.createElement("canvas"));
    return { name, pixels: write(name, canvas), caption: figure.appendChild(document.createElement("figcaption")) };
  });
}

async function showAnswers({ model, pictures }) {
  const answers = await model.predict(pictures.map(({ pixels }) => pixels));
  pictures.forEach(({ name, caption }, i) => {
    const { label, probability } = answers[i];
    caption.textContent = `${label} ${percent(probability)}`;
    caption.className = label === name ? "right" : "wrong";
  });
}

// --- training -----------------------------------------------------------------------------------------------------------

/** Losses of all trainings since the page was opened, by epochs. */
const lines = { training: [], validation: [] };
let epochsBefore = 0;

async function train(loaded, signal) {
  let stepsPerEpoch = 1;
  let accuracy = "";
  for await (const event of loaded.model.train(loaded.data, { signal, epochs: EPOCHS })) {
    learning = loaded;
    if (event.event === "start") stepsPerEpoch = event.steps / event.epochs;
    if (event.event === "step") {
      const epoch = epochsBefore + event.step / stepsPerEpoch;
      lines.training.push({ epoch, loss: event.loss });
      say(`epoch ${event.epoch} of ${EPOCHS}, step ${event.step}, loss ${event.loss.toFixed(3)}${accuracy}`);
    }
    // Without what it says of new pictures, where it was stopped while it looked at them.
    if (event.event === "epoch" && event.val) {
      lines.validation.push({ epoch: epochsBefore + event.epoch, loss: event.val.loss });
      accuracy = `, ${percent(event.val.accuracy)} right on new pictures`;
    }
    if (event.event === "epoch" || event.event === "done") await Promise.all([showAnswers(loaded), read()]);
    plot(byId("curve"), lines);
  }
  epochsBefore = Math.max(0, ...Object.values(lines).flatMap((line) => line.map(({ epoch }) => epoch)));
}

/** Settles when the signal is aborted: what is being loaded then goes on, and is there the next time. */
const aborted = (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));

async function start() {
  const stop = new AbortController();
  byId("start").disabled = true;
  byId("stop").disabled = false;
  byId("error").hidden = true;
  byId("stop").onclick = () => {
    byId("stop").disabled = true;
    stop.abort();
  };
  try {
    say("It is getting ready…");
    const loaded = await Promise.race([load(), aborted(stop.signal)]);
    if (loaded && !stop.signal.aborted) await train(loaded, stop.signal);
    if (stop.signal.aborted)
      say(`Stopped. ${lines.training.length === 0 ? "It has not learned anything yet." : byId("status").textContent}`);
  } catch (error) {
    // Whatever failed may be broken for good: the next time begins with another model.
    const failed = loading;
    loading = learning = undefined;
    failed?.then(({ model }) => model.dispose()).catch(() => undefined);
    complain(error);
  }
  byId("start").disabled = false;
  byId("stop").disabled = true;
}

// --- one's own letter ---------------------------------------------------------------------------------------------------

const own = paper(byId("pen"), () => read().catch(complain));

/** What the network takes the drawing for, if there is one. */
async function read() {
  const picture = own.picture();
  if (!picture) return;
  if (!learning) {
    byId("reading").textContent = "Train it first: it has not learned to read yet.";
    return;
  }
  const { model, classes } = learning;
  const [{ label, probabilities }] = await model.predict([picture]);
  const likely = classes.map((name, i) => [name, probabilities[i]]).sort((a, b) => b[1] - a[1]);
  const others = likely.slice(1, 4).map(([name, probability]) => `${name} ${percent(probability)}`);
  byId("reading").textContent = `It reads ${label} (${percent(likely[0][1])}); or else ${others.join(", ")}.`;
}

byId("clear").onclick = () => {
  own.clear();
  byId("reading").textContent = "Draw a letter or a digit, with the mouse, a pen or a finger.";
};
byId("start").onclick = start;
plot(byId("curve"), lines);
