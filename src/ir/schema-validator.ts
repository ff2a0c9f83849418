// The one caller of Ajv: values from outside (the JSON form of a spec, a compiled folder) against a JSON schema. Ajv makes functions of a
// schema's text, which a policy may forbid, so the build puts those functions in this file's place (scripts/precompile.mjs).

import { Ajv, type ValidateFunction } from "ajv";

/** The value's depth must be bounded: each level is a call. */
export type Validate = Pick<ValidateFunction, "errors"> & ((value: unknown) => boolean);

/** A schema of draft 7; the build knows it by its `$id`. */
export type Identified = object & { readonly $id: string };

export const OPTIONS = { strict: true, allErrors: false, discriminator: true, allowUnionTypes: true } as const;

export const validatorOf = (schema: Identified): Validate => new Ajv(OPTIONS).compile(schema);
