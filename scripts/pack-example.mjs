// The example that `tlc init` writes, as one file of the package: names and bytes. A package of thousands of small pictures would take longer
// to install than all the rest.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";

/** @param folder of the examples */
export function packExample(folder) {
  const pictures = readdirSync(join(folder, "data/glyphs"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
  const files = ["cnn.tlspec", "letters-to-digits.tlspec", ...pictures].map((name) => [
    name,
    readFileSync(join(folder, name)).toString("base64"),
  ]);
  return gzipSync(JSON.stringify(Object.fromEntries(files)), { level: 9 });
}
