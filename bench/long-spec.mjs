// A generated spec of 5,000 lines: one network of that many layers, with a recipe.

export function longSpec(lines = 5000) {
  const layers = Array.from({ length: lines - 14 }, (_, i) => `  layer${i}: linear(${8 + (i % 3)}) -> relu`);
  return [
    "network deep {",
    "  input values: f32[8]",
    ...layers,
    "  out: linear(2)",
    "}",
    "",
    "dataset rows {",
    '  train table("rows.csv", values: values, label: label)',
    "}",
    "",
    "recipe deep {",
    "  network deep",
    "  data rows",
    "  loss cross_entropy",
    "  optimizer sgd(lr: 0.01)  batch 4  epochs 1",
    "}",
    "",
  ].join("\n");
}
