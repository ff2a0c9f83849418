// The networks of specs/zoo as scripts/make-zoo-traces.py knows them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ZOO_FIXTURES = fileURLToPath(new URL("../fixtures/zoo", import.meta.url));

export interface ZooNetwork {
  /** Of specs/zoo. */
  readonly file: string;
  /** Of the published network: its numbers of weights and of tensors, and a hash of all names and shapes. */
  readonly weights: number;
  readonly tensors: number;
  readonly sha256: string;
  /** The small network of the trace, of the same family, on pictures of `size` pixels or texts of `size` tokens. */
  readonly small: string;
  readonly size: number;
  /** What the pictures of its trace are made of, as weights are of their names. */
  readonly picture?: string;
  /** Of a network on texts: how many words there are. */
  readonly words?: number;
}

export const ZOO = JSON.parse(readFileSync(join(ZOO_FIXTURES, "networks.json"), "utf8")) as Readonly<Record<string, ZooNetwork>>;

/** @param network its name, and its arguments where it has any */
export const specOfZoo = (file: string, network: string, loss = "cross_entropy"): string =>
  `import { ${/^\w+/.exec(network)?.[0] ?? ""} } from "tlc:zoo/${file}"\nrecipe r {\n  network ${network}\n  loss ${loss}\n  optimizer sgd(lr: 0.1)\n}\n`;
