// Models of the hub by name: which files hold their weights, the headers of those, and the files themselves in the cache. What names and hashes a
// repository has, the hub's own client asks; the files are fetched by transfer.ts, since what is in the cache must be whole or not there.

import { DataError } from "../errors.ts";
import { readIndex } from "../weights/sharded.ts";
import type { ByteSource } from "../weights/source.ts";
import { COMMIT, CONTENT_HASH, RepoCache } from "./cache.ts";
import { broken, Interrupted, PATIENCE, persistently, refusal, request, type Patience } from "./request.ts";
import { hubSettings, type HubSettings } from "./settings.ts";
import { fetchFile, type HubFile } from "./transfer.ts";

/** Where models keep their weights, the best first. */
const USUAL = ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"];

export interface HubOptions {
  readonly settings?: HubSettings;
  readonly patience?: Patience;
  readonly signal?: AbortSignal | undefined;
  /** How much of a file of how many bytes is fetched. */
  readonly progress?: ((file: string, bytes: number, of: number) => void) | undefined;
}

/** `hf:OWNER/NAME[@REVISION][/FILE]`. */
export interface HubName {
  readonly repo: string;
  readonly revision: string;
  readonly file: string | undefined;
}

const isPath = (text: string): boolean => text.split("/").every((part) => /^[\w.-]+$/.test(part) && part !== "." && part !== "..");

export function parseHubName(text: string): HubName {
  const [, repo = "", revision = "main", file] = /^hf:([^/@]+\/[^/@]+)(?:@([^/]+))?(?:\/(.+))?$/.exec(text) ?? [];
  // Branches may have slashes, which a name of the hub writes as web addresses do.
  const branch = revision.replaceAll(/%2f/gi, "/");
  if (![repo, branch, file ?? repo].every(isPath)) throw new DataError(`\`${text}\` does not name a model of the hub`);
  return { repo, revision: branch, file };
}

/** A file of a commit: in the cache, at its path there, or only described. */
type Found =
  { readonly name: string; readonly path: string } | { readonly name: string; readonly path?: undefined; readonly file: HubFile };

export class Hub {
  readonly #settings: HubSettings;
  readonly #patience: Patience;
  readonly #options: HubOptions;

  constructor(options: HubOptions = {}) {
    this.#settings = options.settings ?? hubSettings();
    this.#patience = options.patience ?? PATIENCE;
    this.#options = options;
  }

  /** The path in the cache of the file that holds the weights, or of its index, beside which its parts are then. */
  async fetch(text: string): Promise<string> {
    const name = parseHubName(text);
    const commit = await this.#commitOf(name);
    const first = await this.#weightsFile(name, commit);
    const path = await this.#bring(name, commit, first);
    if (first.name.endsWith(".index.json"))
      for (const part of await this.#parts(name, commit, first.name, path)) await this.#bring(name, commit, part);
    return path;
  }

  /**
   * The files of weights, for their headers: those in the cache by their paths, others as bytes that are fetched where they are read.
   * @param cachedOnly undefined where any of them would have to be asked for
   */
  async look(text: string, cachedOnly = false): Promise<readonly (string | ByteSource)[] | undefined> {
    const name = parseHubName(text);
    const commit = cachedOnly ? await this.#cache(name).commitOf(name.revision) : await this.#commitOf(name);
    if (commit === undefined) return undefined;
    const first = cachedOnly ? await this.#cached(name, commit) : await this.#weightsFile(name, commit);
    if (first === undefined) return undefined;
    if (!first.name.endsWith(".index.json")) return [first.path ?? this.#remote(first.file)];
    const index = await this.#bring(name, commit, first);
    const parts: (string | ByteSource)[] = [];
    for (const part of await this.#parts(name, commit, first.name, index, cachedOnly)) parts.push(part.path ?? this.#remote(part.file));
    return parts;
  }

  // --- what there is ---

  #cache({ repo }: HubName): RepoCache {
    return new RepoCache(this.#settings.cache, repo);
  }

  /** As the hub says now; as the cache remembers where the hub cannot be asked. */
  async #commitOf(name: HubName): Promise<string> {
    const cache = this.#cache(name);
    const known = await cache.commitOf(name.revision);
    if (known !== undefined && (COMMIT.test(name.revision) || this.#settings.isOffline)) return known;
    if (this.#settings.isOffline)
      throw new DataError(
        `${name.repo} is not in the cache of the hub, and HF_HUB_OFFLINE is set`,
        `fetch it once without HF_HUB_OFFLINE; the cache is ${this.#settings.cache}`,
      );
    try {
      const { modelInfo } = await import("@huggingface/hub");
      const what = `${name.repo}${name.revision === "main" ? "" : `@${name.revision}`}`;
      const found = await this.#ask(what, (fetch) =>
        modelInfo({ name: name.repo, revision: name.revision, additionalFields: ["sha"], hubUrl: this.#settings.endpoint, fetch }),
      );
      if (!COMMIT.test(found.sha)) throw new DataError(`the hub gives no commit of ${what}`);
      await cache.note(name.revision, found.sha);
      return found.sha;
    } catch (error) {
      // No connection: what was there the last time is better than nothing.
      if (known !== undefined && error instanceof DataError && error.message.startsWith("cannot fetch")) return known;
      throw error;
    }
  }

  async #weightsFile(name: HubName, commit: string): Promise<Found> {
    const cached = await this.#cached(name, commit);
    if (cached !== undefined) return cached;
    const candidates = name.file === undefined ? USUAL : [name.file];
    const files = await this.#describe(name, commit, candidates);
    const first = candidates.flatMap((file) => files.get(file) ?? [])[0];
    if (first !== undefined) return first;
    const what = name.file === undefined ? `has none of ${USUAL.join(", ")}` : `has no ${name.file}`;
    throw new DataError(
      `${name.repo} ${what}`,
      `look at ${this.#settings.endpoint}/${name.repo}/tree/${name.revision}, and name the file: "hf:${name.repo}/FILE"`,
    );
  }

  async #cached(name: HubName, commit: string): Promise<(Found & { readonly path: string }) | undefined> {
    for (const file of name.file === undefined ? USUAL : [name.file]) {
      const path = await this.#cache(name).find(commit, file);
      if (path !== undefined) return { name: file, path };
    }
    return undefined;
  }

  async #parts(name: HubName, commit: string, index: string, path: string, cachedOnly = false): Promise<readonly Found[]> {
    const { readRegularFile } = await import("../files.ts");
    const folder = index.slice(0, index.lastIndexOf("/") + 1);
    const names = new Set(
      [...readIndex(new TextDecoder().decode(await readRegularFile(path, { most: 64 << 20 }))).values()].map((part) => folder + part),
    );
    const found: Found[] = [];
    const missing: string[] = [];
    for (const part of names) {
      const cached = await this.#cache(name).find(commit, part);
      if (cached === undefined) missing.push(part);
      else found.push({ name: part, path: cached });
    }
    if (missing.length === 0) return found;
    if (cachedOnly || this.#settings.isOffline) throw new DataError(`${missing[0] ?? ""} of ${name.repo} is not in the cache of the hub`);
    const files = await this.#describe(name, commit, missing);
    for (const part of missing) found.push(files.get(part) ?? fail(`${name.repo} has no ${part}, of which its index speaks`));
    return found;
  }

  /** Sizes and hashes, from the hub itself: a server that only holds files is not asked for them. */
  async #describe(name: HubName, commit: string, paths: readonly string[]): Promise<ReadonlyMap<string, Found>> {
    if (this.#settings.isOffline)
      throw new DataError(
        `${paths[0] ?? ""} of ${name.repo} is not in the cache of the hub, and HF_HUB_OFFLINE is set`,
        "fetch it once without HF_HUB_OFFLINE",
      );
    const { pathsInfo } = await import("@huggingface/hub");
    const infos = await this.#ask(name.repo, (fetch) =>
      pathsInfo({ repo: name.repo, revision: commit, paths: [...paths], hubUrl: this.#settings.endpoint, fetch }),
    );
    const files = new Map<string, Found>();
    for (const { path, type, size, oid, lfs } of infos) {
      const hash = lfs?.oid ?? oid ?? "";
      const bytes = lfs?.size ?? size;
      if (type !== "file" || !paths.includes(path)) continue;
      if (!CONTENT_HASH.test(hash) || !Number.isSafeInteger(bytes) || bytes < 0)
        throw new DataError(`the hub gives no size and hash of ${name.repo}/${path}`);
      const url = `${this.#settings.endpoint}/${name.repo}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
      files.set(path, { name: path, file: { what: `${name.repo}/${path}`, url, size: bytes, hash } });
    }
    return files;
  }

  /** A question to the hub by its client, with our patience and our words for what it refuses. */
  async #ask<T>(what: string, question: (fetch: typeof globalThis.fetch) => Promise<T>): Promise<T> {
    const { signal } = this.#options;
    return persistently(what, this.#patience, signal, async () => {
      const ends: (() => void)[] = [];
      try {
        return await question(async (url, init) => {
          const { response, end } = await request(
            typeof url === "string" ? url : url instanceof URL ? url.href : url.url,
            init ?? {},
            this.#settings,
            this.#patience,
            signal,
          );
          ends.push(end);
          if (!response.ok) throw refusal(what, response.status, this.#settings);
          return response;
        });
      } catch (error) {
        if (error instanceof SyntaxError) throw new DataError(`what the hub says of ${what} is not JSON`, "is HF_ENDPOINT a hub?");
        throw broken(error, signal);
      } finally {
        for (const end of ends) end();
      }
    });
  }

  // --- files ---

  async #bring(name: HubName, commit: string, found: Found): Promise<string> {
    if (found.path !== undefined) return found.path;
    const { file } = found;
    const cache = this.#cache(name);
    const { progress, signal } = this.#options;
    const transfer = { settings: this.#settings, patience: this.#patience, signal };
    await fetchFile(file, cache.blob(file.hash), {
      ...transfer,
      progress: progress && (({ what, size }, bytes) => progress(what, bytes, size)),
    });
    return cache.link(file.hash, commit, found.name);
  }

  /** Parts of a file, each by a request of its own. */
  #remote({ what, url, size }: HubFile): ByteSource {
    return {
      size,
      read: (at, length, signal = this.#options.signal) =>
        length === 0
          ? Promise.resolve(new Uint8Array())
          : persistently(what, this.#patience, signal, async () => {
              const headers = { Range: `bytes=${at}-${at + length - 1}` };
              const { response, alive, end } = await request(url, { headers }, this.#settings, this.#patience, signal);
              try {
                if (!response.ok) throw refusal(what, response.status, this.#settings);
                return await partOf(response, at, length, alive);
              } catch (error) {
                throw broken(error, signal);
              } finally {
                end();
              }
            }),
    };
  }
}

function fail(message: string): never {
  throw new DataError(message);
}

/** The bytes that were asked for, also of a server that gives all of the file; no more of it is read than that. */
async function partOf(response: Response, at: number, length: number, alive: () => void): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let position = response.status === 206 ? Number(/^bytes (\d+)-/.exec(response.headers.get("Content-Range") ?? "")?.[1] ?? NaN) : 0;
  if (!(position <= at)) throw new DataError("the server gives another part than was asked for");
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    alive();
    const from = Math.max(0, at - position);
    const part = chunk.subarray(from, Math.max(from, at + length - position));
    if (part.length > 0) bytes.set(part, position + from - at);
    position += chunk.length;
    if (position >= at + length) return bytes;
  }
  throw new Interrupted(`it ended after ${position - at} of ${length} bytes`);
}
