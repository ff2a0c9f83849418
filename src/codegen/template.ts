// The one caller of Handlebars: fills the skeleton of a generated file. Nothing is escaped (it would turn `vec4<f32>` into
// `vec4&lt;f32&gt;`) and a missing field is an error instead of nothing.

import Handlebars from "handlebars";

/** Compiles a template once; the result fills it with data. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller says which fields the template has
export const template = <T>(source: string): ((data: T) => string) =>
  Handlebars.compile<T>(source, { noEscape: true, strict: true, knownHelpersOnly: true, knownHelpers: { each: true, if: true } });
