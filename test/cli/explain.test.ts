// `tlc explain` in this process: codes of diagnostics, layers, and the words of recipes and data sets.

import { expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { fakeCli, type FakeCli } from "./fake-toolchain.ts";

async function cli(args: readonly string[]): Promise<FakeCli & { code: number }> {
  const fake = fakeCli("");
  return { ...fake, code: await runCli(args, fake.io) };
}

it("explains a code, in any case, and lists all", async () => {
  const list = await cli(["explain", "--json"]);
  const first = String(list.objects()[0]!["code"]);
  expect(list.objects().length).toBeGreaterThan(10);
  const one = await cli(["explain", first.toLowerCase()]);
  expect(one.code).toBe(0);
  expect(one.out()).toContain(first);
  expect((await cli(["explain", first, "--json"])).objects()[0]).toHaveProperty("right");
});

it("explains what a setting takes", async () => {
  const words = (await cli(["explain", "features", "--json"])).objects();
  expect(words.map((it) => it["name"])).toEqual(["cached", "uncached"]);
  expect((await cli(["explain", "features"])).out()).toContain("views = 0");
  expect((await cli(["explain", "optimizer", "--json"])).objects().map((it) => it["name"])).toContain("lion");
});

it.each([
  ["epochs", "it is a setting: see Recipes in docs/language.md of the package"],
  ["val", "it is a setting: see Data sets in docs/language.md of the package"],
  ["lr", "`optimizer adam(lr: 1e-3)`"],
  ["batch_size", "write `batch`"],
  ["Dense", "did you mean `linear`?"],
  ["MSELoss", "did you mean `mse`?"],
  ["ReduceLROnPlateau", "did you mean `plateau`?"],
])("says where %s is explained, or what it is called here", async (name, hint) => {
  const { code, err } = await cli(["explain", name]);
  expect([code, err()]).toEqual([2, expect.stringContaining(hint)]);
});

it("explains layers and words, and all that a name means", async () => {
  const adam = await cli(["explain", "adam"]);
  expect(adam.code).toBe(0);
  expect(adam.out()).toContain("adam (optimizer): Adam");
  expect(adam.out()).toContain("betas = [0.9,0.999]");
  const linear = await cli(["explain", "linear", "--json"]);
  expect(linear.objects()).toMatchObject([
    { kind: "layer", arguments: [{ name: "features" }, { name: "bias", default: true }] },
    { kind: "schedule", arguments: [{ name: "warmup", default: 0 }, { name: "end" }, { name: "warmup_steps" }, { name: "warmup_epochs" }] },
  ]);
  expect((await cli(["explain", "normalize"])).out()).toContain("normalize(imagenet)");
  const list = await cli(["explain", "--json"]);
  expect(list.objects()).toContainEqual(expect.objectContaining({ kind: "loss", name: "mse" }));
});
