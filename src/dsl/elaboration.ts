// A network while it is built, as its layers see it: what was asked for, and what has come together so far.

import type { Span } from "../diagnostics.ts";
import type { Builder } from "../ir/builder.ts";
import type { Parameter, TrainingLeaves } from "../ir/model.ts";
import type { Node } from "../ir/node.ts";
import type { Shape } from "../ir/types.ts";
import type { Adaptations, AdapterRules } from "./adaptations.ts";
import type * as Ast from "./ast.ts";
import type { Budget } from "./budget.ts";
import type { Reporter } from "./evaluate.ts";
import type { Module } from "./module.ts";
import type { Paddings } from "./paddings.ts";
import type { Value } from "./values.ts";

/** Steps that stand where the network has others: those of a scope. */
export interface Replacement {
  /** `layer4.1`. */
  readonly scope: string;
  readonly steps: readonly Ast.Step[];
  /** Where the recipe is, whose names they use. */
  readonly module: Module;
  readonly span: Span;
}

export interface ElaborateOptions {
  /** Shared with the other networks of the spec. */
  readonly budget: Budget;
  readonly builder: Builder;
  /** Examples in a batch: axis 0 of every input and output. */
  readonly batch: number;
  /** Extents of symbolic dimensions, by name. */
  readonly dims?: Readonly<Record<string, number>>;
  readonly replacements?: readonly Replacement[];
  /** The number of classes of a data set; without it, nobody knows. */
  readonly classes?: (it: Ast.MemberExpr, data: Ast.DatasetDeclaration, input?: string) => Value;
  /** What an example of each input looks like, without the batch axis; binds symbolic dimensions. */
  readonly inputShapes?: ReadonlyMap<string, Shape>;
  readonly adapters?: AdapterRules;
  /** Of a network that only answers beside another, whose parameters are not those of the recipe's. */
  readonly isTeacher?: boolean;
  /** Inputs whose sequences end before their padding. */
  readonly padded?: ReadonlySet<string>;
}

export interface NetworkInProgress {
  readonly options: ElaborateOptions;
  /** What training gives to a network beside its inputs. */
  readonly leaves: TrainingLeaves;
  readonly paddings: Paddings;
  readonly adaptations: Adaptations;
  /** By name. */
  readonly parameters: Map<string, Parameter>;
  /** New values of buffers, by name. */
  readonly updates: Map<string, Node>;
  /** What layers that carry a state leave of it, by their scopes, or why they leave none. */
  readonly states: Map<string, readonly Value[] | string>;
  /** Reports with the way here: which block was being built, and where it was used. */
  readonly sink: Reporter;
  /** Counts a parameter of this name, or ends the elaboration. */
  countParameter(name: string, span: Span): void;
  /** The number of the next random tensor. */
  nextStream(): number;
}
