// What random networks learn by: a loss, an optimizer, a schedule and frozen layers, in words and as PyTorch has them.

import { below, pick, type Random } from "../fuzzer.ts";

/** Steps of a case. */
export const STEPS = 3;

export interface Recipe {
  readonly words: readonly string[];
  readonly isOfClasses: boolean;
  /** Divides by numbers that may be small, so that errors grow. */
  readonly isAdaptive: boolean;
  readonly loss: string;
  readonly optimizer: string;
  readonly factors: readonly number[];
  readonly frozen: readonly string[];
}

type Choice = readonly [words: string, python: string];

function randomLoss(random: Random): { readonly choice: Choice; readonly isOfClasses: boolean } {
  switch (below(random, 8)) {
    case 0:
      return { choice: ["mse", "F.mse_loss(output, label)"], isOfClasses: false };
    case 1:
      return { choice: ["mae", "F.l1_loss(output, label)"], isOfClasses: false };
    case 2:
      return { choice: ["huber(delta: 0.7)", "F.huber_loss(output, label, delta=0.7)"], isOfClasses: false };
    case 3:
      return { choice: ["smooth_l1(beta: 0.5)", "F.smooth_l1_loss(output, label, beta=0.5)"], isOfClasses: false };
    case 4: {
      const [margin, p] = [pick(random, [0.5, 1]), pick(random, [1, 2])];
      const python = `F.multi_margin_loss(output.reshape(-1, output.shape[-1]), label.reshape(-1), ${p}, ${margin})`;
      return { choice: [`hinge(margin: ${margin}, p: ${p})`, python], isOfClasses: true };
    }
    default: {
      const smoothing = pick(random, [0, 0, 0.1, 0.3]);
      const python = `F.cross_entropy(output.reshape(-1, output.shape[-1]), label.reshape(-1), label_smoothing=${smoothing})`;
      return { choice: [`cross_entropy(label_smoothing: ${smoothing})`, python], isOfClasses: true };
    }
  }
}

function randomOptimizer(random: Random): { readonly choice: Choice; readonly isAdaptive: boolean } {
  const decay = pick(random, [0, 0.01, 0.1]);
  if (random() < 0.5) {
    const momentum = pick(random, [0, 0.5, 0.9]);
    const nesterov = momentum > 0 && random() < 0.4;
    const dampening = momentum > 0 && !nesterov ? pick(random, [0, 0.3]) : 0;
    const lr = pick(random, [1e-3, 1e-2, 0.1]);
    const words = `sgd(lr: ${lr}, momentum: ${momentum}, dampening: ${dampening}, nesterov: ${nesterov}, weight_decay: ${decay})`;
    const python = `torch.optim.SGD(parameters, ${lr}, ${momentum}, ${dampening}, ${decay}, ${nesterov ? "True" : "False"})`;
    return { choice: [words, python], isAdaptive: false };
  }
  if (random() < 0.5) return { choice: pick(random, rarer(decay)), isAdaptive: true };
  const [name, python] = pick(random, [
    ["adam", "Adam"],
    ["adamw", "AdamW"],
    ["nadam", "NAdam"],
    ["radam", "RAdam"],
  ] as const);
  const [lr, eps] = [pick(random, [1e-3, 1e-2]), pick(random, [1e-8, 1e-6])];
  const [b1, b2] = [pick(random, [0.5, 0.9]), pick(random, [0.9, 0.999])];
  return {
    choice: [
      `${name}(lr: ${lr}, betas: [${b1}, ${b2}], eps: ${eps}, weight_decay: ${decay})`,
      `torch.optim.${python}(parameters, ${lr}, (${b1}, ${b2}), ${eps}, ${decay})`,
    ],
    isAdaptive: true,
  };
}

const rarer = (decay: number): readonly Choice[] => [
  [`rmsprop(lr: 1e-3, eps: 1e-6, weight_decay: ${decay})`, `torch.optim.RMSprop(parameters, 1e-3, eps=1e-6, weight_decay=${decay})`],
  [
    `rmsprop(lr: 1e-3, eps: 1e-4, momentum: 0.9, centered: true, weight_decay: ${decay})`,
    `torch.optim.RMSprop(parameters, 1e-3, eps=1e-4, momentum=0.9, centered=True, weight_decay=${decay})`,
  ],
  [`adagrad(lr: 1e-2, lr_decay: 0.1, eps: 1e-6, weight_decay: ${decay})`, `torch.optim.Adagrad(parameters, 1e-2, 0.1, ${decay}, eps=1e-6)`],
  [`adadelta(lr: 0.5, weight_decay: ${decay})`, `torch.optim.Adadelta(parameters, 0.5, weight_decay=${decay})`],
];

/** Over all steps of the training, which are those of the case. */
function randomSchedule(random: Random): { readonly words: string; readonly factors: readonly number[] } {
  const end = pick(random, [0, 0.25]);
  const factors = (at: (share: number) => number): number[] => Array.from({ length: STEPS }, (_, i) => at(i / STEPS));
  switch (below(random, 4)) {
    case 0:
      return { words: `linear(end: ${end})`, factors: factors((share) => 1 - (1 - end) * share) };
    case 1:
      return { words: `cosine(end: ${end})`, factors: factors((share) => end + ((1 - end) * (1 + Math.cos(Math.PI * share))) / 2) };
    default:
      return { words: "constant", factors: factors(() => 1) };
  }
}

export function randomRecipe(random: Random, scopes: readonly string[]): Recipe {
  const { choice: loss, isOfClasses } = randomLoss(random);
  const { choice: optimizer, isAdaptive } = randomOptimizer(random);
  const { words: schedule, factors } = randomSchedule(random);
  // All but the head, which always learns.
  const frozen = random() < 0.3 ? scopes.slice(0, -1).filter(() => random() < 0.4) : [];
  const words = [
    `loss ${loss[0]}`,
    `optimizer ${optimizer[0]}`,
    `schedule ${schedule}`,
    ...(frozen.length > 0 ? [`freeze ${frozen.map((name) => `${name}.**`).join(", ")}`] : []),
  ];
  return { words, isOfClasses, isAdaptive, loss: loss[1], optimizer: optimizer[1], factors, frozen };
}
