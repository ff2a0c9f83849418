// Damaged specs: whatever is cut out, doubled or swapped, checking ends with diagnostics inside the text and never throws.
// A failure prints its seed; make it a case of diagnostics/ or of parser.test.ts.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderDiagnostics } from "../../src/diagnostics.ts";
import { checkSpec, loadSpec } from "../../src/dsl/index.ts";
import { createBuilder } from "../../src/ir/builder.ts";
import { hostOf, ROOT, SPECS } from "./support.ts";

const SEEDS = [
  "test/dsl/fixtures/every-form.tlspec",
  "specs/zoo/resnet.tlspec",
  "specs/examples/cnn.tlspec",
  "specs/examples/lstm.tlspec",
].map((path) => readFileSync(join(ROOT, path), "utf8").replace("[3, 224, 224]", "[3, 32, 32]"));
const WORDS = [
  ...Array.from("(){}[],:.=-*/%<>\"' \n"),
  ..."-> .. ** == relu linear(3) x if else then for in let input network block dataset recipe stage freeze __proto__ 0 1e9 5% 0.1x true not".split(
    " ",
  ),
];

/** xorshift32. */
function randomOf(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function damage(seed: number): string {
  const random = randomOf(seed);
  let text = SEEDS[random(SEEDS.length)] ?? "";
  for (let n = random(4); n >= 0; n--) {
    const [a, b] = [random(text.length + 1), random(text.length + 1)];
    const [start, end] = random(4) === 0 ? [Math.min(a, b), Math.max(a, b)] : [a, a + random(12)];
    const kinds = [
      "",
      WORDS[random(WORDS.length)] ?? "",
      text.slice(start, end).repeat(2),
      (WORDS[random(WORDS.length)] ?? "").repeat(random(90)),
    ];
    text = text.slice(0, start) + (kinds[random(4)] ?? "") + text.slice(end);
  }
  return text;
}

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 400);
const FIRST = Number(process.env["FUZZ_SEED"] ?? 1);

describe("damaged specs", () => {
  it(`are answered with diagnostics (${RUNS} from seed ${FIRST})`, () => {
    let faulty = 0;
    for (let seed = FIRST; seed < FIRST + RUNS; seed++) {
      const text = damage(seed);
      try {
        const spec = loadSpec(join(SPECS, "examples/damaged.tlspec"), text, hostOf());
        const diagnostics = checkSpec(spec, { builder: createBuilder });
        renderDiagnostics(diagnostics, spec.sources);
        for (const { span } of diagnostics) {
          const length = spec.sources.get(span.file)?.length ?? 0;
          if (!(span.start >= 0 && span.start <= span.end && span.end <= Math.max(1, length)))
            throw new Error(`span ${span.start}..${span.end} of ${length}`);
        }
        if (diagnostics.length > 0) faulty++;
      } catch (error) {
        throw new Error(`seed ${seed}: ${JSON.stringify(text)}`, { cause: error });
      }
    }
    expect(faulty).toBeGreaterThan(RUNS / 2);
  });
});
