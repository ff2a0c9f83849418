// `npm run demo`: compiles the browser example and serves it, on localhost, with the headers that let WebAssembly use all cores and forbid what the
// page does not need. PORT in the environment says where.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "examples/browser");
const tlc = (...args) =>
  execFileSync(process.execPath, [join(root, "dist/cli/main.js"), ...args], { stdio: ["ignore", "ignore", "inherit"] });

const TYPES = { ".html": "text/html", ".css": "text/css", ".mjs": "text/javascript" };
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'",
  // Pages that send these may share memory between threads.
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

tlc("compile", join(root, "specs/examples/cnn.tlspec"), "--target", "webgpu,wasm", "-o", join(folder, "model"));

const server = createServer(({ url }, response) => {
  const path = normalize(new URL(url, "http://localhost").pathname);
  try {
    const file = join(folder, path.endsWith("/") ? `${path}index.html` : path);
    const content = readFileSync(file);
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream", ...HEADERS }).end(content);
  } catch {
    response.writeHead(404, HEADERS).end();
  }
});
server.listen(Number(process.env.PORT ?? 8000), "127.0.0.1", () =>
  console.log(`http://localhost:${server.address().port}/ (Ctrl-C to end)`),
);
