// Leaves out names that nothing reads: schedules name what a kernel may need, and not every kernel does. Compilers would, too, but warn of it.

import { partsOf, type Statement, type Value } from "./block.ts";

export function prune(body: readonly Statement[]): Statement[] {
  return keep(body, new Set());
}

// From the end on, so that what reads a name is seen before its definition. `read` holds the names that something behind reads; a name may be
// another's again outside of its scope.
function keep(body: readonly Statement[], read: Set<string>): Statement[] {
  const kept: Statement[] = [];
  for (const statement of [...body].reverse()) {
    const left = keepOne(statement, read);
    if (left) kept.push(left);
  }
  return kept.reverse();
}

function keepOne(statement: Statement, read: Set<string>): Statement | undefined {
  switch (statement.kind) {
    case "let":
      if (!read.delete(statement.name)) return undefined;
      reads(statement.value, read);
      return statement;
    case "var":
      if (!read.delete(statement.name)) return undefined;
      if (statement.value) reads(statement.value, read);
      return statement;
    case "assign":
      reads(statement.value, read);
      read.add(statement.name);
      return statement;
    case "store":
      reads(statement.index, read);
      reads(statement.value, read);
      return statement;
    case "for": {
      const inner = keep(statement.body, read);
      read.delete(statement.name);
      reads(statement.start, read);
      reads(statement.end, read);
      return { ...statement, body: inner };
    }
    case "if": {
      const [yes, no] = [keep(statement.yes, read), keep(statement.no, read)];
      reads(statement.condition, read);
      return { ...statement, yes, no };
    }
    case "scope":
      return { ...statement, body: keep(statement.body, read) };
    case "barrier":
    case "break":
    case "return":
      return statement;
    default:
      return statement satisfies never;
  }
}

function reads(value: Value, read: Set<string>): void {
  if (value.kind === "name") read.add(value.name);
  for (const part of partsOf(value)) reads(part, read);
}
