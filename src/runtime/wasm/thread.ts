// One thread of the wasm device: its instances of the kernels, and its part of every launch. The leader (thread 0) also does what the host
// asks for: writes, reads, memory for resident data. Nothing here knows whether it runs in Node or in a browser.

import { InternalError } from "../../ir/types.ts";
import { formatBytes } from "../memory.ts";
import { makeMemory, PAGE } from "./memory.ts";
import type { Copy, EntrySteps, LoadedProgram, LoadMessage, Loop, LoopRows, Message, Reply, Step } from "./messages.ts";
import { Team, TeamFailure } from "./team.ts";

/** Sends the followers back to their messages. */
const RELEASE = -1;

type Run = (args: number, time: number, begin: number, end: number, scratch: number, kept: number, fresh: number, first: number) => void;

interface Kernel {
  readonly run: Run;
  isWarm: boolean;
}

/**
 * An engine makes a slow version of a function first, and calls the fast one, once it has that, no sooner than the next call. A kernel's first launch is
 * therefore so many calls.
 */
const FIRST_CALLS = 4;

interface Session {
  readonly program: LoadedProgram;
  readonly memory: WebAssembly.Memory;
  readonly kernels: readonly Kernel[];
  /** Of resident data: where, and room for how much. */
  readonly data: Map<number, { readonly address: number; readonly bytes: number }>;
  end: number;
}

/** Why a command cannot be done though nothing is broken. */
class OutOfMemory extends Error {}

export class Thread {
  readonly #post: (reply: Reply, transfer?: readonly ArrayBuffer[]) => void;
  readonly #sessions = new Map<number, Session>();
  #team = new Team(0, 1, 0);
  #ports: readonly MessagePort[] = [];
  #isFollowed = false;
  #isBroken = false;

  constructor(post: (reply: Reply, transfer?: readonly ArrayBuffer[]) => void) {
    this.#post = post;
  }

  receive(message: Message): void {
    if (this.#isBroken) return;
    try {
      this.#do(message);
    } catch (error) {
      this.#isBroken = true;
      this.#team.fail();
      // Who failed first says why.
      if (error instanceof TeamFailure) return;
      const text = error instanceof Error ? error.message : String(error);
      this.#post({ kind: error instanceof OutOfMemory ? "out-of-memory" : "failed", message: text });
    }
  }

  #do(message: Message): void {
    switch (message.kind) {
      case "start":
        this.#team = new Team(message.thread, message.threads, message.spins, message.control);
        this.#ports = message.ports;
        if (message.thread > 0)
          for (const port of message.ports)
            port.onmessage = (event: MessageEvent<Message>) => {
              this.receive(event.data);
            };
        return;
      case "load":
        return this.#load(message);
      case "write":
        return this.#write(this.#session(message.session), message.buffer, message.isData, message.data);
      case "adopt":
        return this.#adopt(this.#session(message.session), this.#session(message.from), message.copies);
      case "run": {
        const session = this.#session(message.session);
        const entry = session.program.entries[message.entry];
        if (!entry) throw new InternalError(`the program has no entry ${message.entry}`);
        const missing = entry.needs.find((buffer) => !session.data.has(buffer));
        if (missing !== undefined) throw new InternalError(`${session.program.names[missing] ?? "a buffer"} is used before it is written`);
        if (entry.steps.some(isForTeam)) this.#command(message.session, session.program.entryNames.indexOf(message.entry), message.times);
        else this.#run(session, entry, message.times);
        return;
      }
      case "read":
        return this.#read(this.#session(message.session), message.id, message.parts);
      case "sync":
        return this.#post({ kind: "done", id: message.id });
      default:
        message satisfies never;
    }
  }

  #session(id: number): Session {
    const session = this.#sessions.get(id);
    if (!session) throw new InternalError("a session that was never loaded");
    return session;
  }

  #load(message: LoadMessage): void {
    const { id, session, program, modules, unload } = message;
    for (const old of unload) this.#sessions.delete(old);
    const memory = message.memory ?? makeMemory(message.pages, message.isShared, message.mostPages);
    if (!memory) return this.#post({ kind: "done", id, isFull: true });
    if (this.#team.thread === 0) this.#tellFollowers({ ...message, memory });
    const kernels = modules.map((module): Kernel => {
      const { exports } = new WebAssembly.Instance(module, { env: { memory } });
      return { run: exports["run"] as Run, isWarm: false };
    });
    this.#sessions.set(session, { program, memory, kernels, data: new Map(), end: program.end });
    if (this.#team.thread > 0) return this.#follow();
    new Int32Array(memory.buffer, program.tablesAt, program.tables.length).set(program.tables);
    this.#post({ kind: "done", id });
  }

  #tellFollowers(message: LoadMessage): void {
    // They wait for commands since the first program, and hear of another only in between.
    if (this.#isFollowed) this.#command(0, RELEASE, 0);
    this.#isFollowed = this.#ports.length > 0;
    for (const port of this.#ports) port.postMessage(message);
  }

  // A follower does commands until it is released to see its messages.
  #follow(): void {
    for (;;) {
      const { session, entry, times } = this.#team.next();
      if (entry === RELEASE) return this.#team.barrier();
      this.#shared(session, entry, times);
    }
  }

  #command(session: number, entry: number, times: number): void {
    if (this.#team.threads > 1) this.#team.announce({ session, entry, times });
    if (entry === RELEASE) this.#team.barrier();
    else this.#shared(session, entry, times);
  }

  #shared(id: number, entry: number, times: number): void {
    const session = this.#session(id);
    const steps = session.program.entries[session.program.entryNames[entry] ?? ""];
    if (steps) this.#run(session, steps, times);
    // Nobody may miss a command, and the leader must not read before all have written.
    this.#team.barrier();
  }

  #run(session: Session, { steps }: EntrySteps, times: number): void {
    // Since the last barrier: nothing, work of the leader alone, work of several threads.
    let since: "nothing" | "alone" | "shared" = "nothing";
    const launch = ({ threads }: Step | LoopRows, run: () => void): void => {
      const isShared = threads > 1;
      if (since === "shared" || (isShared && since === "alone")) this.#team.barrier();
      since = isShared ? "shared" : "alone";
      if (isShared) this.#team.share();
      if (this.#team.thread < threads) run();
    };
    for (let i = 0; i < times; i++) {
      for (const step of steps) {
        if (!("body" in step)) launch(step, () => this.#launch(session, step, 0, true));
        else if (step.rows) {
          const { rows } = step;
          launch(rows, () => this.#rows(session, step, rows));
        } else
          for (let turn = 0; turn < step.count; turn++)
            for (const inner of step.body) launch(inner, () => this.#launch(session, inner, timeOf(step, turn), turn === 0));
      }
    }
  }

  // All of a loop for some rows, and for more of them as long as there are any.
  #rows({ program, kernels }: Session, loop: Loop, { extent, at: size, threads, perUnit }: LoopRows): void {
    const { thread } = this.#team;
    const scratch = program.scratchAt + thread * program.scratchBytes;
    const calls = loop.body.map((step, i) => ({
      ...step,
      run: kernelOf(kernels, step).run,
      perUnit: perUnit[i] ?? 1,
      kept: keptAt(step, thread),
    }));
    let fresh = 1;
    const next = (): number => (threads === 1 ? (fresh ? 0 : extent) : this.#team.take(0, size));
    for (let first = next(); first < extent; first = next()) {
      const end = Math.min(extent, first + size);
      for (let turn = 0; turn < loop.count; turn++) {
        const time = timeOf(loop, turn);
        for (const call of calls) {
          const isNew = call.kept === 0 ? 1 : fresh;
          call.run(call.args, time, first / call.perUnit, Math.ceil(end / call.perUnit), scratch, call.kept, isNew, 1);
        }
        fresh = 0;
      }
    }
  }

  // This thread's part of a launch.
  #launch({ program, kernels }: Session, step: Step, time: number, isFirst: boolean): void {
    const { args, units, threads, piece } = step;
    const { thread } = this.#team;
    const kept = keptAt(step, thread);
    const kernel = kernelOf(kernels, step);
    const scratch = program.scratchAt + thread * program.scratchBytes;
    const fresh = kept === 0 || isFirst ? 1 : 0;
    let first = 1;
    const call = (begin: number, end: number): void => {
      kernel.run(args, time, begin, end, scratch, kept, fresh, first);
      first = 0;
    };
    const beginOf = (owner: number): number => Math.floor((owner * units) / threads);
    const calls = kernel.isWarm ? 1 : FIRST_CALLS;
    kernel.isWarm = true;
    if (threads === 1 || units <= piece * threads) {
      const [begin, end] = [beginOf(thread), beginOf(thread + 1)];
      const size = Math.ceil((end - begin) / calls);
      for (let at = begin; at < end; at += size) call(at, Math.min(end, at + size));
      return;
    }
    // Its own share piece by piece, and then what is left of the others'.
    const size = Math.ceil(piece / calls);
    for (let i = 0; i < threads; i++) {
      const owner = (thread + i) % threads;
      const end = beginOf(owner + 1);
      const next = (): number => beginOf(owner) + this.#team.take(owner, size);
      for (let at = next(); at < end; at = next()) call(at, Math.min(end, at + size));
    }
  }

  #write(session: Session, buffer: number, isData: boolean, data: Uint8Array): void {
    const address = isData ? this.#allocate(session, buffer, data.byteLength) : session.program.addresses[buffer];
    if (address === undefined || address < 0) throw new InternalError("a write to a buffer without a place");
    new Uint8Array(session.memory.buffer, address, data.byteLength).set(data);
  }

  #adopt(session: Session, previous: Session, copies: readonly Copy[]): void {
    for (const { from, to, bytes } of copies) {
      const [source, target] = [previous.program.addresses[from] ?? -1, session.program.addresses[to] ?? -1];
      if (source < 0 || target < 0) throw new InternalError("a buffer without a place is taken over");
      new Uint8Array(session.memory.buffer, target, bytes).set(new Uint8Array(previous.memory.buffer, source, bytes));
    }
  }

  #allocate(session: Session, buffer: number, bytes: number): number {
    const { program, memory, data } = session;
    const old = data.get(buffer);
    if (old && old.bytes >= bytes) return old.address;
    const address = session.end;
    const end = roundUp(address + bytes + program.margin, 256);
    const missing = Math.ceil((end + program.margin - memory.buffer.byteLength) / PAGE);
    if (missing > 0) {
      try {
        memory.grow(missing);
      } catch {
        const [needed, taken] = [formatBytes(bytes), formatBytes(memory.buffer.byteLength)];
        throw new OutOfMemory(
          `out of memory: ${program.names[buffer] ?? "data"} takes ${needed}, which is not to be had beside ${taken} in use`,
        );
      }
    }
    session.end = end;
    data.set(buffer, { address, bytes });
    const tables = new Int32Array(memory.buffer, program.tablesAt, program.tables.length);
    for (const place of program.places[buffer] ?? []) tables[place] = address;
    return address;
  }

  #read({ program, memory, data }: Session, id: number, parts: readonly { readonly buffer: number; readonly bytes: number }[]): void {
    const values = parts.map(({ buffer, bytes }) => {
      const address = data.get(buffer)?.address ?? program.addresses[buffer] ?? -1;
      if (address < 0) throw new InternalError(`${program.names[buffer] ?? "a buffer"} is read before it is written`);
      // A copy that is not shared, to be handed over.
      const copy = new Uint8Array(bytes);
      copy.set(new Uint8Array(memory.buffer, address, bytes));
      return copy.buffer;
    });
    this.#post({ kind: "done", id, values }, values);
  }
}

const timeOf = ({ count, reverse }: Loop, turn: number): number => (reverse ? count - 1 - turn : turn);

const keptAt = ({ kept, keptOfThread }: Step, thread: number): number => kept + thread * keptOfThread;

/** Whether more than the leader does it. */
function isForTeam(step: Step | Loop): boolean {
  if (!("body" in step)) return step.threads > 1;
  return step.rows ? step.rows.threads > 1 : step.body.some(({ threads }) => threads > 1);
}

function kernelOf(kernels: readonly Kernel[], { kernel }: Step): Kernel {
  const found = kernels[kernel];
  if (!found) throw new InternalError(`no kernel ${String(kernel)}`);
  return found;
}

const roundUp = (bytes: number, to: number): number => Math.ceil(bytes / to) * to;
