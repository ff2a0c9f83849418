// What a gradient needs of a forward pass, computed a second time (Chen et al. 2016; torch.utils.checkpoint): of a segment of the graph only what
// goes in and what comes out is kept. Nodes are interned, so the second time begins with inputs of its own, which are there when the
// gradient arrives.

import { globsCover } from "./glob.ts";
import type { Node } from "./node.ts";
import type { Builder } from "./ops/define.ts";
import type { InputAttrs } from "./ops/leaf.ts";
import { cutSegments } from "./segments.ts";
import { InternalError } from "./types.ts";

/** Patterns, where each outermost scope that one covers is a segment; or about how many bytes segments have that are cut where little crosses. */
export type Segmentation = readonly string[] | { readonly largest: number };

export class Recomputation {
  readonly #b: Builder;
  readonly #segmentOf: (node: Node) => string | undefined;
  /** The nodes of each segment, inputs before users. */
  readonly #segments = new Map<string, Node[]>();
  readonly #twins = new Map<string, ReadonlyMap<Node, Node>>();

  /**
   * @param order the forward graph, inputs before users
   * @param targets that gradients are asked of
   */
  constructor(b: Builder, order: readonly Node[], targets: ReadonlySet<Node>, segmentation: Segmentation) {
    this.#b = b;
    this.#segmentOf = "largest" in segmentation ? cutAt(cutSegments(order, targets, segmentation.largest)) : scopesOf(b, segmentation);
    const isCut = "largest" in segmentation || segmentation.length > 0;
    for (const node of isCut ? order : []) {
      const name = this.#segmentOf(node);
      if (name === undefined) continue;
      const segment = this.#segments.get(name);
      if (segment) segment.push(node);
      else this.#segments.set(name, [node]);
    }
  }

  /** What stands for a node in its gradient. @param cotangent that has arrived: of the node, which of those in its segment is met first the last */
  twinOf(node: Node, cotangent: Node): Node {
    const segment = this.#segmentOf(node);
    if (segment === undefined) return node;
    let twins = this.#twins.get(segment);
    if (!twins) this.#twins.set(segment, (twins = this.#secondTime(this.#segments.get(segment) ?? [], cotangent)));
    const twin = twins.get(node);
    if (!twin) throw new InternalError(`${node.op.name} is not in the segment ${segment}`);
    return twin;
  }

  #secondTime(nodes: readonly Node[], after: Node): ReadonlyMap<Node, Node> {
    const b = this.#b;
    const twins = new Map<Node, Node>();
    const entering = (input: Node): Node => {
      if (!isKept(input)) return input;
      const known = twins.get(input) ?? b.again(input, after);
      twins.set(input, known);
      return known;
    };
    const own = new Set(nodes);
    for (const node of nodes) {
      const make = (): Node =>
        b.apply(
          node.op,
          node.inputs.map((input) => (own.has(input) ? (twins.get(input) ?? input) : entering(input))),
          node.attrs,
        );
      twins.set(node, b.withOrigin(b.originOf(node), make));
    }
    return twins;
  }
}

/** Whether a value is one of the batch, of some size: weights, constants, counts and a resident data set, whose size the graph does not know, are there anyway. */
function isKept({ inputs, attrs, type }: Node): boolean {
  if (type.shape.length === 0 || type.dtype === "bool") return false;
  return inputs.length > 0 || ("role" in attrs && (attrs as InputAttrs).role === "batch");
}

function cutAt(segments: readonly (readonly Node[])[]): (node: Node) => string | undefined {
  const names = new Map(segments.flatMap((nodes, i) => nodes.map((node) => [node, String(i)] as const)));
  return (node) => names.get(node);
}

function scopesOf(b: Builder, patterns: readonly string[]): (node: Node) => string | undefined {
  const outermost = outermostOf(patterns);
  return (node) => (node.inputs.length === 0 ? undefined : outermost(b.originOf(node)?.path ?? ""));
}

/** Of a path, the outermost scope that a pattern covers. */
function outermostOf(patterns: readonly string[]): (path: string) => string | undefined {
  const isCovered = globsCover(patterns);
  const known = new Map<string, string | undefined>();
  return (path) => {
    if (!known.has(path)) {
      const segments = path.split(".");
      const scopes = segments.map((_, i) => segments.slice(0, i + 1).join("."));
      known.set(path, path === "" ? undefined : scopes.find(isCovered));
    }
    return known.get(path);
  };
}
