// The one caller of Handlebars: fills the skeleton of a generated file. Nothing is escaped (it would turn `vec4<f32>` into
// `vec4&lt;f32&gt;`), a missing field is an error instead of nothing, and all that a template can do is repeat: what decides is typed code.

import Handlebars from "handlebars";

/** Compiles a template once; the result fills it with data. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller says which fields the template has
export const template = <T>(source: string): ((data: T) => string) => Handlebars.compile<T>(source, OPTIONS);

const HELPERS = { each: true, if: false, unless: false, with: false, lookup: false, log: false };

/** For the build, too, which puts what Handlebars makes in this file's place (scripts/precompile.mjs). */
export const OPTIONS = { noEscape: true, strict: true, knownHelpersOnly: true, knownHelpers: HELPERS };
