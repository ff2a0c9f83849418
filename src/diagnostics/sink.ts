// Collects diagnostics. Stages report here and go on, so that one run shows every fault; nothing is thrown across stages.

import { CATALOGUE } from "./catalogue.ts";
import type { DiagnosticName, ParamsOf } from "./catalogue.ts";
import type { CatalogueEntry, Diagnostic, Note, Span } from "./types.ts";

/** A flood hides its cause and costs memory: later faults are counted, not kept. */
const MOST_KEPT = 1000;
const MANY = 100;

export interface ReportExtra {
  readonly notes?: readonly Note[];
  readonly hint?: string | undefined;
}

export class DiagnosticSink {
  readonly #kept = new Map<string, Diagnostic>();
  #dropped = 0;

  report<N extends DiagnosticName>(name: N, span: Span, params: ParamsOf<N>, extra: ReportExtra = {}): void {
    const entry = CATALOGUE[name] as unknown as CatalogueEntry<ParamsOf<N>>;
    this.add({
      code: entry.code,
      severity: entry.severity,
      span,
      message: entry.message(params),
      notes: extra.notes ?? [],
      ...(extra.hint === undefined ? {} : { hint: extra.hint }),
    });
  }

  /** The same fault at the same place, found again by a later stage or a further turn of a loop, is kept once. */
  add(diagnostic: Diagnostic): void {
    const { code, span, message } = diagnostic;
    const key = `${code} ${span.start} ${span.end} ${span.file} ${message}`;
    if (this.#kept.has(key)) return;
    if (this.#kept.size >= MOST_KEPT) this.#dropped++;
    else this.#kept.set(key, diagnostic);
  }

  get errors(): number {
    let count = this.#dropped;
    for (const diagnostic of this.#kept.values()) if (diagnostic.severity === "error") count++;
    return count;
  }

  /** With so many faults nobody misses a suggestion, each of which compares a name with all others. */
  get isFlooded(): boolean {
    return this.#kept.size >= MANY;
  }

  get hasErrors(): boolean {
    return this.errors > 0;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** By file in the order of first appearance, then by place. */
  list(): Diagnostic[] {
    const all = [...this.#kept.values()];
    const files = new Map<string, number>();
    for (const { span } of all) if (!files.has(span.file)) files.set(span.file, files.size);
    const rank = (d: Diagnostic): number => files.get(d.span.file) ?? 0;
    return all.sort((a, b) => rank(a) - rank(b) || a.span.start - b.span.start || a.span.end - b.span.end);
  }
}
