// Every word of recipes and data sets, from its own samples: it can be written, planned, kept in an artifact and compiled, and its
// pieces have the types that they must have. What the formulas compute is compared elsewhere, with models of them in float64.

import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { artifactProblem } from "../../../src/ir/artifact-schema.ts";
import { createBuilder } from "../../../src/ir/builder.ts";
import { evaluateNodes } from "../../../src/ir/evaluate.ts";
import { readExact, writeExact } from "../../../src/ir/exact-json.ts";
import type { Node } from "../../../src/ir/node.ts";
import type { WordPlan } from "../../../src/ir/plan.ts";
import { argumentSchema } from "../../../src/ir/recipe/argument-rules.ts";
import { planOf, type Word } from "../../../src/ir/recipe/define.ts";
import { GLOSSARY } from "../../../src/ir/recipe/index.ts";
import { ADAPTERS } from "../../../src/ir/recipe/adapters/index.ts";
import { AVERAGES } from "../../../src/ir/recipe/averages/index.ts";
import { CACHES } from "../../../src/ir/recipe/caches/index.ts";
import { CLIPS } from "../../../src/ir/recipe/clips/index.ts";
import { DISTILLATIONS } from "../../../src/ir/recipe/distillations/index.ts";
import type { Loss } from "../../../src/ir/recipe/losses/define.ts";
import { LOSSES } from "../../../src/ir/recipe/losses/index.ts";
import type { Metric } from "../../../src/ir/recipe/metrics/define.ts";
import { lossPlace, METRICS } from "../../../src/ir/recipe/metrics/index.ts";
import { OPTIMIZERS } from "../../../src/ir/recipe/optimizers/index.ts";
import { PENALTIES } from "../../../src/ir/recipe/penalties/index.ts";
import type { Precision } from "../../../src/ir/recipe/precisions/define.ts";
import { PRECISIONS } from "../../../src/ir/recipe/precisions/index.ts";
import { SCHEDULES } from "../../../src/ir/recipe/schedules/index.ts";
import { wordSchema } from "../../../src/ir/recipe/schema.ts";
import { SOURCES } from "../../../src/ir/recipe/sources/index.ts";
import { AUGMENT, PREPROCESS } from "../../../src/ir/recipe/steps/index.ts";
import { TABLE_STEPS } from "../../../src/ir/recipe/table-steps/index.ts";
import { shapeAfter, type Step } from "../../../src/ir/recipe/steps/define.ts";
import { evenPlaces, storedRaster, wholeRaster } from "../../../src/ir/recipe/steps/pixels.ts";
import { sizeOf, tensorType, type DType, type Shape } from "../../../src/ir/types.ts";
import { planRecipe } from "../../../src/dsl/index.ts";
import { loadClean } from "../../dsl/support.ts";
import { soleStage } from "../../support/stages.ts";
import { compileSmall, smallSpec, wordText, type SmallRecipe } from "../../support/words.ts";

const NUMBERS: SmallRecipe = {
  input: { dtype: "f32", shape: [4] },
  output: [3],
  label: { dtype: "i32", shape: [] },
  classes: 3,
  recipe: "loss cross_entropy\n  optimizer sgd(lr: 0.1)",
};

const everyWord: readonly (readonly [string, string, Word])[] = GLOSSARY.flatMap(({ kind, words }) =>
  words.map((word) => [kind, word.name, word] as const),
);

describe.each(everyWord)("%s %s", (_, name, word) => {
  it("is named as the language writes names, and says what it and its arguments do", () => {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(word.doc).not.toBe("");
    for (const { doc } of Object.values(word.args)) expect(doc).not.toBe("");
    expect(Object.isFrozen(word)).toBe(true);
  });

  it("has defaults and presets that fit its arguments", () => {
    const ajv = new Ajv();
    for (const args of [planOf(word).args, ...Object.values(word.presets ?? {})])
      for (const [key, value] of Object.entries(args)) {
        const schema = argumentSchema(word.args[key]!);
        expect(ajv.validate(schema, value), `${key} = ${JSON.stringify(value)}`).toBe(true);
      }
    for (const preset of Object.values(word.presets ?? {})) expect(word.check?.(preset)).toBeUndefined();
  });
});

it("words of one kind have names of their own", () => {
  for (const { words } of GLOSSARY) expect(new Set(words.map(({ name }) => name)).size).toBe(words.length);
});

/** Samples of a word as plans, with what is left out filled in. */
const plansOf = (word: Word, samples: readonly object[]): WordPlan[] => samples.map((given) => planOf(word, given));

/** A plan that was written out and read again is the same; and an artifact may hold it. */
function expectRoundTrip(plan: WordPlan, words: readonly Word[], read: (text: string) => WordPlan | undefined): void {
  const { word, args } = read(wordText(plan))!;
  expect({ word, args }).toEqual(plan);
  expect(new Ajv({ discriminator: true }).validate(wordSchema(words), JSON.parse(JSON.stringify(plan)))).toBe(true);
}

const planned = (recipe: SmallRecipe): ReturnType<typeof planRecipe> => planRecipe(loadClean(smallSpec(recipe)));

describe.each(LOSSES.map((loss): [string, Loss] => [loss.name, loss]))("loss %s", (_, loss) => {
  const cases = loss.samples.map(({ args, output, label }) => ({ plan: planOf(loss, args), output, label }));
  const dtype = loss.labels === "class" ? "i32" : "f32";
  const classesOf = (output: Shape): number => (loss.labels === "number" ? 0 : output.at(-1)!);

  it.each(cases)("compiles as $plan of $output and $label", async ({ plan, output, label }) => {
    const recipe: SmallRecipe = {
      ...NUMBERS,
      output: output.slice(1),
      label: { dtype, shape: label.slice(1) },
      classes: classesOf(output),
      recipe: `loss ${wordText(plan)}\n  optimizer sgd(lr: 0.1)`,
    };
    expectRoundTrip(plan, LOSSES, () => planned(recipe)?.plan.loss);
    const artifact = await compileSmall(recipe);
    expect(artifactProblem(readExact(writeExact(artifact)))).toBeUndefined();
  });

  it.each(cases)("gives one loss for each label: $plan of $output and $label", ({ plan, output, label }) => {
    const b = createBuilder();
    const outputs = b.input({ name: "output", role: "batch", type: tensorType("f32", output) });
    const labels = b.input({ name: "label", role: "batch", type: tensorType(dtype, label) });
    const losses = loss.build(b, plan.args, outputs, labels);
    expect(losses.type.dtype).toBe("f32");
    expect(losses.type.shape).toHaveLength(1);
    expect(losses.type.shape[0]! % output[0]!).toBe(0);
  });

  it.runIf(loss.views === undefined)("refuses labels of another shape, and takes its own", () => {
    for (const { plan, output, label } of cases) {
      const compare = (shape: Shape): unknown =>
        loss.fits(
          {
            loss: loss.name,
            output: output.slice(1),
            label: { dtype, shape },
            classes: classesOf(output),
            data: "d",
          },
          plan.args,
        );
      expect(compare(label.slice(1))).toBeUndefined();
      expect(compare([17])).toMatchObject({ name: "label-shape" });
    }
  });
});

describe.each(METRICS.map((metric): [string, Metric] => [metric.name, metric]))("metric %s", (_, metric) => {
  const cases = plansOf(metric, metric.samples).flatMap((plan) =>
    metric.labels.flatMap((kind) =>
      (kind === "set"
        ? [{ output: [3], label: [3] }]
        : [
            { output: [3], label: [] },
            { output: [5, 3], label: [5] },
          ]
      ).map((shapes) => ({
        ...{ plan, kind },
        ...shapes,
      })),
    ),
  );

  it.each(cases)("compiles as $plan for $kind labels and outputs $output", async ({ plan, kind, output, label }) => {
    const loss = LOSSES.find(({ labels }) => labels === kind)!;
    const recipe: SmallRecipe = {
      ...NUMBERS,
      output,
      label: { dtype: kind === "class" ? "i32" : "f32", shape: kind === "number" ? output : label },
      classes: kind === "number" ? 0 : 3,
      recipe: `loss ${loss.name}\n  metrics ${wordText(plan)}\n  optimizer sgd(lr: 0.1)`,
    };
    expectRoundTrip(plan, METRICS, () => planned(recipe)?.plan.metrics?.at(-1));
    const artifact = await compileSmall(recipe);
    expect(artifactProblem(readExact(writeExact(artifact)))).toBeUndefined();
    const entry = Object.values(soleStage(artifact).entries).find((it) => it.purpose === "evaluate");
    expect(entry?.sums.map(({ sum }) => sum)).toContain(lossPlace({ output: "" }));
    expect(entry?.scores !== undefined).toBe(metric.made === "of scores");
  });

  it.each(cases)("sums what it says: $plan, $kind, $output", ({ plan, kind, output, label }) => {
    if (metric.made === "of scores") return;
    const b = createBuilder();
    const input = (name: string, dtype: DType, shape: Shape): Node => b.input({ name, role: "batch", type: tensorType(dtype, shape) });
    const tally = metric.tally(plan.args, kind);
    const sums = tally.build(b, {
      output: input("output", "f32", [4, ...output]),
      label: input("label", kind === "class" ? "i32" : "f32", [4, ...(kind === "number" ? output : label)]),
      weights: input("weights", "f32", [kind === "class" ? 4 * sizeOf(label) : 4]),
      classes: kind === "number" ? 0 : 3,
    });
    expect(sums.type).toEqual(tensorType("f32", tally.shape({ classes: 3, outputs: kind === "number" ? sizeOf(output) : 3 })));
  });
});

describe.each(OPTIMIZERS.map((optimizer) => [optimizer.name, optimizer] as const))("optimizer %s", (_, optimizer) => {
  it.each(plansOf(optimizer, optimizer.samples))("compiles as $args", async (plan) => {
    const recipe = { ...NUMBERS, recipe: `loss cross_entropy\n  optimizer ${wordText(plan)}` };
    expect(optimizer.check?.(plan.args)).toBeUndefined();
    expectRoundTrip(plan, OPTIMIZERS, () => planned(recipe)?.plan.stages[0]?.optimizer);
    const { states } = soleStage(await compileSmall(recipe));
    const kept = states.filter(({ kind }) => kind === "optimizer").map(({ name }) => name.split("/")[1]);
    const declared = [...Object.keys(optimizer.slots), ...Object.keys(optimizer.shared)];
    expect(kept.filter((name) => !declared.includes(name!))).toEqual([]);
  });

  it.each(plansOf(optimizer, optimizer.samples))("sets every slot that it reads, and only slots that it declares: $args", ({ args }) => {
    const b = createBuilder();
    const input = (name: string, shape: Shape): Node => b.input({ name, role: "state", type: tensorType("f32", shape) });
    const [slots, shared] = [new Set<string>(), new Set<string>()];
    const context = {
      b,
      step: b.input({ name: "step", role: "state", type: tensorType("u32", []) }),
      rate: input("rate", []),
      slot: (name: string) => (slots.add(name), input(name, [2, 3])),
      shared: (name: string, next: (old: Node) => Node) => (shared.add(name), next(input(name, []))),
    };
    const update = optimizer.update(context, args, input("weight", [2, 3]), input("gradient", [2, 3]));
    expect(new Set(Object.keys(update.slots))).toEqual(slots);
    expect([...slots].filter((name) => !Object.hasOwn(optimizer.slots, name))).toEqual([]);
    expect([...shared].filter((name) => !Object.hasOwn(optimizer.shared, name))).toEqual([]);
    for (const node of [update.weight, ...Object.values(update.slots)]) expect(node.type).toEqual(tensorType("f32", [2, 3]));
  });
});

describe.each(CLIPS.map((clip) => [clip.name, clip] as const))("clip %s", (_, clip) => {
  it.each(plansOf(clip, clip.samples))("compiles as $args", async (plan) => {
    const recipe = { ...NUMBERS, recipe: `loss cross_entropy\n  optimizer sgd(lr: 0.1) clip ${wordText(plan)}` };
    expectRoundTrip(plan, CLIPS, () => planned(recipe)?.plan.stages[0]?.clip);
    const artifact = await compileSmall(recipe);
    expect(artifact.recipe.stages[0]?.clip).toEqual(plan);
    expect(artifactProblem(readExact(writeExact(artifact)))).toBeUndefined();
  });
});

describe.each(PENALTIES.map((penalty) => [penalty.name, penalty] as const))("penalty %s", (_, penalty) => {
  it.each(plansOf(penalty, penalty.samples))("compiles as $args", async (plan) => {
    const recipe = { ...NUMBERS, recipe: `loss cross_entropy\n  optimizer sgd(lr: 0.1)\n  regularize ${wordText(plan)}` };
    expectRoundTrip(plan, PENALTIES, () => planned(recipe)?.plan.stages[0]?.penalties?.[0]);
    const artifact = await compileSmall(recipe);
    expect(artifact.recipe.stages[0]?.penalties).toEqual([plan]);
    expect(artifactProblem(readExact(writeExact(artifact)))).toBeUndefined();
  });
});

describe.each(ADAPTERS.map((adapter) => [adapter.name, adapter] as const))("adapter %s", (_, adapter) => {
  it.each(plansOf(adapter, adapter.samples))("compiles as $args", async (plan) => {
    const recipe = { ...NUMBERS, recipe: `loss cross_entropy\n  optimizer sgd(lr: 0.1)\n  adapt fc with ${wordText(plan)}` };
    expectRoundTrip(plan, ADAPTERS, () => planned(recipe)?.plan.adapters?.[0]);
    const artifact = await compileSmall(recipe);
    const { rank, scale } = adapter;
    expect(soleStage(artifact).trainable).toEqual(["fc.lora_A.weight", "fc.lora_B.weight"]);
    expect(artifact.parameters.flatMap(({ shape, adapter: of }) => (of ? [{ shape, ...of }] : []))).toEqual([
      { shape: [rank(plan.args), 4], layer: "fc", scale: scale(plan.args) },
      { shape: [3, rank(plan.args)], layer: "fc", scale: scale(plan.args) },
    ]);
    expect(artifactProblem(readExact(writeExact(artifact)))).toBeUndefined();
  });
});

describe.each(DISTILLATIONS.map((word) => [word.name, word] as const))("distillation %s", (_, word) => {
  it.each(plansOf(word, word.samples))("is read as it is written, and blends losses: $args", (plan) => {
    const recipe = {
      ...NUMBERS,
      recipe: `loss cross_entropy\n  optimizer sgd(lr: 0.1)\n  distill from net weights "t.safetensors" with ${wordText(plan)}`,
    };
    expectRoundTrip(plan, DISTILLATIONS, () => planned(recipe)?.plan.distill);
    const b = createBuilder();
    const of = (name: string, shape: Shape): Node => b.input({ name, role: "batch", type: tensorType("f32", shape) });
    const [losses, student, teacher] = [of("losses", [6]), of("student", [2, 3, 4]), of("teacher", [2, 3, 4])];
    expect(word.blend(b, plan.args, { losses, own: undefined, student, teacher }).type).toEqual(losses.type);
    expect(word.blend(b, plan.args, { losses, own: of("own", [6]), student, teacher }).type).toEqual(losses.type);
  });
});

describe.each(AVERAGES.map((average) => [average.name, average] as const))("average %s", (_, average) => {
  it.each(plansOf(average, average.samples))("compiles as $args", async (plan) => {
    const recipe = { ...NUMBERS, recipe: `loss cross_entropy\n  optimizer sgd(lr: 0.1)\n  average ${wordText(plan)}` };
    expectRoundTrip(plan, AVERAGES, () => planned(recipe)?.plan.average);
    const artifact = await compileSmall(recipe);
    expect(artifact.recipe.average).toEqual(plan);
    expect(soleStage(artifact).averages?.map(({ weight }) => weight)).toEqual(["weight/fc.weight", "weight/fc.bias"]);
    expect(artifactProblem(readExact(writeExact(artifact)))).toBeUndefined();
  });
});

describe.each(PRECISIONS.map((precision: Precision) => [precision.name, precision] as const))("precision %s", (_, precision) => {
  it.each(plansOf(precision, precision.samples))("compiles as $args", async (plan) => {
    const recipe = { ...NUMBERS, recipe: `loss cross_entropy\n  optimizer sgd(lr: 0.1)\n  precision ${wordText(plan)}` };
    const artifact = await compileSmall(recipe);
    if (precision.operands === undefined) expect(artifact.recipe).not.toHaveProperty("precision");
    else {
      expectRoundTrip(plan, PRECISIONS, () => planned(recipe)?.plan.precision);
      expect(artifact.recipe.precision).toEqual(plan);
    }
    const scales = soleStage(artifact).states.filter(({ name }) => name.startsWith("precision/"));
    expect(scales).toHaveLength(precision.scaling ? 2 : 0);
    expect(artifactProblem(readExact(writeExact(artifact)))).toBeUndefined();
  });
});

describe.each(CACHES.map((cache) => [cache.name, cache] as const))("cache %s", (_, cache) => {
  it.each(plansOf(cache, cache.samples))("compiles as $args", async (plan) => {
    const recipe = { ...NUMBERS, recipe: `loss cross_entropy\n  optimizer sgd(lr: 0.1)\n  features ${wordText(plan)}` };
    expectRoundTrip(plan, CACHES, () => planned(recipe)?.plan.stages[0]?.features);
    expect((await compileSmall(recipe)).recipe.stages[0]?.features).toEqual(plan);
  });
});

describe.each(SCHEDULES.map((schedule) => [schedule.name, schedule] as const))("schedule %s", (_, schedule) => {
  it.each(plansOf(schedule, schedule.samples))("compiles as $args", async (plan) => {
    const recipe = { ...NUMBERS, recipe: `loss cross_entropy\n  optimizer sgd(lr: 0.1)\n  schedule ${wordText(plan)}` };
    expectRoundTrip(plan, SCHEDULES, () => planned(recipe)?.plan.stages[0]?.schedule);
    expect((await compileSmall(recipe)).recipe.stages[0]?.schedule).toEqual(plan);
  });

  it.each(plansOf(schedule, schedule.samples))("never leaves what lies between nothing and the full rate: $args", ({ args }) => {
    const [epochSteps, epochs] = [7, 6];
    const b = createBuilder();
    const inputs = ["step", "epochSteps", "totalSteps"].map((name) => b.input({ name, role: "batch", type: tensorType("f32", []) }));
    const [step, perEpoch, total] = inputs.map((node) => () => node);
    const one = b.constant({ value: 1, type: tensorType("f32", []) });
    // An optimizer's rate that no rate of a sample is above.
    const context = { b, step: step!, epochSteps: perEpoch!, totalSteps: total!, decided: () => one, base: 10 };
    const factor = schedule.factor(context, args);
    if (factor === undefined) return;
    expect(factor.type).toEqual(tensorType("f32", []));
    for (let done = 0; done < epochSteps * epochs; done++) {
      const values = [done, epochSteps, epochSteps * epochs].map((value) => Float64Array.of(value));
      const [value] = evaluateNodes([factor], new Map(inputs.map((node, i) => [node, values[i]!])))[0]!;
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
    }
  });
});

describe.each(SOURCES.map((source) => [source.name, source] as const))("source %s", (_, source) => {
  it.each(plansOf(source, source.samples))("is read as it is written: $args", (plan) => {
    const spec = (text: string): string => smallSpec(NUMBERS).replace(/train .*/, `train ${text}`);
    expectRoundTrip(plan, SOURCES, (text) => planRecipe(loadClean(spec(text)))?.data?.sources["train"]);
  });
});

describe.each(TABLE_STEPS.map((step) => [step.name, step] as const))("step on columns %s", (_, step) => {
  it.each(plansOf(step, step.samples))("is read as it is written: $args", (plan) => {
    const recipe = { ...NUMBERS, data: `preprocess ${wordText(plan)}` };
    expectRoundTrip(plan, TABLE_STEPS, () => planned(recipe)?.data?.columns?.[0]);
  });
});

const STEPS: readonly (readonly [string, "preprocess" | "augment", Step])[] = [
  ...PREPROCESS.map((step) => [step.name, "preprocess", step] as const),
  ...AUGMENT.map((step) => [step.name, "augment", step] as const),
];

describe.each(STEPS)("step %s", (_, key, step) => {
  const cases = step.samples.map(({ args, image }) => ({ plan: planOf(step, args), image }));

  it.each(cases)("compiles as $plan of $image", async ({ plan, image: [channels, height, width] }) => {
    const outcome = shapeAfter([{ step, plan }], { channels, height, width });
    if ("problem" in outcome) throw new Error(outcome.problem.name);
    const taken = [outcome.shape.channels, outcome.shape.height!, outcome.shape.width!];
    const size = taken[1]!;
    // A random crop takes the place of what evaluation crops, or of nothing where the pictures have its size.
    const isCrop = step.kind === "move" && step.crops;
    const isPadded = isCrop && size > Math.min(height, width);
    const cut = `[${size}, ${taken[2]!}]`;
    const before = [...(channels === 1 ? ["grayscale"] : []), ...(isCrop ? [isPadded ? `resize(${cut})` : `center_crop(${cut})`] : [])];
    const lines = { preprocess: before, augment: [] as string[] };
    lines[key].push(wordText(plan));
    const recipe: SmallRecipe = {
      ...NUMBERS,
      input: { dtype: "u8", shape: [3, height, width] },
      taken,
      data: Object.entries(lines)
        .flatMap(([word, steps]) => (steps.length === 0 ? [] : [`${word} ${steps.join(" -> ")}`]))
        .join("\n  "),
    };
    expectRoundTrip(plan, key === "preprocess" ? PREPROCESS : AUGMENT, () => planned(recipe)?.data?.[key].at(-1));
    expect(artifactProblem(readExact(writeExact(await compileSmall(recipe))))).toBeUndefined();
  });

  it.each(cases)("makes pictures of the shape that it says: $plan of $image", ({ plan, image: [channels, height, width] }) => {
    const outcome = shapeAfter([{ step, plan }], { channels, height, width });
    if ("problem" in outcome) throw new Error(outcome.problem.name);
    const { shape } = outcome;
    if (step.kind === "load") {
      const data = Uint8Array.from({ length: channels * height * width }, (__, i) => (i * 37) % 256);
      const picture = step.load({ channels, height, width, data }, plan.args);
      expect(picture).toMatchObject(shape);
      expect(picture.data.length).toBe(picture.channels * picture.height * picture.width);
      return;
    }
    const b = createBuilder();
    const bytes = b.input({ name: "bytes", role: "batch", type: tensorType("u8", [2 * channels * height * width]) });
    const places = evenPlaces(b, b.iota({ shape: [2], axis: 0 }), [channels, height, width]);
    const stored = storedRaster(b, bytes, places, channels);
    let draws = 0;
    const number = (of: Shape): Node => b.input({ name: `random${draws++}`, role: "batch", type: tensorType("f32", of) });
    const random = (): Node => number([2]);
    const context = { b, batch: 2, random };
    const size = { height: shape.height!, width: shape.width! };
    const whole = wholeRaster(b, { ...stored, unit: 1 }, height, width);
    const node =
      step.kind === "mix"
        ? step.mix({ b, random: () => number([]) }, whole, whole, plan.args).pictures
        : step.kind === "move"
          ? wholeRaster(b, { ...stored, at: step.move(context, stored, plan.args) }, size.height, size.width)
          : step.value(context, whole, stored.unit, plan.args);
    expect(node.type).toEqual(tensorType("f32", [2, channels, size.height, size.width]));
    expect(draws > 0).toBe(key === "augment");
  });
});
