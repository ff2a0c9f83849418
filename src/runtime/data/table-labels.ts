// The labels in a table: where the columns of each output's stand, what they hold, and what a split asks of them.

import { hostArray, type HostArray } from "../../ir/arrays.ts";
import type { DataInfo, InputColumns, LabelInfo, LabelKind, LabelRequest } from "../../ir/plan.ts";
import { labelColumns } from "../../ir/recipe/sources/table.ts";
import { labelName } from "../../ir/tasks.ts";
import { sizeOf } from "../../ir/types.ts";
import { DataError } from "../errors.ts";
import { ClassSurvey, NumberSurvey, writeLabel, type LabelSurvey } from "./cells.ts";
import { LabelCounts, SetSurvey, writeSet } from "./label-sets.ts";
import { labelsAreSets } from "./loaded-split.ts";
import type { Row } from "./row.ts";
import type { ResolvedSplit } from "./splits.ts";
import { placeLabel, type PlacedLabel, type TableHeader } from "./table-columns.ts";

interface LabelledTable {
  readonly path: string;
  readonly columns: InputColumns;
}

/** Writes the cells of a column; a string says what is wrong with them. */
export type CellsWriter = (cells: readonly string[], data: HostArray, at: number) => string | undefined;

export const cellAt = ({ cells }: Row, at: number): string => cells[at] ?? "";
/** Of several columns it has the numbers of all. */
export const labelAt = (row: Row, places: readonly number[]): string => places.map((at) => cellAt(row, at)).join(" ");

/** Numbers for what a split asks for of each row. */
export class SplitKeys {
  readonly #places: readonly number[] | undefined;
  readonly #numbers = new Map<string, number>();
  readonly #keys: number[] = [];
  readonly #isPair: boolean;

  /** @param label where that stands which classes are of, and what the labels are */
  constructor(
    { keyedBy }: Pick<ResolvedSplit, "keyedBy">,
    header: TableHeader,
    label: { readonly places: readonly number[]; readonly kind: LabelRequest["kind"] } | undefined,
  ) {
    this.#places = typeof keyedBy === "object" ? header.placesOf(keyedBy.column) : keyedBy === "label" ? label?.places : undefined;
    this.#isPair = keyedBy === "label" && label?.kind === "set";
  }

  add(row: Row): void {
    if (this.#places === undefined) return;
    const text = labelAt(row, this.#places).trim();
    const known = this.#numbers.get(text);
    if (known === undefined) this.#numbers.set(text, this.#numbers.size);
    this.#keys.push(known ?? this.#numbers.size - 1);
  }

  /** Labels that are sets tell rows apart where they are one of two, as 0 and 1 are; of more there would be parts for every mixture. */
  get list(): readonly number[] {
    if (this.#isPair && this.#numbers.size > 2) throw new DataError(NO_CLASSES, WITHOUT_CLASSES);
    return this.#keys;
  }

  /** The cell that a key stands for. */
  readonly nameOf = (key: number): string => [...this.#numbers.keys()][key] ?? "";
}

/** What to do about labels that are wrong. */
export const LABEL_HINT = "correct them, or remove the rows";

/** The labels of an output while they are looked at. */
export class LabelsOfColumn {
  readonly #request: LabelRequest;
  readonly #places: readonly number[];
  readonly #survey: LabelSurvey;
  readonly #texts: string[] = [];

  constructor(request: LabelRequest, placed: PlacedLabel, header: TableHeader) {
    this.#request = request;
    this.#places = placed.places;
    this.#survey = surveyOf(request.kind, placed, header);
  }

  /** What is wrong with it, behind "the label"; a set may be empty. */
  add(row: Row): string | undefined {
    const text = labelAt(row, this.#places);
    const isEmpty = text.trim() === "" && this.#request.kind !== "set";
    const problem = isEmpty ? "is empty" : this.#survey.add(text);
    if (this.#request.isCounted) this.#texts.push(text);
    return problem === undefined ? undefined : `${labelOf(this.#request.output)}${problem}`;
  }

  describe(path: string): LabelInfo {
    const { output } = this.#request;
    const described = this.#survey.describe(labelName(output));
    if (typeof described === "string") throw new DataError(`${path}: the label ${labelOf(output)}${described}`);
    return described;
  }

  /** With how often each class is labelled, where that is asked. @param trained rows that are trained on */
  counted(info: LabelInfo, trained: Int32Array): LabelInfo {
    const { kind, isCounted } = this.#request;
    if (!isCounted) return info;
    const texts = Array.from(trained, (row) => this.#texts[row] ?? "");
    return { ...info, labelled: countLabels(info, kind, texts) };
  }
}

/** Behind "the label", where there are several. */
export const labelOf = (output: string): string => (output === "" ? "" : `of "${output}" `);

export const outputsOf = (requests: readonly LabelRequest[]): readonly string[] => requests.map(({ output }) => output);

/** Which request's labels a split looks at. */
export function keyedRequest({ keyedBy }: Pick<ResolvedSplit, "keyedBy">, requests: readonly LabelRequest[]): number | undefined {
  if (keyedBy !== "label") return undefined;
  const labelled = (wanted: LabelRequest["kind"]): number[] => requests.flatMap(({ kind }, i) => (kind === wanted ? [i] : []));
  const [classes, sets] = [labelled("class"), labelled("set")];
  const [first, ...others] = classes.length > 0 ? classes : sets;
  if (others.length > 0)
    throw new DataError("a split that looks at classes needs labels of one output, and several have some", WITHOUT_CLASSES);
  if (first === undefined) throw new DataError(NO_CLASSES, WITHOUT_CLASSES);
  return first;
}

const NO_CLASSES = "a split that looks at classes needs labels that are classes, and those of the loss are not";
const WITHOUT_CLASSES = "leave out `stratified` and `per class`";

/** Where the labels of each request stand. */
export function placeLabels(
  { path, columns }: LabelledTable,
  header: TableHeader,
  requests: readonly LabelRequest[],
): readonly PlacedLabel[] {
  const outputs = outputsOf(requests);
  return labelColumns(columns, outputs).map((name, i) => {
    const placed = name === undefined ? undefined : placeLabel(columns, name, header);
    if (placed !== undefined) return placed;
    const output = outputs[i] ?? "";
    throw new DataError(
      `the table ${path} has no label${output === "" ? "" : ` for "${output}"`}`,
      `name it in the spec: ${labelName(output)}: COLUMN`,
    );
  });
}

const surveyOf = (kind: LabelKind, { places, padding }: PlacedLabel, header: TableHeader): LabelSurvey => {
  switch (kind) {
    case "class":
      return new ClassSurvey(padding);
    case "number":
      return new NumberSurvey(padding !== undefined);
    case "set":
      return new SetSurvey(places.map((at) => header.nameOf(at)));
    default:
      return kind satisfies never;
  }
};

/** What is no label is said when the rows are read. */
function countLabels({ label, classes }: LabelInfo, kind: LabelKind, texts: readonly string[]): NonNullable<LabelInfo["labelled"]> {
  const counts = new LabelCounts(classes, kind === "set");
  const write = labelWriter({ label, classes });
  const values = hostArray(label.dtype, sizeOf(label.shape));
  for (const text of texts) if (write([text], values, 0) === undefined) counts.add(values);
  return counts.get();
}

export function labelWriter({ label, classes }: LabelInfo): CellsWriter {
  const indices = new Map(classes.map((name, index) => [name, index]));
  if (labelsAreSets({ label, classes })) return ([cell = ""], data, at) => writeSet(indices, cell, data, at);
  const areNames = classes.some((name, index) => name !== String(index));
  return ([cell = ""], data, at) => writeLabel(label, indices, areNames, cell, data, at);
}

/** As the labels were asked for when the table was looked at. */
export function requestOf(info: DataInfo, { label, classes }: LabelInfo): LabelRequest {
  const kind = classes.length === 0 ? "number" : labelsAreSets({ label, classes }) ? "set" : "class";
  return { output: info.targets ? label.name : "", kind, isCounted: false };
}
