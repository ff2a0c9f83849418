// Runs of several stages on a device: what a stage takes over from the one before it, what it leaves alone, and what it begins anew.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileSpec } from "../../src/compile.ts";
import type { Artifact } from "../../src/ir/artifact.ts";
import type { DataInfo } from "../../src/ir/plan.ts";
import { splitFromArrays, type LoadedSplit } from "../../src/runtime/data/loaded-split.ts";
import type { Program } from "../../src/ir/program.ts";
import { DeviceError, type Device, type Session } from "../../src/runtime/device.ts";
import { initialize, Network } from "../../src/runtime/network.ts";
import type { DoneEvent, TrainEvent } from "../../src/runtime/events.ts";
import { train } from "../../src/runtime/trainer.ts";
import { readSafetensors } from "../../src/runtime/weights/safetensors.ts";
import { toFloat32 } from "../../src/runtime/weights/tensor-values.ts";
import { createRandom } from "../support/random.ts";

const EXAMPLES = 20;
const STEPS = EXAMPLES / 4;

const dataInfo: DataInfo = {
  inputs: [{ name: "features", dtype: "f32", shape: [6] }],
  label: { name: "label", dtype: "i32", shape: [] },
  classes: ["a", "b", "c"],
};

const spec = (settings: string): string => `network net {
  input features: f32[6]
  low: linear(8) -> bn: batch_norm -> relu
  dropout(0.25)
  fc: linear(3)
}
dataset d { train table("d.tsv", features: f, label: l) }
recipe r {
  network net
  data d
  loss cross_entropy
  batch 4
  ${settings}
}
`;

type Values = ReadonlyMap<string, readonly number[]>;

interface Outcome {
  readonly artifact: Artifact;
  readonly events: readonly TrainEvent[];
  /** The weights before the first step, after each stage's last, and at the end. */
  readonly start: Values;
  readonly afterStage: ReadonlyMap<string, Values>;
  readonly end: Values;
}

export interface Subject {
  readonly name: string;
  readonly open: () => Promise<Device>;
}

export function stagesSuite({ name, open }: Subject): void {
  const folder = mkdtempSync(join(tmpdir(), "tlc-stages-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe(`stages on ${name}`, () => {
    let device: Device;
    beforeAll(async () => {
      device = await open();
    });
    afterAll(() => device.dispose());

    const compile = async (settings: string): Promise<Artifact> => {
      const file = join(folder, "net.tlspec");
      writeFileSync(file, spec(settings));
      const request = { target: device.info.kind, ...(device.limits && { limits: device.limits }), verify: true };
      const { artifact, diagnostics } = await compileSpec(file, { ...request, describeData: () => Promise.resolve(dataInfo) });
      if (!artifact) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
      return artifact;
    };

    const run = async (settings: string): Promise<Outcome> => {
      const artifact = await compile(settings);
      const network = await Network.open(artifact, device);
      try {
        initialize(network.loaded);
        const start = await weightsOf(network);
        const events: TrainEvent[] = [];
        const afterStage = new Map<string, Values>();
        for await (const event of train(network, { train: examples() })) {
          events.push(event);
          if (event.event === "epoch") afterStage.set(event.stage, await weightsOf(network));
        }
        const { tensors } = readSafetensors((events.at(-1) as DoneEvent).weights);
        const end = new Map([...tensors].map(([tensor, values]) => [tensor, [...toFloat32(tensor, values)]]));
        return { artifact, events, start, afterStage, end };
      } finally {
        network.dispose();
      }
    };

    it("are one training when their settings are the same: weights, statistics, optimizer, order and dropout go on", async () => {
      const settings = "optimizer adamw(lr: 1e-2)";
      const whole = await run(`${settings}\n  epochs 2`);
      const halves = await run(`${settings}\n  epochs 1\n  stage first { }\n  stage second { }`);
      expect(halves.artifact.stages.map(({ name: stage }) => stage)).toEqual(["first", "second"]);
      expect([...halves.end]).toEqual([...whole.end]);
    });

    /** The device with room for so many sessions. */
    const narrow = (room: number, fits: (program: Program) => boolean = () => true): Device => {
      let taken = 0;
      const load = async (program: Program): Promise<Session> => {
        if (taken >= room || !fits(program)) throw new DeviceError("out-of-memory", "no room", "");
        const session = await device.load(program);
        taken++;
        const dispose = session.dispose.bind(session);
        return Object.assign(session, {
          dispose: () => {
            taken--;
            dispose();
          },
        });
      };
      return { ...device, load };
    };
    const TWO = "optimizer adamw(lr: 1e-2)\n  epochs 1\n  stage first { }\n  stage second { }";

    // The reference device's memory is the host's.
    it.skipIf(name === "reference")("take over by the host where there is room for one of them only, to the bit", async () => {
      const artifact = await compile(TWO);
      const [wide, alone] = [await Network.open(artifact, narrow(2)), await Network.open(artifact, narrow(1))];
      for (const network of [wide, alone]) for await (const _ of train(network, { train: examples() }));
      expect([...(await weightsOf(alone))]).toEqual([...(await weightsOf(wide))]);
      wide.dispose();
      alone.dispose();
    });

    it.skipIf(name === "reference")("are what they were where there is no room for the next", async () => {
      const artifact = await compile(TWO);
      const network = await Network.open(
        artifact,
        narrow(1, (program) => program !== artifact.stages[1]?.program),
      );
      initialize(network.loaded);
      const before = await weightsOf(network);
      const next = network.advance();
      // Asked for while there is none.
      const during = network.use(({ stage, session }) => session.sync().then(() => stage.name));
      await expect(next).rejects.toThrow("no room");
      expect(await during).toBe("first");
      expect([...(await weightsOf(network))]).toEqual([...before]);
      network.dispose();
    });

    it("train what they do not freeze, from where the one before has come", async () => {
      const { events, start, afterStage, end, artifact } = await run(
        "optimizer sgd(lr: 0.1, momentum: 0.9)\n  stage head {\n    freeze ** except fc\n    epochs 1\n  }\n" +
          "  stage low {\n    freeze fc\n    epochs 2\n  }",
      );
      const changed = (before: Values | undefined, after: Values | undefined): string[] =>
        [...(before?.keys() ?? [])].filter((tensor) => before?.get(tensor)?.join() !== after?.get(tensor)?.join()).sort();
      expect(changed(start, afterStage.get("head"))).toEqual(["fc.bias", "fc.weight"]);
      const low = ["bn.bias", "bn.running_mean", "bn.running_var", "bn.weight", "low.bias", "low.weight"];
      // A bias before a normalization changes nothing but by rounding.
      expect(changed(afterStage.get("head"), end).filter((tensor) => tensor !== "low.bias")).toEqual(
        low.filter((tensor) => tensor !== "low.bias"),
      );
      expect(artifact.stages.map(({ report }) => report.frontier)).toEqual([["fc.weight"], ["low.weight"]]);

      const shown = events.map((event) => [event.event, "stage" in event ? event.stage : "", "epoch" in event ? event.epoch : 0].join(" "));
      const steps = (stage: string, epoch: number): string[] => [
        ...Array.from({ length: STEPS }, () => `step ${stage} ${epoch}`),
        `epoch ${stage} ${epoch}`,
      ];
      expect(shown).toEqual(["start  0", ...steps("head", 1), "uncached low 0", ...steps("low", 1), ...steps("low", 2), "done  0"]);
      expect(events[0]).toMatchObject({
        epochs: 3,
        steps: 3 * STEPS,
        stages: [
          { stage: "head", epochs: 1, steps: STEPS, trainable: 27 },
          { stage: "low", epochs: 2, steps: 2 * STEPS, trainable: 72 },
        ],
      });
      const numbers = events.flatMap((event) => (event.event === "step" ? [event.step] : []));
      expect(numbers).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    });

    it("have schedules of their own, which begin with them", async () => {
      const { events } = await run(
        "optimizer sgd(lr: 0.4)\n  schedule step(every: 1, factor: 0.5)\n  epochs 2\n  stage a { }\n  stage b { epochs 3 }",
      );
      const rates = events.flatMap((event) => (event.event === "step" ? [`${event.stage} ${event.epoch} ${event.lr?.toFixed(3)}`] : []));
      expect([...new Set(rates)]).toEqual(["a 1 0.400", "a 2 0.200", "b 1 0.400", "b 2 0.200", "b 3 0.100"]);
    });

    it("begin an optimizer's memory anew for what was frozen, and keep it for the rest", async () => {
      const rate = 1e-2;
      const artifact = await compile(`optimizer adam(lr: ${rate})\n  epochs 1\n  stage head { freeze ** except fc }\n  stage all { }`);
      const network = await Network.open(artifact, device);
      try {
        for await (const event of train(network, { train: examples() })) if (event.event === "epoch") break;
        const before = await weightsOf(network);
        const memory = async (state: string): Promise<number[]> => [...((await network.loaded.session.read([state])).get(state) ?? [])];
        const kept = await memory("optimizer/first_moment/fc.weight");
        const correction = await memory("optimizer/first_correction");
        expect(Math.max(...kept.map(Math.abs))).toBeGreaterThan(0);

        const { session, stage } = await network.advance();
        expect(await memory("optimizer/first_moment/fc.weight")).toEqual(kept);
        expect(await memory("optimizer/first_correction")).toEqual(correction);
        expect(Math.max(...(await memory("optimizer/first_moment/low.weight")).map(Math.abs))).toBe(0);
        expect(await weightsOf(network)).toEqual(before);

        const { columns } = examples();
        for (const { column, buffer } of trainColumns(stage.entries["train"])) session.write(buffer, columns.get(column)!.data);
        session.write(
          "train/order",
          Int32Array.from({ length: EXAMPLES }, (_, i) => i),
        );
        session.write("train/count", Int32Array.of(EXAMPLES));
        session.write("train/cursor", Int32Array.of(0));
        session.run("train");
        const after = await weightsOf(network);
        // The first step of Adam is the rate times the gradient's sign. With the corrections of a memory that is full it would be three times that.
        const moved = after.get("low.weight")!.map((value, i) => Math.abs(value - before.get("low.weight")![i]!));
        expect(Math.max(...moved)).toBeGreaterThan(0.99 * rate);
        expect(Math.max(...moved)).toBeLessThan(1.001 * rate);
      } finally {
        network.dispose();
      }
    });

    it("can be trained again, from the first", async () => {
      const artifact = await compile("optimizer sgd(lr: 0.1)\n  epochs 1\n  stage head { freeze ** except fc }\n  stage all { }");
      const network = await Network.open(artifact, device);
      try {
        const ends: Values[] = [];
        for (let i = 0; i < 2; i++) {
          for await (const event of train(network, { train: examples() })) expect(event.event).not.toBe("");
          ends.push(await weightsOf(network));
        }
        expect(ends[1]).toEqual(ends[0]);
      } finally {
        network.dispose();
      }
    });
  });
}

const trainColumns = (ports: Artifact["stages"][number]["entries"][string] | undefined) =>
  ports?.purpose === "train" ? ports.columns : [];

async function weightsOf({ artifact, loaded }: Network): Promise<Map<string, readonly number[]>> {
  const read = await loaded.session.read(artifact.parameters.map(({ state }) => state));
  return new Map(artifact.parameters.map(({ name, state }) => [name, Array.from(read.get(state) ?? [])]));
}

function examples(): LoadedSplit {
  const random = createRandom(9);
  return splitFromArrays(dataInfo, {
    features: Float32Array.from({ length: EXAMPLES * 6 }, () => random() * 2 - 1),
    label: Int32Array.from({ length: EXAMPLES }, (_, i) => i % 3),
  });
}
