import type { Value, Values, View } from './compile.ts';
import type { Schema } from './schema.ts';

/** A row: as all see it, and as the transaction that holds its lock has made it. `undefined`: it has not changed it. */
export type Stored = { committed: Values | null; pending: Values | null | undefined; owner: Transaction | null };

/** An error of the server, as mysql2 tells it. */
export class DatabaseError extends Error {
  override readonly name = 'DriverException';
  readonly errno: number;
  readonly code: string;
  constructor(errno: number, code: string, message: string) {
    super(message);
    this.errno = errno;
    this.code = code;
  }
}
export const deadlock = (): DatabaseError =>
  new DatabaseError(1213, 'ER_LOCK_DEADLOCK', 'Deadlock found when trying to get lock; try restarting transaction');

/** A statement needs a row that another transaction has locked: it runs again when that has ended. */
export class Blocked extends Error {
  readonly holder: Transaction;
  constructor(holder: Transaction) {
    super('blocked');
    this.holder = holder;
  }
}

/**
 * The rows of one schema. Transactions are READ COMMITTED as InnoDB has them: a plain read sees what is committed and what
 * its own transaction has written; UPDATE, DELETE and FOR UPDATE lock the rows that they match by what is committed, and
 * wait for rows of others; a unique key waits for an uncommitted row with the same key.
 */
export class Memory {
  readonly schema: Schema;
  readonly nowMs: () => number;
  readonly #tables: ReadonlyMap<string, Stored[]>;
  readonly #buffers: Map<string, Buffer>;
  /** Grows with every commit that changed something. */
  commits = 0;
  onCommit: () => void = () => undefined;

  /** @param buffers by their content: shared by databases whose rows are compared */
  constructor(schema: Schema, nowMs: () => number, buffers: Map<string, Buffer>) {
    this.#buffers = buffers;
    this.schema = schema;
    this.nowMs = nowMs;
    this.#tables = new Map([...schema.keys()].map((name) => [name, []]));
  }

  stored(table: string): Stored[] {
    const rows = this.#tables.get(table);
    if (!rows) throw new Error(`the simulation's database has no table ${table}`);
    return rows;
  }

  /** What is committed, for oracles. */
  committed(table: string): Values[] {
    const rows: Values[] = [];
    for (const { committed } of this.stored(table)) if (committed) rows.push(committed);
    return rows;
  }

  /** A parameter as it is kept. Equal bytes are one Buffer, so that comparing them is comparing references. */
  bind(parameter: unknown): Value {
    if (typeof parameter === 'string' || typeof parameter === 'number' || parameter === null) return parameter;
    if (typeof parameter === 'bigint') return Number(parameter);
    if (typeof parameter === 'boolean') return parameter ? 1 : 0;
    if (parameter instanceof Date) return parameter.getTime();
    if (!Buffer.isBuffer(parameter)) throw new Error(`a parameter is ${typeof parameter}`);
    const key = parameter.toString('latin1');
    const known = this.#buffers.get(key);
    if (known) return known;
    this.#buffers.set(key, parameter);
    return parameter;
  }
}

/** One connection's transaction, or a single statement's. */
export class Transaction {
  readonly memory: Memory;
  /** The transaction that this one waits for. */
  waitsFor: Transaction | null = null;
  hasEnded = false;
  readonly #touched = new Set<Stored>();
  readonly #inserted = new Map<Stored, string>();
  #undo: { row: Stored; pending: Values | null | undefined; insertedInto: string | null }[] = [];
  #whenEnded: (() => void)[] = [];
  #whenCommitted: (() => void)[] = [];

  constructor(memory: Memory) {
    this.memory = memory;
  }

  /** The row as this transaction sees it; null where it is not there. */
  see(row: Stored): Values | null {
    return row.owner === this && row.pending !== undefined ? row.pending : row.committed;
  }

  get view(): View {
    return {
      nowMs: this.memory.nowMs,
      rowsOf: (table) => {
        const rows: Values[] = [];
        for (const row of this.memory.stored(table)) {
          const values = this.see(row);
          if (values) rows.push(values);
        }
        return rows;
      },
    };
  }

  /** Throws Blocked where another has it. */
  lock(row: Stored): void {
    if (row.owner && row.owner !== this) throw new Blocked(row.owner);
    row.owner = this;
    this.#touched.add(row);
  }

  change(row: Stored, values: Values | null): void {
    this.lock(row);
    this.#undo.push({ row, pending: row.pending, insertedInto: null });
    row.pending = values;
  }

  insert(table: string, values: Values): void {
    const row: Stored = { committed: null, pending: values, owner: this };
    this.memory.stored(table).push(row);
    this.#touched.add(row);
    this.#inserted.set(row, table);
    this.#undo.push({ row, pending: undefined, insertedInto: table });
  }

  /** Runs one statement, of which nothing stays when it fails or has to wait; the locks that it got stay. */
  statement<T>(run: () => T): T {
    this.#undo = [];
    try {
      return run();
    } catch (error) {
      for (const { row, pending, insertedInto } of this.#undo.toReversed()) {
        row.pending = pending;
        if (insertedInto === null) continue;
        this.#remove(row, insertedInto);
        this.#touched.delete(row);
      }
      throw error;
    }
  }

  /** Calls `work` once this transaction has ended. */
  whenEnded(work: () => void): void {
    this.#whenEnded.push(work);
  }

  whenCommitted(work: () => void): void {
    this.#whenCommitted.push(work);
  }

  commit(): void {
    for (const work of this.#whenCommitted) work();
    let hasChanged = false;
    for (const row of this.#touched) {
      if (row.pending === undefined) continue;
      hasChanged = true;
      row.committed = row.pending;
    }
    if (hasChanged) this.memory.commits += 1;
    this.#end();
    if (hasChanged) this.memory.onCommit();
  }

  rollback(): void {
    if (!this.hasEnded) this.#end();
  }

  #end(): void {
    this.hasEnded = true;
    this.waitsFor = null;
    for (const row of this.#touched) {
      row.pending = undefined;
      row.owner = null;
      const table = this.#inserted.get(row);
      if (table !== undefined && row.committed === null) this.#remove(row, table);
    }
    this.#touched.clear();
    for (const work of this.#whenEnded) work();
    this.#whenEnded = [];
  }

  #remove(row: Stored, table: string): void {
    const rows = this.memory.stored(table);
    rows.splice(rows.lastIndexOf(row), 1);
  }
}
