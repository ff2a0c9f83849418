// Pictures as an application has them, files and what a page can draw, as pixels: by sharp in Node, where the application has installed it,
// and in a page by the browser's own decoder and canvas. What happens to the pixels afterwards is the data set's steps, the same everywhere.
//
// A page's decoder is its own. Chromium's gives sharp's levels to the bit, of CMYK within one; but a canvas keeps no colours where a picture
// is clear, and few where it nearly is, and grey of 16 bits becomes 8 by halving its range (test/e2e/browser-pictures.test.ts).

import type { ColumnInfo, DataInfo } from "../../ir/plan.ts";
import { isPicture, type Pixels } from "../../ir/recipe/steps/define.ts";
import { sizeOf } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import { decodeWith, headerWith, isPictureFile, type Sharp } from "../data/library.ts";
import type { ColumnValues, Example, PictureFile, SplitValues, Value } from "./values.ts";

/** Examples with pixels for pictures. What is no list of examples stays as it is: whoever packs it says so. */
export async function decodedExamples(info: DataInfo, examples: readonly Example[]): Promise<readonly Example[]> {
  const [column] = info.inputs;
  if (!Array.isArray(examples) || column === undefined || !info.inputs.some(isPicture)) return examples;
  if (info.inputs.length === 1) return decoded(column, examples as readonly Value[]);
  return Promise.all(
    examples.map(async (example: unknown) => {
      if (typeof example !== "object" || example === null) return example as Example;
      const fields = await decodedFields(
        info,
        Object.entries(example).map(([name, value]) => [name, [value as Value]]),
      );
      return Object.fromEntries(fields.map(([name, [value]]) => [name, value])) as Example;
    }),
  );
}

/** The same for the columns of a data set. */
export async function decodedColumns(info: DataInfo, values: SplitValues): Promise<SplitValues> {
  const { inputs } = Object(values) as { readonly inputs?: unknown };
  if (typeof inputs !== "object" || inputs === null || Array.isArray(inputs)) return values;
  return { ...values, inputs: Object.fromEntries(await decodedFields(info, Object.entries(inputs as SplitValues["inputs"]))) };
}

const decodedFields = async (
  info: DataInfo,
  fields: readonly (readonly [string, ColumnValues])[],
): Promise<(readonly [string, ColumnValues])[]> => {
  const found: (readonly [string, ColumnValues])[] = [];
  for (const [name, values] of fields) {
    const column = info.inputs.find((it) => it.name === name && isPicture(it));
    found.push([name, column === undefined || !Array.isArray(values) ? values : await decoded(column, values as readonly Value[])]);
  }
  return found;
};

/** Of each value that stands for a picture its pixels, the others as they are; one after the other. */
async function decoded(column: ColumnInfo, values: readonly Value[]): Promise<readonly Value[]> {
  const found: Value[] = [];
  for (const [i, value] of values.entries()) {
    try {
      found.push((await pixelsOf(value, sizeOf(column.shape))) ?? value);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new DataError(`"${column.name}" of example ${i}: ${reason}`, error instanceof DataError ? error.hint : undefined);
    }
  }
  return found;
}

/** Undefined for what is pixels or numbers already. @param size of a picture that is stored already, which bytes of that length are */
async function pixelsOf(value: unknown, size: number): Promise<Pixels | undefined> {
  if (value instanceof Uint8Array) return value.length !== size && isPictureFile(value) ? decodeFile(value) : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  if ("arrayBuffer" in value && typeof value.arrayBuffer === "function")
    return decodeFile(new Uint8Array(await (value as PictureFile).arrayBuffer()));
  return "close" in value && "width" in value && !("data" in value) ? drawn(value as ImageBitmap) : undefined;
}

const isNode = (): boolean => typeof process === "object" && "node" in process.versions;

async function decodeFile(bytes: Uint8Array): Promise<Pixels> {
  if (isNode()) {
    const header = await headerWith(library, bytes);
    return decodeWith(await library(), bytes, header);
  }
  if (!isPictureFile(bytes)) throw new DataError("it is no PNG, JPEG, WebP, GIF, TIFF or AVIF");
  // Levels as the file has them: turned upright, and nothing else.
  const plain = { imageOrientation: "from-image", premultiplyAlpha: "none", colorSpaceConversion: "none" } as const;
  const image = await createImageBitmap(new Blob([new Uint8Array(bytes)]), plain).catch((error: unknown) => {
    throw new DataError(`the browser cannot decode it: ${error instanceof Error ? error.message : String(error)}`);
  });
  try {
    return drawn(image);
  } finally {
    image.close();
  }
}

function drawn(image: ImageBitmap): Pixels {
  const { width, height } = image;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (context === null) throw new DataError("the page has no canvas to read pictures from");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, channels: 4, data: new Uint8Array(data.buffer, data.byteOffset, data.length) };
}

/** The application's own: bundlers for pages have nothing to look for, and who hands over pixels needs none. */
function library(): Promise<Sharp> {
  try {
    const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);
    return Promise.resolve(require("sharp") as Sharp);
  } catch {
    throw new DataError(
      "files of pictures are decoded by the package sharp, which is not here",
      "`npm install sharp`, or hand over pixels",
    );
  }
}
