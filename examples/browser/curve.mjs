// The loss by epochs, as a picture of lines with axes.

const [LEFT, RIGHT, TOP, BOTTOM] = [48, 628, 14, 220];

function shape(name, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

/** Some five round numbers from 0 on, the last of them not below `most`. */
function ticks(most) {
  const power = 10 ** Math.floor(Math.log10(most / 4));
  const step = power * [1, 2, 5, 10].find((factor) => 5 * factor * power >= most);
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

/**
 * @param svg where to draw
 * @param lines of points { epoch, loss }, by what they show
 */
export function plot(svg, lines) {
  const points = Object.values(lines).flat();
  const epochs = ticks(Math.max(4, ...points.map(({ epoch }) => epoch)));
  const losses = ticks(Math.max(1, ...points.map(({ loss }) => loss)));
  const x = (epoch) => LEFT + ((RIGHT - LEFT) * epoch) / epochs.at(-1);
  const y = (loss) => BOTTOM - ((BOTTOM - TOP) * loss) / losses.at(-1);
  svg.replaceChildren(
    ...losses.map((loss) => shape("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: y(loss), y2: y(loss) })),
    ...losses.map((loss) => shape("text", { class: "loss", x: LEFT - 6, y: y(loss) + 4 }, String(loss))),
    ...epochs.map((epoch) => shape("text", { class: "epoch", x: x(epoch), y: BOTTOM + 18 }, String(epoch))),
    shape("text", { class: "axis", x: (LEFT + RIGHT) / 2, y: BOTTOM + 36 }, "epochs"),
    shape("text", { class: "axis", x: 12, y: (TOP + BOTTOM) / 2, transform: `rotate(-90 12 ${(TOP + BOTTOM) / 2})` }, "loss"),
    ...Object.entries(lines).map(([name, line]) =>
      shape("polyline", { class: name, points: line.map(({ epoch, loss }) => `${x(epoch)},${y(loss)}`).join(" ") }),
    ),
    ...Object.keys(lines).map((name, i) => shape("text", { class: `legend ${name}`, x: RIGHT - 6, y: TOP + 14 + 18 * i }, name)),
  );
}
