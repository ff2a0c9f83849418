// What a step of preprocessing or augmentation is: what it makes of a picture's shape, where it runs, and what it does there. What is the
// same in every epoch runs on the host when a picture is loaded, and what it leaves is stored as u8[channels, height, width] on the
// device; what is random or makes numbers of levels is graph, pulled from the last step backwards, so that all of it is one gather.

import type { Builder } from "../../builder.ts";
import type { Node } from "../../node.ts";
import type { ColumnInfo, WordPlan } from "../../plan.ts";
import type { Shape } from "../../types.ts";
import type { ArgSpecs, Values } from "../arguments.ts";
import type { Problem, Word } from "../define.ts";
import type { MixContext, Mixture } from "./mix.ts";

/** Extents are undefined until something says them: files of a folder are looked at late. */
export interface ImageShape {
  readonly channels: number;
  readonly height: number | undefined;
  readonly width: number | undefined;
  /** The shorter side, where that is known and not which it is. */
  readonly shorter?: number | undefined;
}

/** Decoded pixels on the host, interleaved. Files give 1 or 3 channels, a page's canvas 4; a grey picture stands for its colours. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/** Rows or columns of the pictures of a batch: one number for all, or i32[batch, 1, 1]. */
export type Extent = number | Node;

/** Pictures of a batch on the device. */
export interface Raster {
  readonly channels: number;
  readonly height: Extent;
  readonly width: Extent;
  /** The shorter side, where pictures have extents of their own. */
  readonly shorter?: number | undefined;
  /** The level that stands for 1: 255 until a step makes other numbers of levels. */
  readonly unit: number;
  /** What stands where there is no picture: black, and in a mask a class. */
  readonly beyond: number;
  /** f32[batch, channels, h, w] at rows i32[batch or 1, h, 1] and columns i32[batch or 1, 1, w]. */
  readonly at: PixelsAt;
}

export type PixelsAt = (rows: Node, columns: Node) => Node;

export interface StepContext {
  readonly b: Builder;
  readonly batch: number;
  /** Uniform [0, 1) numbers, f32[batch], others at every call. */
  readonly random: () => Node;
}

/**
 * What becomes of a picture's mask, whose pixels are classes: it goes the picture's way, with the same random numbers; it stays as it is, since
 * pixels keep their places; or nothing that would be right.
 */
export type OnMask = "moves" | "stays" | "cannot";

interface StepBase<N extends string, A extends ArgSpecs> extends Word<N, A> {
  /** Pictures after the step, or why it cannot work on such pictures. */
  readonly shape: (image: ImageShape, args: Values<A>) => ImageShape | Problem;
  readonly mask: OnMask;
  readonly samples: readonly StepSample<A>[];
}

/** On the host, when a picture is loaded. */
export interface LoadStep<N extends string = string, A extends ArgSpecs = ArgSpecs> extends StepBase<N, A> {
  readonly kind: "load";
  /** What it does with pixels: cuts a part of them out, makes others of each one alone, or of several. */
  readonly changes: "nothing but the frame" | "each pixel" | "pixels and frame";
  readonly load: (picture: Pixels, args: Values<A>) => Pixels;
  /** Of a mask that moves, where that differs: classes have no mean. @param beyond the class of what is put around it */
  readonly loadMask?: (mask: Pixels, args: Values<A>, beyond: number) => Pixels;
}

/** On the device: which pixel stands where. */
export interface MoveStep<N extends string = string, A extends ArgSpecs = ArgSpecs> extends StepBase<N, A> {
  readonly kind: "move";
  /** Cuts a part out: such a step stands for the crops that preprocessing ends with. */
  readonly crops: boolean;
  /** Runs behind the steps that make numbers of levels, wherever it stands among the random ones. */
  readonly isLast?: boolean;
  readonly move: (context: StepContext, from: Raster, args: Values<A>) => PixelsAt;
  /** Of a mask, where that differs: classes have no mean. It draws what `move` draws, in the same order. */
  readonly moveMask?: (context: StepContext, from: Raster, args: Values<A>) => PixelsAt;
}

/** On the device: numbers made of levels, with 1 for 1 afterwards. */
export interface ValueStep<N extends string = string, A extends ArgSpecs = ArgSpecs> extends StepBase<N, A> {
  readonly kind: "value";
  readonly value: (context: StepContext, levels: Node, unit: number, args: Values<A>) => Node;
}

/** On the device, last of all: pictures and labels of one batch, mixed in the same shares. */
export interface MixStep<N extends string = string, A extends ArgSpecs = ArgSpecs> extends StepBase<N, A> {
  readonly kind: "mix";
  /** @param pictures f32[batch, channels, h, w], as the network takes them; `partners` are the same in another order */
  readonly mix: (context: MixContext, pictures: Node, partners: Node, args: Values<A>) => Mixture;
}

/** What makes pictures of pictures, one by one. */
export type PictureStep<N extends string = string, A extends ArgSpecs = ArgSpecs> = LoadStep<N, A> | MoveStep<N, A> | ValueStep<N, A>;
export type Step<N extends string = string, A extends ArgSpecs = ArgSpecs> = PictureStep<N, A> | MixStep<N, A>;

/** A case for the tests: arguments, and the channels, height and width of a picture. */
export interface StepSample<A extends ArgSpecs = ArgSpecs> {
  readonly args: Partial<Values<A>>;
  readonly image: readonly [number, number, number];
}

/** Callers hold the arguments as plans do. */
export const defineLoadStep = <const N extends string, const A extends ArgSpecs>(step: Omit<LoadStep<N, A>, "kind">): LoadStep<N> =>
  Object.freeze({ kind: "load", ...step }) as unknown as LoadStep<N>;
export const defineMoveStep = <const N extends string, const A extends ArgSpecs>(step: Omit<MoveStep<N, A>, "kind">): MoveStep<N> =>
  Object.freeze({ kind: "move", ...step }) as unknown as MoveStep<N>;
export const defineValueStep = <const N extends string, const A extends ArgSpecs>(step: Omit<ValueStep<N, A>, "kind">): ValueStep<N> =>
  Object.freeze({ kind: "value", ...step }) as unknown as ValueStep<N>;

export const defineMixStep = <const N extends string, const A extends ArgSpecs>(step: Omit<MixStep<N, A>, "kind">): MixStep<N> =>
  Object.freeze({ kind: "mix", ...step }) as unknown as MixStep<N>;

/** A word of a plan with its definition. */
export interface Planned<S extends Step = Step> {
  readonly step: S;
  readonly plan: WordPlan;
}

/** The shape after some steps, or the first that cannot work, with its reason. */
export function shapeAfter(
  steps: readonly Planned[],
  image: ImageShape,
): { readonly shape: ImageShape } | { readonly problem: Problem; readonly at: WordPlan } {
  let shape = image;
  for (const { step, plan } of steps) {
    const next = step.shape(shape, plan.args);
    if ("name" in next) return { problem: next, at: plan };
    shape = next;
  }
  return { shape };
}

/** The class of what lies around a mask: none, where the loss leaves one out, and otherwise the first, which is the background by custom. */
export const beyondMasks = ({ ignored = 0 }: Pick<ColumnInfo, "ignored">): number => ignored;

/** Whether a column holds pictures, as u8[channels, height, width]; numbers of any other kind are taken as they are. */
export const isPicture = ({ dtype, shape }: Pick<ColumnInfo, "dtype" | "shape">): boolean => dtype === "u8" && shape.length === 3;

/** What a label is of: one for the example, one for each step, or, of a mask, one for each row and column. */
export const labelPositions = (label: Pick<ColumnInfo, "dtype" | "shape">): Shape =>
  isPicture(label) ? label.shape.slice(1) : label.shape;

/** Whether each picture has a size of its own, and not all one. */
export const hasOwnSizes = (shape: Shape): boolean => shape.includes(0);

/** Of u8[channels, height, width]. */
export const pictureShape = ([channels = 1, height, width]: Shape): ImageShape => ({ channels, height, width });
