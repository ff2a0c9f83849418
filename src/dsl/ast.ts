// The abstract syntax of a spec. It is also the JSON form (there every `span` and `nameSpan` may be left out), so it holds plain
// data only: what was written, nothing resolved. Docs of each form are in docs/language.md.

import type { Span } from "../diagnostics.ts";

export interface Spec {
  readonly kind: "spec";
  readonly span: Span;
  readonly imports: readonly Import[];
  readonly declarations: readonly Declaration[];
}

interface Named {
  readonly name: string;
  readonly nameSpan: Span;
}

/** `import { resnet18 as backbone } from "tlc:zoo/resnet"`. */
export interface Import {
  readonly kind: "import";
  readonly span: Span;
  readonly names: readonly ImportedName[];
  readonly from: string;
  readonly fromSpan: Span;
}

/** `name` in the file imported from; `as` is its name here. */
export interface ImportedName extends Named {
  readonly as?: string;
}

export type Declaration = NetworkDeclaration | NetworkAlias | BlockDeclaration | DatasetDeclaration | RecipeDeclaration;

interface Declared extends Named {
  readonly span: Span;
  /** The text of its `///` lines. */
  readonly doc?: string;
}

export interface NetworkDeclaration extends Declared {
  readonly kind: "network";
  readonly params: readonly Param[];
  readonly body: Body;
}

/** `network resnet18 = resnet(basic_block, [2, 2, 2, 2])`. */
export interface NetworkAlias extends Declared {
  readonly kind: "alias";
  readonly value: Expr;
}

export interface BlockDeclaration extends Declared {
  readonly kind: "block";
  readonly params: readonly Param[];
  readonly body: Body;
}

export interface DatasetDeclaration extends Declared {
  readonly kind: "dataset";
  readonly settings: readonly DatasetSetting[];
}

export interface RecipeDeclaration extends Declared {
  readonly kind: "recipe";
  readonly settings: readonly RecipeSetting[];
  readonly stages: readonly Stage[];
}

export interface Stage extends Named {
  readonly kind: "stage";
  readonly span: Span;
  readonly settings: readonly RecipeSetting[];
}

export interface Param extends Named {
  readonly default?: Expr;
}

// --- network bodies -----------------------------------------------------------------------------------------------------

export interface Body {
  readonly kind: "body";
  readonly span: Span;
  readonly statements: readonly Statement[];
}

export type Statement = InputStatement | OutputStatement | LetStatement | ChainStatement;

/** `input image: f32[3, 24, 24]`, without the batch axis. */
export interface InputStatement extends Named {
  readonly kind: "input";
  readonly span: Span;
  readonly dtype: string;
  readonly dtypeSpan: Span;
  readonly shape: readonly Expr[];
}

/** Its value is the end of a chain that starts at the current value and leaves that as it is. */
export interface LetStatement extends Named {
  readonly kind: "let";
  readonly span: Span;
  readonly steps: readonly Step[];
}

/** `output age = fc_age: linear(1)`: a value as `let` makes one, and an answer of the network. */
export interface OutputStatement extends Named {
  readonly kind: "output";
  readonly span: Span;
  readonly steps: readonly Step[];
}

/** `a -> b -> c`. */
export interface ChainStatement {
  readonly kind: "chain";
  readonly span: Span;
  readonly steps: readonly Step[];
}

/** One step of a chain, in a parameter scope of its own where it has a label. */
export interface Step {
  readonly kind: "step";
  readonly span: Span;
  readonly label?: Label;
  readonly action: Expr | ForLoop | Body;
}

/** `layer{i + 1}` is ["layer", i + 1]; dots part segments. */
export interface Label {
  readonly kind: "label";
  readonly span: Span;
  readonly parts: readonly (string | Expr)[];
}

/** `for value, index in list { … }`. */
export interface ForLoop {
  readonly kind: "for";
  readonly span: Span;
  readonly name: string;
  readonly nameSpan: Span;
  readonly index?: string;
  readonly indexSpan?: Span;
  readonly list: Expr;
  readonly body: Body;
}

// --- expressions --------------------------------------------------------------------------------------------------------

export type Expr =
  NumberExpr | StringExpr | BoolExpr | ListExpr | RestExpr | RefExpr | MemberExpr | IndexExpr | CallExpr | UnaryExpr | BinaryExpr | IfExpr;

/** `unit` is how it was written: 5% is 5 with "%", 0.1x is 0.1 with "x". */
export interface NumberExpr {
  readonly kind: "number";
  readonly span: Span;
  readonly value: number;
  readonly unit?: "%" | "x";
}

export interface StringExpr {
  readonly kind: "string";
  readonly span: Span;
  readonly value: string;
}

export interface BoolExpr {
  readonly kind: "bool";
  readonly span: Span;
  readonly value: boolean;
}

export interface ListExpr {
  readonly kind: "list";
  readonly span: Span;
  readonly items: readonly Expr[];
}

/** `*`, or `* except id`, or `* except [id, 3..5]`: of a table, its other columns. */
export interface RestExpr {
  readonly kind: "rest";
  readonly span: Span;
  readonly except?: Expr;
}

export interface RefExpr {
  readonly kind: "ref";
  readonly span: Span;
  readonly name: string;
}

/** `x.channels`. */
export interface MemberExpr {
  readonly kind: "member";
  readonly span: Span;
  readonly object: Expr;
  readonly name: string;
  readonly nameSpan: Span;
}

export interface IndexExpr {
  readonly kind: "index";
  readonly span: Span;
  readonly object: Expr;
  readonly index: Expr;
}

export interface CallExpr {
  readonly kind: "call";
  readonly span: Span;
  readonly callee: Expr;
  readonly args: readonly Arg[];
}

/** After the first named argument a bare name stands for `name: name`. */
export interface Arg {
  readonly kind: "arg";
  readonly span: Span;
  readonly name?: string;
  readonly nameSpan?: Span;
  readonly value: Expr;
}

export interface UnaryExpr {
  readonly kind: "unary";
  readonly span: Span;
  readonly operator: "-" | "not";
  readonly operand: Expr;
}

export const BINARY_OPERATORS = ["or", "and", "==", "!=", "<", "<=", ">", ">=", "..", "+", "-", "*", "/", "%"] as const;
export type BinaryOperatorName = (typeof BINARY_OPERATORS)[number];

export interface BinaryExpr {
  readonly kind: "binary";
  readonly span: Span;
  readonly operator: BinaryOperatorName;
  readonly left: Expr;
  readonly right: Expr;
}

/** `if c then a else b`, or `if c { … } else if d { … } else { … }`, whose value is the current value after the body that ran. */
export interface IfExpr {
  readonly kind: "if";
  readonly span: Span;
  readonly arms: readonly IfArm[];
  /** Left out only after bodies: the current value stays. */
  readonly otherwise?: Expr | Body;
}

export interface IfArm {
  readonly condition: Expr;
  readonly then: Expr | Body;
}

// --- data sets and recipes ----------------------------------------------------------------------------------------------

interface Setting<K extends string> {
  readonly kind: "setting";
  readonly key: K;
  readonly span: Span;
}

export type SplitName = "train" | "val" | "test";

export type DatasetSetting =
  | (Setting<SplitName> & { readonly value: Expr })
  | (Setting<"split"> & {
      readonly from: string;
      readonly fromSpan: Span;
      readonly parts: readonly SplitPart[];
      readonly stratified?: true;
      readonly by?: Expr;
      readonly seed?: Expr;
    })
  | (Setting<"preprocess" | "augment"> & { readonly steps: readonly Expr[] })
  | (Setting<"tokenize"> & { readonly value: Expr });

/** `val 10%`, or `train 20 per class`. */
export interface SplitPart extends Named {
  readonly fraction: Expr;
  /** So many examples of each class, instead of a share. */
  readonly perClass?: true;
}

export type RecipeSetting =
  | (Setting<"network" | "data" | "batch" | "epochs" | "precision" | "seed" | "schedule" | "accumulate" | "average" | "features"> & {
      readonly value: Expr;
    })
  | (Setting<"loss"> &
      ({ readonly value: Expr; readonly losses?: never } | { readonly losses: readonly OutputLoss[]; readonly value?: never }))
  | (Setting<"weights"> & WeightClauses & { readonly value: Expr })
  | (Setting<"replace"> & { readonly target: Glob; readonly with: readonly Step[] })
  | (Setting<"distill"> & {
      readonly network: Expr;
      readonly weights: Setting<"weights"> & WeightClauses & { readonly value: Expr };
      readonly with?: Expr;
    })
  | (Setting<"adapt"> & { readonly globs: readonly Glob[]; readonly except: readonly Glob[]; readonly with: Expr })
  | (Setting<"metrics"> & { readonly values: readonly Expr[] })
  | (Setting<"optimizer"> & { readonly value: Expr; readonly clip?: Expr })
  | (Setting<"freeze"> & { readonly globs: readonly Glob[]; readonly except: readonly Glob[] })
  | (Setting<"recompute"> & { readonly globs: readonly Glob[] })
  | (Setting<"rate"> & { readonly entries: readonly RateEntry[]; readonly layers?: LayerRates })
  | (Setting<"decay"> & { readonly value?: Expr; readonly entries: readonly RateEntry[]; readonly except: readonly Glob[] })
  | (Setting<"regularize"> & { readonly value: Expr; readonly on?: readonly Glob[]; readonly except: readonly Glob[] })
  | (Setting<"stop"> & { readonly metric: string; readonly within?: Expr; readonly patience: Expr; readonly keepBest: boolean })
  | (Setting<"keep"> & { readonly metric?: string });

export type SettingOf<K extends RecipeSetting["key"]> = WithKey<RecipeSetting, K>;
type WithKey<S, K> = S extends { readonly key: infer Own } ? (K extends Own ? S & { readonly key: K } : never) : never;

interface WeightClauses {
  readonly drop: readonly Glob[];
  readonly new: readonly Glob[];
  readonly rename?: readonly RenameEntry[];
  readonly adapt?: readonly AdaptEntry[];
}

/** `rename encoder.** to body.**`. */
export interface RenameEntry {
  readonly from: Glob;
  readonly to: Glob;
}

/** `adapt conv1 with repeat`. */
export interface AdaptEntry {
  readonly target: Glob;
  readonly with: Expr;
}

/** `age: mse * 0.5`. */
export interface OutputLoss extends Named {
  readonly span: Span;
  readonly value: Expr;
}

/** `layer2.**: 0.1x`, and of `decay` `layer2.**: 1e-4`. */
export interface RateEntry {
  readonly glob: Glob;
  readonly factor: Expr;
}

/** `0.8x per layer of stem, blocks.*`. */
export interface LayerRates {
  readonly factor: Expr;
  readonly globs: readonly Glob[];
}

/** `layer2.**`. */
export interface Glob {
  readonly kind: "glob";
  readonly span: Span;
  readonly pattern: string;
}

/** A setting that is there under another name. */
export interface MisspeltSetting {
  /** What was meant. */
  readonly key: string;
  readonly span: Span;
}

/** The lines without a fault of a network or block that has one. */
export interface PartialDeclaration {
  readonly declaration: NetworkDeclaration | BlockDeclaration;
  /** Words of the other lines, which may declare what these use. */
  readonly words: ReadonlySet<string>;
}
