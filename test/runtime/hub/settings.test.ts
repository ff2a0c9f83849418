// The hub's settings and names, without a hub.

import { mkdtempSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseHubName } from "../../../src/runtime/hub/hub.ts";
import { hubSettings } from "../../../src/runtime/hub/settings.ts";

describe("the environment", () => {
  it("is read as huggingface_hub reads it", () => {
    const [user, home] = [homedir(), mkdtempSync(join(tmpdir(), "tlspec-home-"))];
    expect(hubSettings({})).toMatchObject({
      endpoint: "https://huggingface.co",
      cache: join(user, ".cache/huggingface/hub"),
      isOffline: false,
    });
    expect(hubSettings({ XDG_CACHE_HOME: "/x" }).cache).toBe("/x/huggingface/hub");
    expect(hubSettings({ HF_HOME: "~/h", XDG_CACHE_HOME: "/x" }).cache).toBe(join(user, "h/hub"));
    expect(hubSettings({ HF_HUB_CACHE: "/c", HF_HOME: "/h", HUGGINGFACE_HUB_CACHE: "/old" }).cache).toBe("/c");
    expect(hubSettings({ HUGGINGFACE_HUB_CACHE: "/old", HF_HOME: "/h" }).cache).toBe("/old");
    expect(hubSettings({ HF_ENDPOINT: "https://mirror/" }).endpoint).toBe("https://mirror");
    for (const [value, is] of [
      ["1", true],
      ["true", true],
      ["on", true],
      ["yes", true],
      ["0", false],
      ["", false],
    ] as const)
      expect(hubSettings({ HF_HUB_OFFLINE: value }).isOffline).toBe(is);
    writeFileSync(join(home, "token"), "hf_stored\n");
    const stored = { HF_HOME: home };
    expect(hubSettings(stored).token).toBe("hf_stored");
    expect(hubSettings({ ...stored, HF_TOKEN: "hf_named" }).token).toBe("hf_named");
    expect(hubSettings({ ...stored, HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }).token).toBeUndefined();
  });

  it("names are names", () => {
    expect(parseHubName("hf:a/b")).toEqual({ repo: "a/b", revision: "main", file: undefined });
    expect(parseHubName("hf:a/b@refs%2Fpr%2F1/x/y.bin")).toEqual({ repo: "a/b", revision: "refs/pr/1", file: "x/y.bin" });
    for (const name of ["hf:a", "hf:a/..", "hf:a/b@..%2F..%2Fx", "hf:a/b/../../x", "a/b", "hf:a/b@%00"])
      expect(() => parseHubName(name)).toThrow("does not name");
  });
});
