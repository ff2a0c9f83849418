// Our SHA-256, for pages, against Node's.

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { sha256, Sha256 } from "../../../src/runtime/sha256.ts";
import { createRandom } from "../../support/random.ts";

const nodes = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("SHA-256", () => {
  it("is Node's for every length around the ends of blocks, in parts of any size", () => {
    const random = createRandom(3);
    for (let length = 0; length < 200; length++) {
      const bytes = Uint8Array.from({ length }, () => random() * 256);
      const hash = new Sha256();
      for (let at = 0; at < length;) {
        const part = 1 + Math.floor(random() * 90);
        hash.update(bytes.subarray(at, at + part));
        at += part;
      }
      expect(hash.digest("hex")).toBe(nodes(bytes));
    }
  });

  it("is of text and bytes in their order", () => {
    expect(sha256("ab", Uint8Array.of(99))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});
