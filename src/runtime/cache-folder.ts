// Where a user's programs keep what they can make again.

import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** Below `XDG_CACHE_HOME`, which counts only where it is absolute, or the home folder's `.cache`; undefined without a home. */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>>,
  kind: "pictures" | "features" | "kernels" | "tuning" | "code",
): string | undefined {
  const { XDG_CACHE_HOME: named = "", HOME: home = process.platform === "win32" ? homedir() : "" } = env;
  const base = isAbsolute(named) ? named : isAbsolute(home) ? join(home, ".cache") : undefined;
  return base === undefined ? undefined : join(base, "tlspec", kind);
}
