import { type Database, type Row, type Sql, withRetries } from '../../../subgraphs/shared/database/database.ts';
import type { Logger } from '../../../subgraphs/shared/process/telemetry.ts';
import { ConnectionLost, NotYet, type Process, type Scheduler } from '../schedule.ts';
import { Blocked, Memory, Transaction, deadlock } from './memory.ts';
import type { Schema } from './schema.ts';
import { type Run, prepare } from './statements.ts';

/** A guard that is taken out: what a statement's text becomes. Parameters keep their places. */
export type Patch = (sql: string) => string;

/** A schema with its statements, each prepared once for all runs. */
export class Prepared {
  readonly schema: Schema;
  readonly #patch: Patch | null;
  readonly #runs = new Map<string, { run: Run; name: string }>();

  constructor(schema: Schema, patch: Patch | null = null) {
    this.schema = schema;
    this.#patch = patch;
  }
  /** Every text that was run, as the product has it. */
  get texts(): string[] {
    return [...this.#runs.keys()];
  }
  get(sql: string): { run: Run; name: string } {
    let found = this.#runs.get(sql);
    if (!found) {
      const name = sql.replaceAll(/\s+/g, ' ').slice(0, 60);
      found = { run: prepare(this.schema, this.#patch?.(sql) ?? sql), name };
      this.#runs.set(sql, found);
    }
    return found;
  }
}

/** One schema's server. Statements whose outcome an observer wants are told in the order in which they were done. */
export class DatabaseServer {
  readonly memory: Memory;
  readonly #scheduler: Scheduler;
  readonly #prepared: Prepared;
  /** Statements of an outbox that is written on a connection of its own: what the mutation of that name does. */
  readonly apart: ((sql: string) => boolean) | null;
  readonly #transactions = new WeakMap<Sql, Transaction>();

  constructor(
    scheduler: Scheduler,
    prepared: Prepared,
    options: { buffers: Map<string, Buffer>; apart: ((sql: string) => boolean) | null },
  ) {
    this.#scheduler = scheduler;
    this.#prepared = prepared;
    this.memory = new Memory(prepared.schema, () => scheduler.nowMs, options.buffers);
    this.apart = options.apart;
  }

  /** Calls `work` when the transaction of this entity manager has committed. */
  whenCommitted(tx: Sql, work: () => void): void {
    this.#transactions.get(tx)?.whenCommitted(work);
  }

  /** What a process has of its database. */
  connect(process: Process, log: Logger): Database {
    const time = this.#scheduler.timeOf(process);
    return {
      em: () => this.#session(process, null),
      transaction: <T>(work: (tx: Sql) => Promise<T>) =>
        withRetries({ log, time }, () => this.#transact(process, work)),
    } as unknown as Database;
  }

  async #transact<T>(process: Process, work: (tx: Sql) => Promise<T>): Promise<T> {
    const transaction = new Transaction(this.memory);
    const rollback = (): void => transaction.rollback();
    process.whenDead.add(rollback);
    transaction.whenEnded(() => process.whenDead.delete(rollback));
    const sql = this.#session(process, transaction);
    this.#transactions.set(sql, transaction);
    try {
      const result = await work(sql);
      await this.#scheduler.step(process, 'commit', () => requireOpen(transaction).commit(), rollback);
      return result;
    } catch (error) {
      await this.#scheduler.step(process, 'rollback', rollback);
      throw error;
    }
  }

  #session(process: Process, transaction: Transaction | null): Sql {
    const execute = (sql: string, parameters: readonly unknown[], method: 'all' | 'run'): Promise<unknown> => {
      const { run, name } = this.#prepared.get(sql);
      const isApart = transaction === null || (this.apart?.(sql) ?? false);
      const own = isApart ? new Transaction(this.memory) : transaction;
      const bound = parameters.map((parameter) => this.memory.bind(parameter));
      const attempt = (): unknown => {
        requireOpen(own);
        if (!isApart && process.mayFail && this.#scheduler.strikes('deadlock')) {
          own.rollback();
          throw deadlock();
        }
        try {
          const { rows, affectedRows } = run(own, bound);
          own.waitsFor = null;
          if (isApart) own.commit();
          return method === 'run' ? { affectedRows } : rows;
        } catch (error) {
          if (error instanceof Blocked) return waitFor(own, error.holder);
          if (isApart) own.rollback();
          throw error;
        }
      };
      return this.#scheduler.step(process, name, attempt, () => own.rollback());
    };
    return {
      rows: async (text, parameters) => (await execute(text, parameters, 'all')) as Row[],
      write: async (text, parameters) =>
        ((await execute(text, parameters, 'run')) as { affectedRows: number }).affectedRows,
    };
  }
}

function requireOpen(transaction: Transaction): Transaction {
  if (transaction.hasEnded) throw new ConnectionLost('the connection of this transaction was lost');
  return transaction;
}

/** Waits for the holder; throws the server's deadlock, which ends the transaction, where that would be a circle. */
function waitFor(transaction: Transaction, holder: Transaction): NotYet {
  for (let other: Transaction | null = holder; other; other = other.waitsFor) {
    if (other !== transaction) continue;
    transaction.rollback();
    throw deadlock();
  }
  transaction.waitsFor = holder;
  return new NotYet((retry) => holder.whenEnded(retry));
}
