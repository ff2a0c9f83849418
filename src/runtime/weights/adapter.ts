// Adapters as PEFT keeps them: a folder with `adapter_model.safetensors`, which holds what was trained under PEFT's names, and
// `adapter_config.json`, which says what the maps count for. What is written here PEFT reads, and what PEFT writes is merged here.

import { adapterOf } from "../../ir/recipe/adapters/index.ts";
import type { Artifact } from "../../ir/artifact.ts";
import { sizeOf } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import type { Base } from "./delta.ts";
import { metadataOf } from "./model-weights.ts";
import { readSafetensors, writeSafetensors, type Safetensors, type Tensor } from "./safetensors.ts";
import { fromHostArray, toFloat32 } from "./tensor-values.ts";

export const ADAPTER_WEIGHTS = "adapter_model.safetensors";
export const ADAPTER_CONFIG = "adapter_config.json";

const PREFIX = "base_model.model.";
const [DOWN, UP] = ["lora_A.weight", "lora_B.weight"];
const [EMBEDDING_DOWN, EMBEDDING_UP] = ["lora_embedding_A", "lora_embedding_B"];

/** The folder's files, by name; none of a network without adapters. @param trained the file of all weights */
export function adapterFiles(artifact: Artifact, trained: Uint8Array): ReadonlyMap<string, Uint8Array | string> {
  const [first] = artifact.recipe.adapters ?? [];
  if (!first) return new Map();
  const changed = new Set(artifact.stages.flatMap(({ trainable }) => trainable));
  const { tensors } = readSafetensors(trained);
  const kept = [...tensors].filter(([name]) => changed.has(name)).map(([name, tensor]) => [PREFIX + name, tensor] as const);
  return new Map<string, Uint8Array | string>([
    [ADAPTER_WEIGHTS, writeSafetensors(new Map(kept), metadataOf(artifact))],
    [ADAPTER_CONFIG, `${JSON.stringify(configOf(artifact, adapterOf(first).config(first.args)), null, 2)}\n`],
  ]);
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** @param common what most layers have */
function configOf({ parameters, weights, stages }: Artifact, common: Readonly<Record<string, string | number | boolean>>): object {
  const layers = new Map<string, { readonly rank: number; readonly alpha: number }>();
  // The first map has the rank in front.
  for (const { adapter, shape } of parameters) {
    const [rank = 1] = shape;
    if (adapter && !layers.has(adapter.layer)) layers.set(adapter.layer, { rank, alpha: adapter.scale * rank });
  }
  const others = (key: "rank" | "alpha", usual: unknown): Record<string, number> =>
    Object.fromEntries([...layers].flatMap(([layer, it]) => (it[key] === usual ? [] : [[escaped(layer), it[key]]])));
  const trained = new Set(stages.flatMap(({ trainable }) => trainable));
  const whole = parameters.flatMap(({ name, adapter }) => (!adapter && trained.has(name) ? [name.replace(/\.[^.]*$/, "")] : []));
  return {
    ...common,
    base_model_name_or_path: weights?.source.replace(/^hf:/, "") ?? null,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    task_type: null,
    // A pattern is of the whole name, an element of a list of its end.
    target_modules: [...layers.keys()].map(escaped).join("|"),
    modules_to_save: whole.length > 0 ? [...new Set(whole)] : null,
    rank_pattern: others("rank", common["r"]),
    alpha_pattern: others("alpha", common["lora_alpha"]),
  };
}

export const isAdapter = ({ tensors }: Pick<Safetensors, "tensors">): boolean =>
  [...tensors.keys()].some((name) => name.startsWith(PREFIX));

/** What of the configuration decides about values; checked, since a file may say anything. */
interface Config {
  readonly alphaOf: (layer: string) => number;
  readonly isRootScaled: boolean;
}

function parseConfig(text: string): Config {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new DataError(`${ADAPTER_CONFIG} cannot be read`);
  }
  const config = (typeof json === "object" && json !== null ? json : {}) as Readonly<Record<string, unknown>>;
  const { lora_alpha: alpha, alpha_pattern: patterns = {} } = config;
  if (config["peft_type"] !== "LORA") throw new DataError(`${ADAPTER_CONFIG} is of ${String(config["peft_type"])}, and LORA can be merged`);
  for (const key of ["use_dora", "fan_in_fan_out"])
    if (config[key] === true) throw new DataError(`${ADAPTER_CONFIG} has \`${key}\`, which cannot be merged`);
  if (typeof alpha !== "number" || !(alpha > 0)) throw new DataError(`${ADAPTER_CONFIG} says no \`lora_alpha\``);
  const named = Object.entries(patterns as object).map(([pattern, value]) => {
    const layer = pattern.replaceAll(/\\(.)/g, "$1");
    if (!/^[\w.-]+$/.test(layer)) throw new DataError(`${ADAPTER_CONFIG} has the pattern ${pattern}, and names can be merged`);
    return [layer, Number(value)] as const;
  });
  return {
    alphaOf: (layer) => named.find(([it]) => layer === it || layer.endsWith(`.${it}`))?.[1] ?? alpha,
    isRootScaled: config["use_rslora"] === true,
  };
}

/** All weights of the network, its adapters taken up into their layers; what the adapter has whole stands in the place of the base's. */
export async function mergeAdapter(
  base: Base & { readonly names: Iterable<string> },
  adapter: Safetensors,
  config: string,
): Promise<Uint8Array> {
  const { alphaOf, isRootScaled } = parseConfig(config);
  const own = new Map([...adapter.tensors].map(([name, tensor]) => [name.replace(PREFIX, ""), tensor]));
  const tensors = new Map<string, Tensor>();
  for (const name of base.names) if (!own.has(name)) tensors.set(name, await base.read(name));
  for (const [name, tensor] of own) {
    const [, layer, key = ""] = /^(?:(.+)\.)?(lora_.*)$/.exec(name) ?? [];
    if (key === "") tensors.set(name, tensor);
    else if (key === DOWN || key === EMBEDDING_DOWN) {
      const isEmbedding = key === EMBEDDING_DOWN;
      const scope = layer === undefined ? "" : `${layer}.`;
      const up = own.get(`${scope}${isEmbedding ? EMBEDDING_UP : UP}`);
      const weight = tensors.get(`${scope}weight`);
      if (!up) throw new DataError(`the adapter of ${layer ?? "the network"} has ${key} alone`);
      if (!weight) throw new DataError(`the base has no ${scope}weight`, "give the weights that the adapter was trained with");
      const rank = tensor.shape[0] ?? 1;
      const scale = alphaOf(layer ?? "") / (isRootScaled ? Math.sqrt(rank) : rank);
      tensors.set(
        `${scope}weight`,
        isEmbedding ? merged(scope, weight, up, tensor, scale, "across") : merged(scope, weight, up, tensor, scale),
      );
    } else if (key !== UP && key !== EMBEDDING_UP) throw new DataError(`the adapter holds ${name}, which cannot be merged`);
  }
  return writeSafetensors(tensors, new Map([["format", "pt"]]));
}

/** W + scale * B A, where B is [out, rank, 1…] and A is [rank, in…]; `across`: W is [in, out]. */
function merged(scope: string, weight: Tensor, up: Tensor, down: Tensor, scale: number, across?: "across"): Tensor {
  const [rank = 1, ...rest] = down.shape;
  const [rows = 1] = up.shape;
  const columns = sizeOf(rest);
  const shape = across ? [...rest, rows] : [rows, ...rest];
  if (up.shape[1] !== rank || weight.shape.join() !== shape.join())
    throw new DataError(
      `the adapter of ${scope}weight is [${up.shape.join(", ")}] times [${down.shape.join(", ")}], and the base has [${weight.shape.join(", ")}]`,
      "a convolution in groups has an adapter that no weight can take up",
    );
  const [w, b, a] = [toFloat32(`${scope}weight`, weight).slice(), toFloat32(`${scope}lora_B`, up), toFloat32(`${scope}lora_A`, down)];
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < rank; k++) sum += (b[row * rank + k] ?? 0) * (a[k * columns + column] ?? 0);
      const at = across ? column * rows + row : row * columns + column;
      w[at] = (w[at] ?? 0) + scale * sum;
    }
  return fromHostArray(w, "f32", weight.shape);
}
