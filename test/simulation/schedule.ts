import type { Time } from '../../subgraphs/shared/time/time.ts';
import { Random } from './random.ts';

/** What a step may suffer. Probabilities for each step. */
export type Faults = {
  /** The process dies, before or after the step was done. */
  readonly crash: number;
  /** The reply is lost: the step was done, or not, and its caller gets an error. */
  readonly loss: number;
  /** The process stands still for longer than its leases last. */
  readonly pause: number;
  /** The database ends a transaction as the victim of a deadlock. */
  readonly deadlock: number;
  /** A call of a client does not arrive, arrives late, or its answer does not come back. */
  readonly clients: number;
  /** The same of a call from process to process. */
  readonly calls: number;
};
export const noFaults: Faults = { crash: 0, loss: 0, pause: 0, deadlock: 0, clients: 0, calls: 0 };

/** Something that lives and dies as a whole: one process of the platform, or everything that is not the platform's. */
export type Process = {
  readonly name: string;
  isAlive: boolean;
  /** Its steps wait until then. */
  pausedUntilMs: number;
  /** Timers are late by this factor. */
  readonly slowness: number;
  /** Steps of it may crash it, lose their replies, and pause it. */
  readonly mayFail: boolean;
  /** What happens elsewhere when it dies. */
  readonly whenDead: Set<() => void>;
};

/** What a step in the hands of the network gives its caller when the reply is lost. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  readonly code = 'ECONNRESET';
}

type Step = {
  readonly process: Process;
  readonly name: string;
  readonly attempt: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Called instead of `attempt` when the connection is lost before it. Undefined: a step that nothing can be lost of. */
  readonly lose: (() => void) | undefined;
};
type Timer = { readonly process: Process; readonly dueMs: number; readonly order: number; readonly work: () => void; isOff: boolean }; // prettier-ignore

const maxPauseMs = 12_000;
/** What a step gives that is to be tried again once something else has happened. */
export class NotYet {
  /** Has the step tried again by the function that it is given. */
  readonly park: (retry: () => void) => void;
  constructor(park: (retry: () => void) => void) {
    this.park = park;
  }
}

/**
 * Runs all tasks of a simulation one step at a time. A step is what a task does outside itself: a statement, a command of
 * Redis, a call. The seed decides whose step is next, how much time passes, and what goes wrong; nothing else does.
 */
export class Scheduler {
  readonly random: Random;
  /** Epoch milliseconds. */
  nowMs = Date.UTC(2026, 0, 1);
  faults: Faults = noFaults;
  steps = 0;
  faultCount = 0;
  readonly trace: string[] | null;
  /** Called after every step; a text ends the run. */
  afterStep: () => string | null = () => null;
  /** Called when a process dies of a fault. */
  onCrash: (process: Process) => void = () => undefined;
  readonly #stickiness: number;
  #ready: Step[] = [];
  #timers: Timer[] = [];
  #order = 0;
  #last: Process | null = null;

  constructor(seed: number, options: { trace: boolean }) {
    this.random = new Random(seed);
    this.trace = options.trace ? [] : null;
    this.#stickiness = this.random.pick([0, 0, 0.5, 0.9]);
  }

  /** One step of a task of `process`. Its promise never settles once the process is dead. */
  step<T>(process: Process, name: string, attempt: () => T | NotYet, lose?: () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (process.isAlive)
        this.#ready.push({ process, name, attempt, resolve: resolve as (value: unknown) => void, reject, lose });
    });
  }

  after(process: Process, ms: number, work: () => void): () => void {
    const dueMs = this.nowMs + ms * process.slowness;
    const timer: Timer = { process, dueMs, order: this.#order++, work, isOff: false };
    this.#timers.push(timer);
    return () => {
      timer.isOff = true;
    };
  }

  timeOf(process: Process): Time {
    const after = (ms: number, work: () => void) => this.after(process, ms, work);
    return {
      monotonicMs: () => this.nowMs,
      sleep: (ms) => new Promise((resolve) => after(ms, resolve)),
      after,
      caughtUp: () => Promise.resolve(),
      random: () => this.random.next(),
    };
  }

  /** Whether a fault of this kind happens now. */
  strikes(fault: keyof Faults): boolean {
    const probability = this.faults[fault];
    if (probability === 0 || !this.random.chance(probability)) return false;
    this.faultCount += 1;
    return true;
  }

  /** As kill -9. */
  kill(process: Process): void {
    if (!process.isAlive) return;
    this.note(process, 'is killed');
    process.isAlive = false;
    this.#ready = this.#ready.filter((step) => step.process !== process);
    this.#timers = this.#timers.filter((timer) => timer.process !== process);
    for (const tell of [...process.whenDead]) tell();
    process.whenDead.clear();
    this.onCrash(process);
  }

  note(process: Process, what: string): void {
    this.trace?.push(`${this.nowMs - Date.UTC(2026, 0, 1)} ms ${process.name}: ${what}`);
  }

  /** Runs until `isDone` says so, which is asked whenever nothing is ready. Gives what `afterStep` has found, or null. */
  run(options: { isDone: () => boolean; maxSteps: number; untilMs: number }): Promise<string | null> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          for (;;) {
            const found = this.afterStep();
            if (found !== null) return resolve(found);
            if (this.steps >= options.maxSteps || this.nowMs > options.untilMs) return resolve('it comes to no end');
            const step = this.#take();
            if (step) {
              this.#perform(step);
              break;
            }
            if (options.isDone()) return resolve(null);
            if (this.#fireNext()) break;
            return resolve('nothing is left that could go on');
          }
          afterPromises(turn);
        } catch (error) {
          reject(error);
        }
      };
      afterPromises(turn);
    });
  }

  #take(): Step | null {
    if (this.#ready.length === 0) return null;
    let index = Math.floor(this.random.next() * this.#ready.length);
    if (this.#last && this.#stickiness > 0 && this.random.chance(this.#stickiness)) {
      const same = this.#ready.findIndex(({ process }) => process === this.#last);
      if (same >= 0) index = same;
    }
    for (let tries = 0; tries < this.#ready.length; tries += 1) {
      const place = (index + tries) % this.#ready.length;
      const step = this.#ready[place] as Step;
      if (step.process.pausedUntilMs > this.nowMs) continue;
      this.#ready.splice(place, 1);
      this.#last = step.process;
      return step;
    }
    return null;
  }

  #perform(step: Step): void {
    this.steps += 1;
    // Most steps take a moment, some take long.
    this.#pass(this.random.chance(0.02) ? this.random.integer(100, 3_000) : this.random.integer(0, 4));
    const { process, lose } = step;
    const fate = process.mayFail ? this.random.next() : 1;
    // What happens at a commit is what matters most.
    const times = step.name === 'commit' ? 4 : 1;
    const [crash, loss, pause] = [times * this.faults.crash, times * this.faults.loss, this.faults.pause];
    if (fate < crash) {
      this.faultCount += 1;
      if (this.random.chance(0.5)) this.#attempt(step, false);
      return this.kill(process);
    }
    if (fate < crash + loss && lose) {
      this.faultCount += 1;
      this.note(process, `${step.name}, the reply is lost`);
      if (this.random.chance(0.5) && !this.#attempt(step, false)) return;
      lose();
      return step.reject(new ConnectionLost('the connection was lost'));
    }
    if (fate >= crash + loss && fate < crash + loss + pause) {
      this.faultCount += 1;
      process.pausedUntilMs = this.nowMs + this.random.integer(1_000, maxPauseMs);
      this.note(process, 'stands still');
      this.after({ ...process, slowness: 1 }, process.pausedUntilMs - this.nowMs, () => undefined);
    }
    this.#attempt(step, true);
  }

  /** False when it has to wait for something else: then it comes again. */
  #attempt(step: Step, settles: boolean): boolean {
    try {
      const value = step.attempt();
      this.note(step.process, value instanceof NotYet ? `${step.name} waits` : step.name);
      if (value instanceof NotYet) {
        value.park(() => {
          if (step.process.isAlive) this.#ready.push(step);
        });
        return false;
      }
      if (settles) step.resolve(value);
      return true;
    } catch (error) {
      this.note(step.process, `${step.name} fails: ${(error as Error).message}`);
      if (settles) step.reject(error as Error);
      return true;
    }
  }

  /** Lets time pass, and what is due becomes ready. */
  #pass(ms: number): void {
    this.nowMs += ms;
    if (!this.#timers.some(({ dueMs }) => dueMs <= this.nowMs)) return;
    const due = this.#timers.filter(({ dueMs, isOff }) => dueMs <= this.nowMs && !isOff);
    this.#timers = this.#timers.filter(({ dueMs, isOff }) => dueMs > this.nowMs && !isOff);
    due.sort((one, other) => one.dueMs - other.dueMs || one.order - other.order);
    for (const { process, work } of due) {
      if (process.pausedUntilMs <= this.nowMs) work();
      else void this.step(process, 'a timer', work);
    }
  }

  /** Jumps to the next timer; false when there is none. */
  #fireNext(): boolean {
    this.#timers = this.#timers.filter(({ isOff }) => !isOff);
    if (this.#timers.length === 0) return this.#ready.length > 0;
    this.#pass(Math.max(0, Math.min(...this.#timers.map(({ dueMs }) => dueMs)) - this.nowMs));
    return true;
  }
}

/** Calls `work` after all that the promises that are settled now lead to: Node's ticks come when no microtask is left. */
const afterPromises = (work: () => void): void => queueMicrotask(() => process.nextTick(work));
