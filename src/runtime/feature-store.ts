// Features of frozen layers, kept from run to run under the user's cache folder: those of a split in one file, under a name made of all that
// they depend on, so that the same training begins where they are known already. Node only.

import { createHash } from "node:crypto";
import { HOST_ARRAYS } from "../ir/arrays.ts";
import { bytesPerElement, sizeOf } from "../ir/types.ts";
import type { HostArray } from "./device.ts";
import type { FeatureRequest, FeatureStore } from "./features.ts";
import { bytesOf, KeptFiles } from "./kept-files.ts";

/** Features of fewer are computed as quickly. */
const LEAST_EXAMPLES = 100;
/** Of the format, and of what kernels compute: whoever changes numbers that come out of the same graph changes this one. */
const VERSION = 2;

export function openFeatureStore(folder: string): FeatureStore {
  const kept = new KeptFiles({ folder, ending: ".features", magic: "tlsfeat1", mostOfOne: 2 ** 30, mostOfAll: 4 * 2 ** 30 });
  const isWorth = ({ count }: FeatureRequest): boolean => count >= LEAST_EXAMPLES;
  return {
    find: async (request) => (isWorth(request) ? kept.find(nameOf(request), (content) => arraysOf(request, content)) : undefined),
    keep: async (request, features) => (isWorth(request) ? kept.keep(nameOf(request), features.map(bytesOf)) : undefined),
  };
}

function nameOf({ key, parameters, examples, count, columns, files }: FeatureRequest): string {
  const shapes = examples.map(({ dtype, shape, data, places }) => [dtype, shape, data.length, places?.length ?? 0]);
  const sizes = parameters.map(({ length }) => length);
  const hash = createHash("sha256").update(JSON.stringify([VERSION, key, count, columns, shapes, sizes, files]));
  for (const { data, places } of examples) hash.update(bytesOf(data)).update(bytesOf(places ?? new Int32Array(0)));
  for (const values of parameters) hash.update(bytesOf(values));
  return hash.digest("hex");
}

/** Column by column, as they were kept; undefined where the file holds more or less. */
function arraysOf({ columns, count }: FeatureRequest, content: Uint8Array<ArrayBuffer>): readonly HostArray[] | undefined {
  let at = content.byteOffset;
  const arrays: HostArray[] = [];
  for (const { dtype, shape } of columns) {
    const length = count * sizeOf(shape);
    const end = at + length * bytesPerElement(dtype);
    if (end > content.buffer.byteLength) return undefined;
    arrays.push(new HOST_ARRAYS[dtype](content.buffer, at, length));
    at = end;
  }
  return at === content.byteOffset + content.byteLength ? arrays : undefined;
}
