// A hub of one's own: the questions that the client asks, files of a few repositories, and every way in which a server can misbehave.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

export interface Served {
  readonly content: Uint8Array;
  /** Left out: the file is one that Git keeps, with its SHA-1. */
  readonly isLarge?: boolean;
}

/** What a request for a file does, instead of giving it; asked anew for each. */
export type Misbehaviour = (context: {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly content: Uint8Array;
  readonly from: number;
  readonly count: number;
}) => boolean;

export interface HubServer {
  readonly url: string;
  /** Of files, as METHOD PATH, with the range if any. */
  readonly requests: string[];
  readonly tokens: (string | undefined)[];
  misbehave: Misbehaviour | undefined;
  /** Of all requests, before they are looked at. */
  status: ((path: string, count: number) => number) | undefined;
  lie: { readonly size?: number; readonly hash?: string; readonly commit?: string };
  readonly close: () => Promise<void>;
}

export const sha256 = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");
export const gitHash = (content: Uint8Array): string => createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");

/** @param files by path, of the repository `owner/name` */
export async function startHub(files: Readonly<Record<string, Served>>): Promise<HubServer> {
  let count = 0;
  const hub = {
    requests: [] as string[],
    tokens: [] as (string | undefined)[],
    misbehave: undefined,
    status: undefined,
    lie: {},
  } as unknown as HubServer;
  const describe = (path: string): object[] => {
    const file = Object.hasOwn(files, path) ? files[path] : undefined;
    if (file === undefined) return [];
    const size = hub.lie.size ?? file.content.length;
    const oid = file.isLarge === true ? "f".repeat(40) : (hub.lie.hash ?? gitHash(file.content));
    const lfs = file.isLarge === true ? { lfs: { oid: hub.lie.hash ?? sha256(file.content), size, pointerSize: 130 } } : {};
    return [{ type: "file", path, oid, size, ...lfs }];
  };
  const answer = (response: ServerResponse, json: unknown): void => {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify(json));
  };
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://hub");
    const range = request.headers.range;
    hub.requests.push(`${request.method ?? ""} ${decodeURIComponent(url.pathname)}${range === undefined ? "" : ` ${range}`}`);
    hub.tokens.push(request.headers.authorization);
    const status = hub.status?.(url.pathname, count) ?? 200;
    if (status !== 200) {
      count++;
      response.writeHead(status, status === 429 ? { "Retry-After": "0" } : {});
      response.end("no");
      return;
    }
    if (url.pathname.startsWith("/api/models/owner/name/revision/"))
      answer(response, {
        _id: "1",
        id: "owner/name",
        sha: hub.lie.commit ?? COMMIT,
        downloads: 1,
        likes: 0,
        lastModified: "2026-01-01T00:00:00.000Z",
      });
    else if (url.pathname === `/api/models/owner/name/paths-info/${COMMIT}`) {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => answer(response, (JSON.parse(body) as { paths: string[] }).paths.flatMap(describe)));
    } else if (url.pathname.startsWith(`/owner/name/resolve/${COMMIT}/`)) {
      const path = decodeURIComponent(url.pathname.slice(`/owner/name/resolve/${COMMIT}/`.length));
      const content = files[path]?.content;
      if (content === undefined) {
        response.writeHead(404);
        response.end();
        return;
      }
      const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
      const from = Number(first ?? 0);
      if (hub.misbehave?.({ request, response, content, from, count: count++ }) === true) return;
      const to = last === undefined || last === "" ? content.length : Math.min(content.length, Number(last) + 1);
      response.writeHead(range === undefined ? 200 : 206, {
        "Content-Length": to - from,
        ...(range !== undefined && { "Content-Range": `bytes ${from}-${to - 1}/${content.length}` }),
      });
      response.end(content.subarray(from, to));
    } else {
      response.writeHead(404);
      response.end("{}");
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(hub, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}
