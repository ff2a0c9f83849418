// A web server for the browser test: a compiled folder and the test's own page, under a policy that allows nothing but files from here, and
// WebAssembly.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

const POLICY =
  "default-src 'none'; img-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".mjs": "text/javascript",
  ".js": "text/javascript",
  ".bin": "application/octet-stream",
};

const TEST_PAGE = '<!doctype html><meta charset="utf-8"><title>test</title><script type="module" src="/browser-page.mjs"></script>';

export interface WebServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Pages that send these may share memory between threads. */
const ISOLATION = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/** The pages of the browser test, with a compiled folder. */
export const serve = (model: string, isIsolated = false): Promise<WebServer> =>
  listen((path) => contentOf(path, model), { "content-security-policy": POLICY, ...(isIsolated && ISOLATION) });

/** The files of a folder. */
export const serveFolder = (folder: string): Promise<WebServer> => listen((path) => fileOf(folder, path), {});

async function listen(
  contentOf: (path: string) => string | Buffer | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<WebServer> {
  const server = createServer(({ url = "/" }, response) => {
    const path = new URL(url, "http://localhost").pathname;
    const content = contentOf(path);
    response.writeHead(content === undefined ? 404 : 200, { "content-type": TYPES[extname(path)] ?? "text/html", ...headers });
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

function contentOf(path: string, model: string): string | Buffer | undefined {
  if (path === "/test") return TEST_PAGE;
  if (path === "/favicon.ico") return "";
  return path.startsWith("/model/") ? fileOf(model, path.slice("/model/".length)) : fileOf("test/e2e", path);
}

function fileOf(folder: string, file: string): Buffer | undefined {
  try {
    return readFileSync(join(folder, file));
  } catch {
    return undefined;
  }
}
