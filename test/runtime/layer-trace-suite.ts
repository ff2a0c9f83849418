// Each layer of the language on a device, its value and its gradients, against what PyTorch wrote to test/fixtures/layers. What made that
// is scripts/make-layer-traces.py.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, it } from "vitest";
import { writeSafetensors } from "../../src/runtime/weights/safetensors.ts";
import { expectTensors, traced, tensorsOf, type TraceDevice, type Tensors } from "../support/trace.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/layers", import.meta.url));

interface Case {
  readonly shape: readonly number[];
  readonly steps: string;
}

export const LAYER_CASES = JSON.parse(readFileSync(join(FOLDER, "cases.json"), "utf8")) as Readonly<Record<string, Case>>;

/** What PyTorch adds to the input is a weight of ours, whose gradient is the input's. */
const specOf = ({
  shape,
  steps,
}: Case): string => `import { transformer_encoder_layer, transformer_decoder_layer } from "tlc:zoo/transformer"
network net {
  input a: f32[${shape.join(", ")}]
  let offset = shift: parameter([${shape.join(", ")}])
  x + offset
  ${steps}
}
recipe r {
  network net
  loss mse
  optimizer sgd(lr: 0.1)
}
`;

export function layerTraceSuite(device: TraceDevice): void {
  const work = mkdtempSync(join(tmpdir(), "tlc-layers-"));
  afterAll(() => rmSync(work, { recursive: true, force: true }));
  const all = tensorsOf(join(FOLDER, "layers.safetensors"));
  const those = (of: Tensors, prefix: string, kinds: RegExp): Tensors =>
    new Map(
      [...of].flatMap(([key, tensor]) =>
        key.startsWith(prefix) && kinds.test(key.slice(prefix.length)) ? [[key.slice(prefix.length), tensor]] : [],
      ),
    );

  describe(`layers on ${device} are PyTorch's`, () => {
    it.each(Object.entries(LAYER_CASES))("%s", async (name, it) => {
      const file = (kind: string): string => join(work, `${name}.${kind}`);
      writeFileSync(file("tlspec"), specOf(it));
      writeFileSync(file("in.safetensors"), writeSafetensors(those(all, `${name}/`, /^(weight|batch)\//)));
      const actual = await traced(file("tlspec"), file("in.safetensors"), 1, device, file("out.safetensors"));
      const answers = /^(output$|grad\/)/;
      expectTensors(those(actual, "", answers), those(all, `${name}/`, answers), () => 1e-4);
    });
  });
}
