// A generated spec of 5,000 lines: networks of fifty lines each, one after the other, and a recipe that trains the first.

export function longSpec(lines = 5000) {
  const layers = 46;
  const networks = Array.from({ length: Math.ceil((lines - 13) / (layers + 4)) }, (_, n) => [
    `network deep${n} {`,
    "  input values: f32[8]",
    ...Array.from({ length: layers }, (_layer, i) => `  layer${i}: linear(${8 + (i % 3)}) -> relu`),
    "  out: linear(2)",
    "}",
  ]);
  const recipe = [
    "dataset rows {",
    '  train table("rows.csv", values: values, label: label)',
    "}",
    "recipe deep {",
    "  network deep0",
    "  data rows",
    "  loss cross_entropy",
    "  optimizer sgd(lr: 0.01)",
    "  batch 4",
    "  epochs 1",
    "}",
  ];
  return [...networks.flat(), ...recipe, ""].join("\n");
}
