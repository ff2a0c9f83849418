// Every operation. The builder's methods, the tests and the printers' tables derive from this list.

import { gelu, geluTanh, logSoftmax, relu, sigmoid, silu, softmax } from "./activation.ts";
import { attention, maskedSoftmax } from "./attention.ts";
import { batchNorm } from "./batch-norm.ts";
import { batchMean, batchVariance } from "./batch-statistics.ts";
import { conv2d, conv2dInputGrad, conv2dWeightGrad } from "./conv.ts";
import { dropout } from "./dropout.ts";
import {
  abs,
  add,
  bitAnd,
  bitOr,
  bitXor,
  cast,
  ceil,
  cos,
  div,
  equal,
  erf,
  exp,
  floor,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  pow,
  rem,
  rsqrt,
  shiftLeft,
  shiftRight,
  sign,
  sin,
  sqrt,
  sub,
  tanh,
  where,
} from "./elementwise.ts";
import { again } from "./again.ts";
import { embedding, gather } from "./gather.ts";
import { gradient } from "./gradient.ts";
import { constant, input, iota } from "./leaf.ts";
import { crossEntropy, squaredError } from "./loss.ts";
import { gru, rnn } from "./gru.ts";
import { lstm } from "./lstm.ts";
import { matmul } from "./matmul.ts";
import { maxPool2d, maxPool2dGrad, maxPool2dIndex } from "./max-pool.ts";
import { concat, expand, pad, reshape, slice, transpose } from "./movement.ts";
import { groupNorm, layerNorm, rmsNorm } from "./norm.ts";
import { elu, hardTanh, leakyRelu, softplus } from "./piecewise.ts";
import { randomBits, randomNormal, randomUniform } from "./random.ts";
import { argMax, reduceMax, reduceMean, reduceMin, reduceSum } from "./reduce.ts";
import { scatterAdd, segmentSum } from "./scatter.ts";
import { searchSorted } from "./sort.ts";
import { avgPool2d, sumPool2d, sumPool2dGrad } from "./sum-pool.ts";
import { alongStrips, stripSum } from "./strips.ts";
import { roundTo } from "./round-to.ts";
import { scan, scanResult } from "./scan.ts";
import { scatterRows, updateSlice } from "./update.ts";

// prettier-ignore
export const ops = {
  input, constant, iota, again,
  neg, abs, exp, log, sqrt, rsqrt, tanh, sin, cos, floor, ceil, sign, erf, logicalNot, cast,
  add, sub, mul, div, rem, pow, maximum, minimum, less, lessEqual, equal, notEqual, logicalAnd, logicalOr,
  bitAnd, bitOr, bitXor, shiftLeft, shiftRight, where,
  reshape, transpose, expand, slice, pad, concat, gather, updateSlice, scatterRows, scatterAdd, segmentSum, searchSorted,
  reduceSum, reduceMax, reduceMin, reduceMean, argMax, stripSum, alongStrips,
  matmul, conv2d, conv2dInputGrad, conv2dWeightGrad, roundTo,
  maxPool2d, maxPool2dIndex, maxPool2dGrad, sumPool2d, sumPool2dGrad, avgPool2d,
  randomBits, randomUniform, randomNormal,
  relu, sigmoid, silu, gelu, geluTanh, leakyRelu, hardTanh, elu, softplus, softmax, logSoftmax, crossEntropy, squaredError,
  batchMean, batchVariance, batchNorm, layerNorm, rmsNorm, groupNorm, dropout, embedding, lstm, gru, rnn,
  maskedSoftmax, attention,
  scan, scanResult, gradient,
} as const;

declare module "./define.ts" {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- merged with the declaration there
  interface Registry extends Readonly<typeof ops> {}
}
