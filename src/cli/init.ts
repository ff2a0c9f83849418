// `tlc init`: an example to start from, a spec and the pictures that it trains on, out of one file of the package.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { gunzipSync } from "node:zlib";
import { packageRoot } from "../package-root.ts";
import { EXIT, UsageError } from "./failure.ts";
import { shellCommand } from "./shell-command.ts";
import type { Terminal } from "./terminal.ts";

export function init(folder: string, terminal: Terminal): number {
  const packed = gunzipSync(readFileSync(join(packageRoot(), "dist", "example.json.gz"))).toString();
  const files = Object.entries(JSON.parse(packed) as Readonly<Record<string, string>>);
  const taken = files.map(([name]) => join(folder, name)).find((path) => existsSync(path));
  if (taken !== undefined) throw new UsageError(`${taken} is there already`, "name another folder: `tlc init FOLDER`");
  // The specs last: what they name is there before they are.
  for (const [name, content] of files.reverse()) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), Buffer.from(content, "base64"), { flag: "wx" });
  }
  const spec = relative(".", join(folder, "cnn.tlspec"));
  terminal.object({ event: "created", spec, files: files.length });
  const others = files.map(([name]) => name).filter((name) => name.endsWith(".tlspec") && name !== "cnn.tlspec");
  const pictures = files.length - 1 - others.length;
  terminal.line(`${spec} and its ${pictures} pictures; to train it: ${shellCommand(["tlc", "run", spec])}`);
  for (const name of others) terminal.line(`and ${relative(".", join(folder, name))}, which says at its top how it is run`);
  return EXIT.ok;
}
