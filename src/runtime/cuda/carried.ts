// What a compiled folder brings along for NVIDIA's driver: nothing is compiled, and nothing but the driver is needed.

import type { Architecture, Program } from "../../ir/program.ts";
import { InternalError } from "../../ir/types.ts";

/** PTX as the driver takes it, with a zero at its end. */
export const imageOfPtx = (ptx: string): Uint8Array => new TextEncoder().encode(`${ptx}\0`);

export function carriedImage({ ptx: every, ptxFor }: Program, needs?: Architecture): Promise<Uint8Array> {
  const ptx = needs === undefined ? every : ptxFor?.[needs];
  if (ptx === undefined) return Promise.reject(new InternalError("the program was compiled without PTX"));
  return Promise.resolve(imageOfPtx(ptx));
}
