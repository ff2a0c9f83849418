// `tlc explain`: what a diagnostic's code means, with a wrong and a right example; without a code, the list of all.

import { CATALOGUE, didYouMean, explain as explainCode, type DiagnosticName } from "../diagnostics.ts";
import { EXIT, UsageError } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

export function explain(code: string | undefined, terminal: Terminal): number {
  const entries = (Object.keys(CATALOGUE) as DiagnosticName[]).map((name) => CATALOGUE[name]).sort((a, b) => (a.code < b.code ? -1 : 1));
  if (code === undefined) {
    for (const entry of entries) {
      terminal.object({ code: entry.code, severity: entry.severity, title: entry.title });
      terminal.line(`${terminal.paintOut("bold", entry.code)}  ${entry.title}`);
    }
    return EXIT.ok;
  }
  const text = explainCode(code);
  const entry = entries.find((each) => each.code === code.toUpperCase());
  if (text === undefined || entry === undefined) {
    const suggestion =
      didYouMean(
        code.toUpperCase(),
        entries.map((each) => each.code),
      ) ?? "";
    throw new UsageError(`there is no diagnostic ${code}`, `${suggestion} \`tlc explain\` lists them all`.trim());
  }
  const { severity, title, explanation, wrong, right } = entry;
  terminal.object({ code: entry.code, severity, title, explanation, wrong, right });
  terminal.line(text.trimEnd());
  return EXIT.ok;
}
