// Are the tests worth something? Each entry of test/mutants/ changes one place of the source into a plausible mistake, in a copy of the
// checkout, and runs the test that is to notice. One that does not is a hole in the tests.
//
//   npm run mutants                    all of them, which takes minutes
//   npm run mutants -- 3..7 dropout    the third to the seventh, and those whose name contains "dropout"
//   npm run mutants -- --jobs 4        so many at a time; otherwise two
//
// Ends with 1 where one survives, or where an entry no longer fits the source or its tests.

import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** What tests read; everything else of the checkout is not copied. */
const COPIED = [
  "src",
  "test",
  "specs",
  "bench",
  "scripts",
  "fuzz",
  "bench",
  "docs",
  "dist",
  "package.json",
  "tsconfig.json",
  "tsconfig.test.json",
  "vitest.config.ts",
];
/** A mutant that makes a loop endless is stopped after this; milliseconds. */
const LIMIT = 300_000;

/** All entries: { name, file, find, replace, why, test, only? }, in the order of files and entries. */
export function readMutants(root = ROOT) {
  const folder = join(root, "test/mutants");
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return files.sort().flatMap((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
}

/** The source with the mistake in it, or why that cannot be. */
export function mutate(source, { find, replace }) {
  const places = source.split(find).length - 1;
  if (places !== 1)
    return { problem: places === 0 ? "its text is not in the source any more" : `its text is ${places} times in the source` };
  return { mutated: source.split(find).join(replace) };
}

/** A copy of the checkout with the same packages, in which nothing that happens matters. */
async function makeCopy() {
  const copy = mkdtempSync(join(tmpdir(), "tlc-mutants-"));
  for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  const scripts = (name) => import(pathToFileURL(join(copy, "scripts", name)).href);
  const [{ bundleRuntime, RUNTIME_FILES }, { bundlePackage }] = [await scripts("bundle-runtime.mjs"), await scripts("bundle-package.mjs")];
  // The runtime of threads and pages is read from dist/; tests of the package use all of that.
  const prepare = async ({ file, test }) => {
    const isOfPackage = test.startsWith("test/e2e/");
    if (isOfPackage) await bundlePackage(join(copy, "dist"));
    if (!isOfPackage && !file.startsWith("src/runtime/")) return;
    for (const name of RUNTIME_FILES) writeFileSync(join(copy, "dist", name), await bundleRuntime(name));
  };
  return { copy, prepare };
}

/** Runs a test file in a copy: how many tests failed and passed, and whether they ran out of time. */
function runTests({ copy }, file, only) {
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  const filter = only === undefined ? [] : ["-t", only];
  const args = ["run", file, ...filter, "--bail", "1", "--reporter", "json", "--outputFile", report];
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(ROOT, "node_modules/vitest/vitest.mjs"), ...args], {
      cwd: copy,
      detached: true,
      stdio: "ignore",
    });
    let isLate = false;
    // The whole group: test workers would run on.
    const timer = setTimeout(() => {
      isLate = true;
      process.kill(-child.pid, "SIGKILL");
    }, LIMIT);
    child.on("close", () => {
      clearTimeout(timer);
      if (isLate || !existsSync(report)) return done({ failed: 0, passed: 0, isLate });
      const { numFailedTests: failed, numPassedTests: passed } = JSON.parse(readFileSync(report, "utf8"));
      done({ failed, passed, isLate });
    });
  });
}

/** A test that fails before anything is changed would "kill" every mutant. Each is run once. */
function createBaseline() {
  const sound = new Map();
  return (file, place) => {
    const known = sound.get(file) ?? runTests(place, file).then(({ failed, passed, isLate }) => failed === 0 && passed > 0 && !isLate);
    sound.set(file, known);
    return known;
  };
}

/** "killed", or what is wrong. */
async function judge(mutant, place, isSound) {
  if (!(await isSound(mutant.test, place))) return "its test fails without any change";
  const path = join(place.copy, mutant.file);
  const source = readFileSync(path, "utf8");
  const { problem, mutated } = mutate(source, mutant);
  if (problem !== undefined) return problem;
  writeFileSync(path, mutated);
  try {
    await place.prepare(mutant);
    const { failed, passed, isLate } = await runTests(place, mutant.test, mutant.only);
    if (failed > 0 || isLate) return "killed";
    return passed > 0 ? "SURVIVED" : "no test ran: the mutated source does not load";
  } finally {
    writeFileSync(path, source);
    await place.prepare(mutant);
  }
}

function chosen(mutants, wanted) {
  if (wanted.length === 0) return mutants;
  const ranges = wanted.map((it) => /^(\d+)\.\.(\d+)$/.exec(it)).filter((it) => it !== null);
  const names = wanted.filter((it) => !/^\d+\.\.\d+$/.test(it));
  return mutants.filter(
    ({ name }, i) =>
      ranges.some(([, first, last]) => i + 1 >= Number(first) && i + 1 <= Number(last)) || names.some((it) => name.includes(it)),
  );
}

async function main(args) {
  const jobsAt = args.indexOf("--jobs");
  const jobs = jobsAt < 0 ? 2 : Number(args[jobsAt + 1]);
  const mutants = chosen(
    readMutants(),
    args.filter((_, i) => jobsAt < 0 || (i !== jobsAt && i !== jobsAt + 1)),
  );
  const began = performance.now();
  const places = [];
  const survivors = [];
  if (mutants.length === 0) {
    console.error("no mutant has such a name");
    process.exitCode = 1;
    return;
  }
  try {
    for (let i = 0; i < Math.min(jobs, mutants.length); i++) places.push(await makeCopy());
    const isSound = createBaseline();
    const waiting = [...mutants];
    const work = async (place) => {
      for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
        const start = performance.now();
        const verdict = await judge(mutant, place, isSound);
        if (verdict !== "killed") survivors.push(mutant.name);
        console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${mutant.name}: ${verdict}`);
      }
    };
    await Promise.all(places.map(work));
  } finally {
    for (const { copy } of places) rmSync(copy, { recursive: true, force: true });
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`${mutants.length - survivors.length} of ${mutants.length} killed in ${seconds} s`);
  if (survivors.length > 0) console.log(`not killed: ${survivors.join(", ")}`);
  process.exitCode = survivors.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
