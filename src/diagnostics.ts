// Faults in what the user wrote, as values: a code of the catalogue, a place, the text, a remedy. Stages collect them in a sink
// and go on; nothing here throws across stages, and nothing here knows the language. The catalogue itself is in diagnostics/.

export type { CatalogueEntry, Diagnostic, Note, Severity, Span } from "./diagnostics/types.ts";
export { visible, visibleJson } from "./diagnostics/visible.ts";
export { CATALOGUE, entryOfCode, explain } from "./diagnostics/catalogue.ts";
export type { DiagnosticName, ParamsOf } from "./diagnostics/catalogue.ts";
export { DiagnosticSink } from "./diagnostics/sink.ts";
export type { ReportExtra } from "./diagnostics/sink.ts";
export { diagnosticToJson, placeOf, positionOf, renderDiagnostic, renderDiagnostics } from "./diagnostics/render.ts";
export type { DiagnosticJson, Position, RenderOptions, Sources, Style } from "./diagnostics/render.ts";
export { didYouMean, didYouMeanOneOf, editDistance, nearest, oneOf } from "./diagnostics/suggest.ts";
