// What a recipe says of published weights, as plain values: where they are, and what of them does not fit the network by itself.

import type { Shape } from "../types.ts";

/** How a convolution's weights for some channels become those for others. */
export const ADAPTATIONS = ["sum", "repeat"] as const;
export type Adaptation = (typeof ADAPTATIONS)[number];

/** All patterns are globs of names (ir/glob.ts). */
export interface WeightsPlan {
  /** A path, or `hf:OWNER/NAME[@REVISION][/FILE]`; or the name of a recipe of the same file. */
  readonly source: string;
  /** Whether they are what a recipe has trained. */
  readonly isRecipe: boolean;
  /** Tensors of the file that the network has no place for. */
  readonly drop: readonly string[];
  /** Parameters that begin with random values. */
  readonly new: readonly string[];
  readonly rename: readonly Rename[];
  readonly adapt: readonly { readonly target: string; readonly how: Adaptation }[];
  /** Scopes whose layers the recipe replaces: new in the network, and left out of the file. */
  readonly replaced: readonly string[];
}

/** Wildcards of `from` stand, in their order, for what those of `to` become. */
export interface Rename {
  readonly from: string;
  readonly to: string;
}

/** A tensor of a file of weights, by what its header says. */
export interface FileTensor {
  /** As safetensors names it: `F32`. */
  readonly dtype: string;
  readonly shape: Shape;
}

/** Where a parameter's values come from. */
export interface Match {
  /** The tensor's name in the file. */
  readonly tensor: string;
  readonly adapt?: Adaptation;
}
