// A request to the hub that is asked again where that helps: connections that break, servers that are busy. Where it does not help, the answer
// is an error that says what to do. Nothing waits for ever: a server that says nothing for a while is one that broke.

import { DataError } from "../errors.ts";
import type { HubSettings } from "./settings.ts";

export interface Patience {
  /** Of silence, in milliseconds, before a connection counts as broken. */
  readonly stallMs: number;
  /** Before each further attempt; there are as many as there are pauses. */
  readonly pausesMs: readonly number[];
}

export const PATIENCE: Patience = { stallMs: 30_000, pausesMs: [500, 2000, 5000, 10_000] };

/** No server is waited for longer, whatever it asks. */
const LONGEST_PAUSE_MS = 60_000;

/** Another attempt may go better. */
export class Interrupted extends Error {
  /** What the server asks for. */
  readonly pauseMs: number | undefined;
  constructor(message: string, pauseMs?: number) {
    super(message);
    this.pauseMs = pauseMs;
  }
}

/** Attempts until one does not end with `Interrupted`. @param what is fetched, for the error */
export async function persistently<T>(
  what: string,
  patience: Patience,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      const pause = patience.pausesMs[tries];
      if (!(error instanceof Interrupted)) throw error;
      if (pause === undefined)
        throw new DataError(`cannot fetch ${what}: ${error.message}`, "check the connection, and try again: what was fetched is kept");
      await sleep(Math.min(Math.max(pause, error.pauseMs ?? 0), LONGEST_PAUSE_MS), signal);
    }
  }
}

export const sleep = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      if (signal?.aborted === true) reject(signal.reason as Error);
      else resolve();
    }
    signal?.addEventListener("abort", done);
  });

/** One attempt. The token goes to the hub alone: where it sends us elsewhere, fetch leaves it out. */
export async function request(
  url: string,
  init: RequestInit,
  { token, endpoint }: HubSettings,
  { stallMs }: Patience,
  signal?: AbortSignal,
): Promise<{ readonly response: Response; readonly alive: () => void; readonly end: () => void }> {
  const silence = new AbortController();
  let timer = setTimeout(silent, stallMs);
  function silent(): void {
    silence.abort(new Interrupted(`the server said nothing for ${stallMs / 1000} s`));
  }
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(silent, stallMs);
  };
  const end = (): void => {
    clearTimeout(timer);
    silence.abort();
  };
  const headers = new Headers(init.headers);
  if (token !== undefined && url.startsWith(`${endpoint}/`)) headers.set("Authorization", `Bearer ${token}`);
  try {
    const signals = signal === undefined ? silence.signal : AbortSignal.any([silence.signal, signal]);
    const response = await fetch(url, { ...init, headers, signal: signals });
    if (isBusy(response.status)) throw new Interrupted(`the server answers ${response.status}`, retryAfter(response));
    return { response, alive, end };
  } catch (error) {
    end();
    throw broken(error, signal);
  }
}

/** What a connection that breaks throws, as another attempt may go better; what a signal ended stays as it is. */
export function broken(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true || error instanceof Interrupted || error instanceof DataError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new Interrupted(cause instanceof Error ? cause.message : String(cause));
}

const isBusy = (status: number): boolean => status === 408 || status === 429 || status >= 500;

function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? 1000 * seconds : undefined;
}

/** Of what the hub does not give. */
export function refusal(what: string, status: number, { token, endpoint }: HubSettings): DataError {
  const repo = /^[^/]+\/[^/@]+/.exec(what)?.[0] ?? what;
  if (status === 401)
    return new DataError(
      `the hub does not give ${what} (401): there is no such model, or it is not public`,
      token === undefined
        ? "check the name; for a model that is not public set HF_TOKEN"
        : "check the name, and whether HF_TOKEN is still good",
    );
  if (status === 403)
    return new DataError(
      `the hub does not give ${what} (403): its terms are not accepted, or HF_TOKEN may not read it`,
      `accept the terms at ${endpoint}/${repo} with the account of HF_TOKEN`,
    );
  if (status === 404) return new DataError(`the hub has no ${what} (404)`, `look at ${endpoint}/${repo} for names and revisions`);
  return new DataError(`the hub does not give ${what}: it answers ${status}`);
}
