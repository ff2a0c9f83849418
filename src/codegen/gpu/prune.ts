// Leaves out names that nothing reads: schedules name what a kernel may need, and not every kernel does. Compilers would, too, but warn of it.

import { forEachPart, type Statement, type Value } from "./block.ts";

export const prune = (body: readonly Statement[]): Statement[] => new Pruner().keep(body);

class Pruner {
  /** Names that something behind reads; a name may be another's again outside of its scope. */
  readonly #read = new Set<string>();

  // From the end on, so that what reads a name is seen before its definition.
  keep(body: readonly Statement[]): Statement[] {
    const kept: Statement[] = [];
    for (let i = body.length - 1; i >= 0; i--) {
      const statement = body[i];
      const left = statement && this.#keepOne(statement);
      if (left) kept.push(left);
    }
    return kept.reverse();
  }

  #keepOne(statement: Statement): Statement | undefined {
    switch (statement.kind) {
      case "let":
        if (!this.#read.delete(statement.name)) return undefined;
        this.#reads(statement.value);
        return statement;
      case "var":
        if (!this.#read.delete(statement.name)) return undefined;
        if (statement.value) this.#reads(statement.value);
        return statement;
      case "assign":
        this.#reads(statement.value);
        this.#read.add(statement.name);
        return statement;
      case "store":
        this.#reads(statement.index);
        this.#reads(statement.value);
        return statement;
      case "copy":
        this.#reads(statement.index);
        this.#reads(statement.source);
        this.#reads(statement.condition);
        return statement;
      case "copy-tiles":
        [statement.barrier, statement.condition].forEach(this.#reads);
        statement.copies.forEach(({ row, column, to }) => [row, column, to].forEach(this.#reads));
        return statement;
      case "wait-tiles":
        [statement.barrier, statement.parity].forEach(this.#reads);
        this.#read.add(statement.areThere);
        return statement;
      case "load-matrices": {
        const areRead = statement.names.map((name) => this.#read.delete(name));
        if (!areRead.some(Boolean)) return undefined;
        this.#reads(statement.index);
        return statement;
      }
      case "multiply":
        statement.left.forEach(this.#reads);
        statement.right.forEach(this.#reads);
        for (const name of statement.sums) this.#read.add(name);
        return statement;
      case "multiply-wide":
        this.#reads(statement.left);
        this.#reads(statement.right);
        for (const name of statement.sums) this.#read.add(name);
        return statement;
      case "for": {
        const inner = this.keep(statement.body);
        this.#read.delete(statement.name);
        this.#reads(statement.start);
        this.#reads(statement.end);
        return { ...statement, body: inner };
      }
      case "if": {
        const [yes, no] = [this.keep(statement.yes), this.keep(statement.no)];
        this.#reads(statement.condition);
        return { ...statement, yes, no };
      }
      case "scope":
        return { ...statement, body: this.keep(statement.body) };
      case "barrier":
      case "end-batch":
      case "wait-copies":
      case "begin-products":
      case "end-products":
      case "wait-products":
      case "publish":
      case "init-barriers":
      case "break":
      case "return":
        return statement;
      default:
        return statement satisfies never;
    }
  }

  readonly #reads = (value: Value): void => {
    if (value.kind === "name") this.#read.add(value.name);
    else forEachPart(value, this.#reads);
  };
}
