import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { shellCommand } from "../../src/cli/shell-command.ts";

describe("a command to type", () => {
  it("has quotes only where a shell would take words apart", () => {
    expect(shellCommand(["tlc", "run", "a/b-1.tlspec", "--set", "lr=1e-3"])).toBe("tlc run a/b-1.tlspec --set lr=1e-3");
    expect(shellCommand(["tlc", "run", "my dir/cnn.tlspec"])).toBe("tlc run 'my dir/cnn.tlspec'");
  });

  it("is what a shell makes the same words of", () => {
    const words = ["my dir", "it's", 'say "so"', "$HOME", "`x`", "a;b", "*", "ü", ""];
    expect(execFileSync("sh", ["-c", `printf '%s\\n' ${shellCommand(words)}`], { encoding: "utf8" })).toBe(`${words.join("\n")}\n`);
  });
});
