// What the host and the worker threads say to each other. Commands reach the leading thread in order and are done in order.

import type { EntryName } from "../../ir/program.ts";

/** One kernel call with all that is known when the program is loaded. */
export interface Step {
  readonly kernel: number;
  /** Address of the table of the parameters' addresses. */
  readonly args: number;
  readonly units: number;
  /** Threads that share the units. */
  readonly threads: number;
  /** Units of a call at most, where a thread's share is more than that: then those that are done first take over from the others. */
  readonly piece: number;
  /** Address of what the kernel keeps between iterations of its loop; 0 for none. */
  readonly kept: number;
  /** How far behind it each further thread has its own; 0 where all share one. */
  readonly keptOfThread: number;
}

export interface Loop {
  readonly count: number;
  readonly reverse: boolean;
  readonly body: readonly Step[];
  /** Where rows have nothing to do with each other: a thread goes through all of the loop with some of them, meeting nobody. */
  readonly rows?: LoopRows;
}

export interface LoopRows {
  readonly extent: number;
  /** Rows that a thread takes at a time. */
  readonly at: number;
  readonly threads: number;
  /** For each step of the body, rows of a unit. */
  readonly perUnit: readonly number[];
}

export interface EntrySteps {
  readonly steps: readonly (Step | Loop)[];
  /** Resident data that must have been written before. */
  readonly needs: readonly number[];
}

/** A program laid out in memory; see layout.ts. */
export interface LoadedProgram {
  readonly entries: Readonly<Record<EntryName, EntrySteps>>;
  /** The entries by number. */
  readonly entryNames: readonly EntryName[];
  /** Of buffer i; -1 until it is allocated. */
  readonly addresses: readonly number[];
  /** Words of the tables of addresses, and where they go. */
  readonly tables: Int32Array<ArrayBuffer>;
  readonly tablesAt: number;
  /** For resident data: the places in the tables that hold its address. */
  readonly places: Readonly<Record<number, readonly number[]>>;
  readonly names: readonly string[];
  readonly scratchAt: number;
  readonly scratchBytes: number;
  /** First byte after everything; resident data goes there. */
  readonly end: number;
  readonly margin: number;
}

export interface LoadMessage {
  readonly kind: "load";
  readonly id: number;
  readonly session: number;
  readonly program: LoadedProgram;
  readonly modules: readonly WebAssembly.Module[];
  /** Made by the leader, who tells the followers: the host has none, which its collector would keep long after the threads have ended. */
  readonly memory?: WebAssembly.Memory;
  readonly isShared: boolean;
  readonly pages: number;
  /** The memory's maximum. */
  readonly mostPages: number;
  /** Sessions that nobody uses any more. */
  readonly unload: readonly number[];
}

export interface Copy {
  /** Buffers of the two sessions, by index. */
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

export type Message =
  | {
      readonly kind: "start";
      readonly control?: SharedArrayBuffer;
      /** The leader's to the followers, or a follower's to the leader. */
      readonly ports: readonly MessagePort[];
      readonly thread: number;
      readonly threads: number;
      /** Looks at a barrier before a thread goes to sleep. */
      readonly spins: number;
    }
  | LoadMessage
  | { readonly kind: "write"; readonly session: number; readonly buffer: number; readonly isData: boolean; readonly data: Uint8Array }
  /** Takes buffers over from another session. */
  | { readonly kind: "adopt"; readonly session: number; readonly from: number; readonly copies: readonly Copy[] }
  | { readonly kind: "run"; readonly session: number; readonly entry: EntryName; readonly times: number }
  | {
      readonly kind: "read";
      readonly id: number;
      readonly session: number;
      readonly parts: readonly { readonly buffer: number; readonly bytes: number }[];
    }
  | { readonly kind: "sync"; readonly id: number };

/** What a thread says first. */
export interface Ready {
  readonly kind: "ready";
}

export interface Done {
  readonly kind: "done";
  readonly id: number;
  readonly values?: readonly ArrayBuffer[];
  /** The program was not loaded, since there is no room for it. */
  readonly isFull?: true;
}

export type Reply =
  Done | { readonly kind: "out-of-memory"; readonly message: string } | { readonly kind: "failed"; readonly message: string };
