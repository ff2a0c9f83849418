// torch.optim's formulas (timm's for LAMB, LARS and Lion) in a few lines of float64 each: what the optimizers of the language must do.

type Numbers = readonly number[];
type Memory = Record<string, number>;

/** The next values of a tensor, given its values, its gradient and the number of the step from 1; keeps what it wants for each element. */
export type Rule = (w: Numbers, g: Numbers, t: number, states: readonly Memory[], allGradients: Numbers) => number[];

/** A rule that looks at one element at a time. */
const each =
  (rule: (w: number, g: number, t: number, state: Memory) => number): Rule =>
  (w, g, t, states) =>
    w.map((value, i) => rule(value, g[i] ?? NaN, t, states[i] ?? {}));

const norm = (list: Numbers): number => Math.hypot(...list);

interface Momentum {
  readonly momentum?: number;
  readonly dampening?: number;
  readonly nesterov?: boolean;
}
function carried({ momentum = 0, dampening = 0, nesterov = false }: Momentum, g: number, t: number, state: Memory): number {
  if (momentum === 0) return g;
  const buffer = t === 1 ? g : momentum * (state["buffer"] ?? NaN) + (1 - dampening) * g;
  state["buffer"] = buffer;
  return nesterov ? g + momentum * buffer : buffer;
}

interface Sgd extends Momentum {
  readonly lr: number;
  readonly decay?: number;
}
export const sgd = ({ lr, decay = 0, ...momentum }: Sgd): Rule =>
  each((w, g, t, state) => w - lr * carried(momentum, g + decay * w, t, state));

interface Lars extends Momentum {
  readonly lr?: number;
  readonly decay?: number;
  readonly coefficient?: number;
  readonly eps?: number;
  readonly clip?: boolean;
  readonly adapt?: boolean;
}
export const lars =
  ({ lr = 1, decay = 0, coefficient = 1e-3, eps = 1e-8, clip = false, adapt = decay !== 0, ...momentum }: Lars): Rule =>
  (w, g, t, states) => {
    const [size, slope] = [norm(w), norm(g)];
    const trust = !adapt || size === 0 || slope === 0 ? 1 : (coefficient * size) / (slope + size * decay + eps);
    const ratio = clip ? Math.min(trust / lr, 1) : trust;
    return w.map((value, i) => value - lr * carried(momentum, ratio * ((g[i] ?? NaN) + decay * value), t, states[i] ?? {}));
  };

interface Moments {
  readonly lr?: number;
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  readonly decay?: number;
  readonly decoupled?: boolean;
}
/** Running moments of a gradient, before and after the correction for their start. */
function momentsOf(
  g: number,
  t: number,
  [beta1, beta2]: readonly [number, number],
  state: Memory,
): { m: number; v: number; mHat: number; vHat: number } {
  const m = (state["m"] = beta1 * (state["m"] ?? 0) + (1 - beta1) * g);
  const v = (state["v"] = beta2 * (state["v"] ?? 0) + (1 - beta2) * g * g);
  return { m, v, mHat: m / (1 - beta1 ** t), vHat: v / (1 - beta2 ** t) };
}
const USUAL = [0.9, 0.999] as const;

export const adam = ({ lr = 1e-3, betas = USUAL, eps = 1e-8, decay = 0, decoupled = false }: Moments): Rule =>
  each((w, g, t, state) => {
    const { mHat, vHat } = momentsOf(decoupled ? g : g + decay * w, t, betas, state);
    return (decoupled ? w - lr * decay * w : w) - (lr * mHat) / (Math.sqrt(vHat) + eps);
  });

export const nadam = ({
  lr = 2e-3,
  betas = USUAL,
  eps = 1e-8,
  decay = 0,
  decoupled = false,
  psi = 4e-3,
}: Moments & { readonly psi?: number }): Rule =>
  each((w, gradient, t, state) => {
    const g = decoupled ? gradient : gradient + decay * w;
    const mu = (step: number): number => betas[0] * (1 - 0.5 * 0.96 ** (step * psi));
    const product = (state["product"] = (state["product"] ?? 1) * mu(t));
    const { m, vHat } = momentsOf(g, t, betas, state);
    const direction = ((1 - mu(t)) * g) / (1 - product) + (mu(t + 1) * m) / (1 - product * mu(t + 1));
    return (decoupled ? w - lr * decay * w : w) - (lr * direction) / (Math.sqrt(vHat) + eps);
  });

export const radam = ({ lr = 1e-3, betas = USUAL, eps = 1e-8, decay = 0, decoupled = false }: Moments): Rule =>
  each((w, g, t, state) => {
    const { mHat, v } = momentsOf(decoupled ? g : g + decay * w, t, betas, state);
    const start = decoupled ? w - lr * decay * w : w;
    const last = 2 / (1 - betas[1]) - 1;
    const rho = last - (2 * t * betas[1] ** t) / (1 - betas[1] ** t);
    if (rho <= 5) return start - lr * mHat;
    const rectification = Math.sqrt(((rho - 4) * (rho - 2) * last) / ((last - 4) * (last - 2) * rho));
    return start - (lr * mHat * rectification * Math.sqrt(1 - betas[1] ** t)) / (Math.sqrt(v) + eps);
  });

interface Lamb extends Moments {
  readonly most?: number;
  readonly clip?: boolean;
  readonly adapt?: boolean;
}
export const lamb =
  ({ lr = 1e-3, betas = USUAL, eps = 1e-6, decay = 0.01, most = 1, clip = false, adapt = decay !== 0 }: Lamb): Rule =>
  (w, g, t, states, all) => {
    const excess = Math.max(norm(all) / most, 1);
    const step = w.map((value, i) => {
      const { mHat, vHat } = momentsOf((g[i] ?? NaN) / excess, t, betas, states[i] ?? {});
      return mHat / (Math.sqrt(vHat) + eps) + decay * value;
    });
    const trust = !adapt || norm(w) === 0 || norm(step) === 0 ? 1 : norm(w) / norm(step);
    return w.map((value, i) => value - lr * (clip ? Math.min(trust, 1) : trust) * (step[i] ?? NaN));
  };

interface RmsProp {
  readonly lr?: number;
  readonly alpha?: number;
  readonly eps?: number;
  readonly decay?: number;
  readonly momentum?: number;
  readonly centered?: boolean;
}
export const rmsprop = ({ lr = 0.01, alpha = 0.99, eps = 1e-8, decay = 0, momentum = 0, centered = false }: RmsProp): Rule =>
  each((w, gradient, _, state) => {
    const g = gradient + decay * w;
    const square = (state["square"] = alpha * (state["square"] ?? 0) + (1 - alpha) * g * g);
    const mean = (state["mean"] = alpha * (state["mean"] ?? 0) + (1 - alpha) * g);
    const root = Math.sqrt(centered ? square - mean * mean : square) + eps;
    return w - lr * (state["buffer"] = momentum * (state["buffer"] ?? 0) + g / root);
  });

interface Adagrad {
  readonly lr?: number;
  readonly slowing?: number;
  readonly decay?: number;
  readonly start?: number;
  readonly eps?: number;
}
export const adagrad = ({ lr = 0.01, slowing = 0, decay = 0, start = 0, eps = 1e-10 }: Adagrad): Rule =>
  each((w, gradient, t, state) => {
    const g = gradient + decay * w;
    const sum = (state["sum"] = (state["sum"] ?? start) + g * g);
    return w - ((lr / (1 + (t - 1) * slowing)) * g) / (Math.sqrt(sum) + eps);
  });

interface Adadelta {
  readonly lr?: number;
  readonly rho?: number;
  readonly eps?: number;
  readonly decay?: number;
}
export const adadelta = ({ lr = 1, rho = 0.9, eps = 1e-6, decay = 0 }: Adadelta): Rule =>
  each((w, gradient, _, state) => {
    const g = gradient + decay * w;
    const square = (state["square"] = rho * (state["square"] ?? 0) + (1 - rho) * g * g);
    const delta = (Math.sqrt((state["steps"] ?? 0) + eps) / Math.sqrt(square + eps)) * g;
    state["steps"] = rho * (state["steps"] ?? 0) + (1 - rho) * delta * delta;
    return w - lr * delta;
  });

interface Lion {
  readonly lr?: number;
  readonly betas?: readonly [number, number];
  readonly decay?: number;
}
export const lion = ({ lr = 1e-4, betas: [beta1, beta2] = [0.9, 0.99], decay = 0 }: Lion): Rule =>
  each((w, g, _, state) => {
    const m = state["m"] ?? 0;
    state["m"] = beta2 * m + (1 - beta2) * g;
    return w - lr * decay * w - lr * Math.sign(beta1 * m + (1 - beta1) * g);
  });
