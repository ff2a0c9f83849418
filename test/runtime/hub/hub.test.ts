// Weights by name, from a hub of our own that cuts, stalls, sends elsewhere, refuses and lies: what is in the cache is whole and what the hub
// promised, or it is not there; and Python finds it.

import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataError } from "../../../src/runtime/errors.ts";
import { Hub, type HubOptions } from "../../../src/runtime/hub/hub.ts";
import type { HubSettings } from "../../../src/runtime/hub/settings.ts";
import { describeWeights, describeWeightsAtHand, openPublished } from "../../../src/runtime/weights/published.ts";
import { writeSafetensors, type Tensor } from "../../../src/runtime/weights/safetensors.ts";
import { COMMIT, gitHash, sha256, startHub, type HubServer, type Served } from "./hub-server.ts";

const tensor = (count: number, fill: number): Tensor => ({
  dtype: "F32",
  shape: [count],
  data: new Uint8Array(new Float32Array(count).fill(fill).buffer),
});
const weights = writeSafetensors(
  new Map([
    ["a", tensor(100_000, 1)],
    ["b", tensor(50_000, 2)],
  ]),
);
const shard = (name: string, fill: number): Uint8Array => writeSafetensors(new Map([[name, tensor(10, fill)]]));
const index = { weight_map: { a: "model-1.safetensors", b: "model-2.safetensors" } };

const ONE: Readonly<Record<string, Served>> = { "model.safetensors": { content: weights, isLarge: true } };
const SHARDED: Readonly<Record<string, Served>> = {
  "model.safetensors.index.json": { content: new TextEncoder().encode(JSON.stringify(index)) },
  "model-1.safetensors": { content: shard("a", 1), isLarge: true },
  "model-2.safetensors": { content: shard("b", 2), isLarge: true },
};

let cache: string;
let server: HubServer;
beforeEach(() => (cache = mkdtempSync(join(tmpdir(), "tlspec-hub-"))));
afterEach(async () => {
  await server.close();
  rmSync(cache, { recursive: true, force: true });
});

const options = (changes: Partial<HubSettings> = {}, more: Partial<HubOptions> = {}): HubOptions => ({
  settings: { endpoint: server.url, cache, token: undefined, isOffline: false, ...changes },
  patience: { stallMs: 60_000, pausesMs: [1, 1, 1] },
  ...more,
});
/** Of a server that breaks connections: each as soon as the hub has some of what came over it. */
async function beginCutting(bytes: number, isCut: (count: number) => boolean = () => true): Promise<Hub> {
  server = await startHub(ONE);
  let cut: ((have: number) => void) | undefined;
  server.misbehave = ({ response, content, from, count }) => {
    if (!isCut(count)) return false;
    response.writeHead(from === 0 ? 200 : 206, {
      "Content-Length": content.length - from,
      "Content-Range": `bytes ${from}-${content.length - 1}/${content.length}`,
    });
    response.write(content.subarray(from, from + bytes));
    cut = (have) => have > from && response.destroy();
    return true;
  };
  return new Hub(options({}, { progress: (_, have) => cut?.(have) }));
}
const begin = async (files: Readonly<Record<string, Served>> = ONE): Promise<Hub> => {
  server = await startHub(files);
  return new Hub(options());
};
const folder = (): string => join(cache, "models--owner--name");
const blobs = (): string[] => (existsSync(join(folder(), "blobs")) ? readdirSync(join(folder(), "blobs")) : []);
const filesAsked = (): string[] => server.requests.filter((line) => line.includes("/resolve/"));

const refused = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DataError);
  // What is not whole is not there.
  expect(existsSync(join(folder(), "snapshots"))).toBe(false);
  expect(blobs().filter((name) => !name.includes("tlc-part"))).toEqual([]);
  return (error as Error).message;
};

describe("a model of the hub", () => {
  it("is put where Python looks for it", async () => {
    const hub = await begin();
    const path = await hub.fetch("hf:owner/name");
    expect(path).toBe(join(folder(), "snapshots", COMMIT, "model.safetensors"));
    expect(readFileSync(path).equals(weights)).toBe(true);
    expect(readlinkSync(path)).toBe(join("..", "..", "blobs", sha256(weights)));
    expect(readFileSync(join(folder(), "refs", "main"), "utf8")).toBe(COMMIT);
    expect(blobs()).toEqual([sha256(weights)]);
  });

  it("is fetched once", async () => {
    const hub = await begin();
    await hub.fetch("hf:owner/name");
    await new Hub(options()).fetch("hf:owner/name");
    expect(filesAsked().length).toBe(1);
    // A commit is what it is: nobody is asked.
    const before = server.requests.length;
    await new Hub(options()).fetch(`hf:owner/name@${COMMIT}`);
    expect(server.requests.length).toBe(before);
  });

  it("is fetched once by two at the same time", async () => {
    const hub = await begin();
    const [a, b] = await Promise.all([hub.fetch("hf:owner/name"), new Hub(options()).fetch("hf:owner/name")]);
    expect(a).toBe(b);
    expect(filesAsked().length).toBe(1);
    expect(blobs()).toEqual([sha256(weights)]);
  });

  it("does not wait for a process that is gone", async () => {
    const hub = await begin();
    const gone = spawnSync(process.execPath, ["-e", ""]).pid;
    mkdirSync(join(folder(), "blobs"), { recursive: true });
    writeFileSync(join(folder(), "blobs", `${sha256(weights)}.tlc-lock`), String(gone));
    await hub.fetch("hf:owner/name");
    expect(blobs()).toEqual([sha256(weights)]);
  });

  it("may have a file of another name, a revision, and files that Git keeps", async () => {
    const small = new TextEncoder().encode("{}");
    const hub = await begin({ "sub/config.json": { content: small } });
    expect(readFileSync(await hub.fetch("hf:owner/name@v1/sub/config.json")).equals(small)).toBe(true);
    expect(blobs()).toEqual([gitHash(small)]);
    expect(readFileSync(join(folder(), "refs", "v1"), "utf8")).toBe(COMMIT);
  });

  it("may be in parts", async () => {
    const hub = await begin(SHARDED);
    const path = await hub.fetch("hf:owner/name");
    expect(path.endsWith("model.safetensors.index.json")).toBe(true);
    expect(readdirSync(join(folder(), "snapshots", COMMIT)).sort()).toEqual(Object.keys(SHARDED).sort());
    const { read, close } = await openPublished({ source: "hf:owner/name", isRecipe: false, matches: new Map() }, { hub: options() });
    expect((await read("b")).data).toEqual(tensor(10, 2).data);
    await close();
  });

  it("tells how much of it is there", async () => {
    server = await startHub(ONE);
    const seen: number[] = [];
    const progress = (_: string, bytes: number, of: number): void => {
      seen.push(bytes);
      expect(of).toBe(weights.length);
    };
    await new Hub(options({}, { progress })).fetch("hf:owner/name");
    expect(seen.at(-1)).toBe(weights.length);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  });
});

describe("headers", () => {
  it("are read without the weights", async () => {
    await begin();
    const header = await describeWeights("hf:owner/name", { hub: options() });
    expect([...header]).toEqual([
      ["a", { dtype: "F32", shape: [100_000] }],
      ["b", { dtype: "F32", shape: [50_000] }],
    ]);
    expect(filesAsked().map((line) => line.replace(/.* bytes/, "bytes"))).toEqual(["bytes=0-15", expect.stringMatching(/^bytes=0-\d{3}$/)]);
    expect(blobs()).toEqual([]);
  });

  it("are read of parts, and of a server that knows no ranges", async () => {
    await begin(SHARDED);
    server.misbehave = ({ response, content, request }) => {
      if (!request.url!.includes("model-")) return false;
      response.writeHead(200);
      response.end(content);
      return true;
    };
    expect([...(await describeWeights("hf:owner/name", { hub: options() })).keys()]).toEqual(["a", "b"]);
  });

  it("are not asked for where only what is at hand matters", async () => {
    const hub = await begin();
    expect(await describeWeightsAtHand("hf:owner/name", { hub: options() })).toBeUndefined();
    expect(server.requests).toEqual([]);
    await hub.fetch("hf:owner/name");
    expect((await describeWeightsAtHand("hf:owner/name", { hub: options() }))?.size).toBe(2);
  });
});

describe("a server that", () => {
  it("cuts is asked for the rest", async () => {
    const hub = await beginCutting(200_000, (count) => count < 2);
    expect(readFileSync(await hub.fetch("hf:owner/name")).equals(weights)).toBe(true);
    const ranges = filesAsked().map((line) => Number(/bytes=(\d+)-/.exec(line)?.[1] ?? 0));
    expect(ranges.length).toBe(3);
    expect(ranges[1]).toBeGreaterThan(0);
    expect(ranges[2]).toBeGreaterThan(ranges[1]!);
  });

  it("always cuts is given up, and what came is kept for the next time", async () => {
    const hub = await beginCutting(100_000);
    expect(await refused(hub.fetch("hf:owner/name"))).toContain("cannot fetch owner/name/model.safetensors");
    expect(blobs()).toEqual([`${sha256(weights)}.tlc-part`]);
    server.misbehave = undefined;
    expect(readFileSync(await hub.fetch("hf:owner/name")).equals(weights)).toBe(true);
    expect(filesAsked().at(-1)).toMatch(/bytes=[1-9]\d*-/);
    expect(blobs()).toEqual([sha256(weights)]);
  });

  it("stalls is left after a while", async () => {
    server = await startHub(ONE);
    const hub = new Hub(options({}, { patience: { stallMs: 300, pausesMs: [1] } }));
    server.misbehave = ({ response, content, from }) => {
      response.writeHead(from === 0 ? 200 : 206, {
        "Content-Length": content.length - from,
        "Content-Range": `bytes ${from}-${content.length - 1}/${content.length}`,
      });
      response.write(content.subarray(from, from + 10));
      return true;
    };
    expect(await refused(hub.fetch("hf:owner/name"))).toContain("said nothing for");
  });

  it("sends elsewhere is followed, without the token", async () => {
    server = await startHub(ONE);
    const tokens: (string | undefined)[] = [];
    const elsewhere = createServer((request, response) => {
      tokens.push(request.headers.authorization);
      response.end(weights);
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    server.misbehave = ({ response }) => {
      response.writeHead(302, { Location: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/blob` });
      response.end();
      return true;
    };
    expect(readFileSync(await new Hub(options({ token: "hf_secret" })).fetch("hf:owner/name")).equals(weights)).toBe(true);
    expect(new Set(server.tokens)).toEqual(new Set(["Bearer hf_secret"]));
    expect(tokens).toEqual([undefined]);
    elsewhere.closeAllConnections();
    elsewhere.close();
  });

  it("sends in circles is given up", async () => {
    const hub = await begin();
    server.misbehave = ({ request, response }) => {
      response.writeHead(302, { Location: request.url });
      response.end();
      return true;
    };
    expect(await refused(hub.fetch("hf:owner/name"))).toContain("redirect");
  });

  it.each([
    [401, "not public"],
    [403, "terms"],
    [404, "the hub has no owner/name"],
  ])("answers %i is not asked again", async (status, said) => {
    const hub = await begin();
    server.status = () => status;
    expect(await refused(hub.fetch("hf:owner/name"))).toContain(said);
    expect(server.requests.length).toBe(1);
    server.status = (path) => (path.includes("/resolve/") ? status : 200);
    expect(await refused(new Hub(options()).fetch("hf:owner/name").then(() => Promise.reject(new Error("fetched"))))).toContain(
      String(status),
    );
  });

  it.each([429, 500, 503])("answers %i is asked again", async (status) => {
    const hub = await begin();
    server.status = (_, count) => (count < 2 ? status : 200);
    expect(readFileSync(await hub.fetch("hf:owner/name")).equals(weights)).toBe(true);
  });

  it("is always busy is given up", async () => {
    const hub = await begin();
    server.status = () => 429;
    expect(await refused(hub.fetch("hf:owner/name"))).toContain("429");
    expect(server.requests.length).toBe(4);
  });

  it("gives other bytes than promised is not believed", async () => {
    const hub = await begin();
    server.lie = { hash: "0".repeat(64) };
    expect(await refused(hub.fetch("hf:owner/name"))).toContain("not what the hub promises");
    expect(blobs()).toEqual([]);
  });

  it("gives more than promised is not believed", async () => {
    const hub = await begin();
    server.lie = { size: weights.length - 1 };
    expect(await refused(hub.fetch("hf:owner/name"))).toContain("more for owner/name/model.safetensors than");
  });

  it("gives less than promised is not believed", async () => {
    const hub = await begin();
    server.lie = { size: weights.length + 1 };
    server.misbehave = ({ response, from, content }) => {
      if (from < content.length) return false;
      response.writeHead(416);
      response.end();
      return true;
    };
    expect(await refused(hub.fetch("hf:owner/name"))).toContain("416");
  });

  it("gives another part than was asked for is not believed", async () => {
    const hub = await begin();
    mkdirSync(join(folder(), "blobs"), { recursive: true });
    writeFileSync(join(folder(), "blobs", `${sha256(weights)}.tlc-part`), weights.subarray(0, 1000));
    server.misbehave = ({ response, content }) => {
      response.writeHead(206, { "Content-Range": `bytes 10-${content.length - 1}/${content.length}` });
      response.end(content.subarray(10));
      return true;
    };
    expect(await refused(hub.fetch("hf:owner/name"))).toContain("another part");
  });

  it("left a part of something else gives the file anew", async () => {
    const hub = await begin();
    mkdirSync(join(folder(), "blobs"), { recursive: true });
    writeFileSync(join(folder(), "blobs", `${sha256(weights)}.tlc-part`), new Uint8Array(1000));
    expect(readFileSync(await hub.fetch("hf:owner/name")).equals(weights)).toBe(true);
    expect(filesAsked().length).toBe(2);
  });

  it.each([
    ["a commit that leads out of the cache", { commit: "../../../../etc" }],
    ["a hash that leads out of the cache", { hash: "../../../x" }],
    ["a size that is none", { size: -1 }],
  ])("gives %s is not believed", async (_, lie) => {
    const hub = await begin();
    server.lie = lie;
    expect(await refused(hub.fetch("hf:owner/name"))).toContain("the hub gives no");
  });
});

describe("without a connection", () => {
  it("what the cache has is used, and HF_HUB_OFFLINE asks nobody", async () => {
    const hub = await begin();
    await hub.fetch("hf:owner/name");
    const before = server.requests.length;
    expect(readFileSync(await new Hub(options({ isOffline: true })).fetch("hf:owner/name")).equals(weights)).toBe(true);
    expect(server.requests.length).toBe(before);
    await server.close();
    expect(readFileSync(await new Hub(options()).fetch("hf:owner/name")).equals(weights)).toBe(true);
  });

  it("what it does not have is said", async () => {
    await begin();
    expect(await refused(new Hub(options({ isOffline: true })).fetch("hf:owner/name"))).toContain("HF_HUB_OFFLINE");
    expect(server.requests).toEqual([]);
  });

  it("an abort ends it", async () => {
    server = await startHub(ONE);
    server.misbehave = ({ response }) => (response.writeHead(200), response.write("x"), true);
    const control = new AbortController();
    const progress = (_: string, bytes: number): void => {
      if (bytes > 0) control.abort(new Error("enough"));
    };
    const fetching = new Hub(options({}, { signal: control.signal, progress })).fetch("hf:owner/name");
    await expect(fetching).rejects.toThrow("enough");
  });
});
