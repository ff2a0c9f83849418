// Where the hub is, who asks it, and where its files are kept: the environment as Python's huggingface_hub reads it, so that both share one cache.
// https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

export interface HubSettings {
  readonly endpoint: string;
  readonly cache: string;
  readonly token: string | undefined;
  readonly isOffline: boolean;
}

const isTrue = (value: string | undefined): boolean => ["1", "ON", "YES", "TRUE"].includes((value ?? "").toUpperCase());

const expanded = (path: string): string => (path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path);

/** Empty is unset. */
const first = (env: Environment, ...names: readonly string[]): string | undefined =>
  names.map((name) => env[name]).find((value) => value !== undefined && value !== "");

export function hubSettings(env: Environment = process.env): HubSettings {
  const home = expanded(first(env, "HF_HOME") ?? join(first(env, "XDG_CACHE_HOME") ?? join(homedir(), ".cache"), "huggingface"));
  return {
    endpoint: (first(env, "HF_ENDPOINT") ?? "https://huggingface.co").replace(/\/+$/, ""),
    cache: expanded(first(env, "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE") ?? join(home, "hub")),
    token: first(env, "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN") ?? storedToken(env, home),
    isOffline: isTrue(env["HF_HUB_OFFLINE"]) || isTrue(env["TRANSFORMERS_OFFLINE"]),
  };
}

/** What `huggingface-cli login` left. */
function storedToken(env: Environment, home: string): string | undefined {
  if (isTrue(env["HF_HUB_DISABLE_IMPLICIT_TOKEN"])) return undefined;
  try {
    const token = readFileSync(expanded(first(env, "HF_TOKEN_PATH") ?? join(home, "token")), "utf8").trim();
    return token === "" ? undefined : token;
  } catch {
    return undefined;
  }
}
