// A path that must be a spec: said before the compiler is loaded, and as the mistake that it is.

import { UsageError } from "./failure.ts";
import { isFolder } from "./open.ts";

export async function requireSpec(path: string): Promise<void> {
  if (await isFolder(path))
    throw new UsageError(`${path} is a folder`, "name a .tlspec file; a folder that `tlc compile` wrote can be run, not compiled");
}
