// The decoder of pictures in Node: sharp, whose one caller this is.

import { systemReason } from "../system-reason.ts";
import type { PictureHeader } from "./image-size.ts";
import { decodeWith, headerWith, type Sharp } from "./library.ts";
import type { Pixels } from "../../ir/recipe/steps/define.ts";

/** The library, which takes longer to load than a small picture to decode. */
export const library = async (): Promise<Sharp> => (await import("sharp")).default;

export const pictureHeader = (bytes: Uint8Array): Promise<PictureHeader> => headerWith(library, bytes);
export const decodePicture = async (bytes: Uint8Array, header: PictureHeader): Promise<Pixels> =>
  decodeWith(await library(), bytes, header);

/** The first line of a decoder's complaint; what follows is its log. */
export const imageReason = (error: unknown): string => systemReason(error).split("\n")[0] ?? "unreadable";
