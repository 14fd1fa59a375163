import { isUnavailable } from '../errors/unavailable.ts';
import { type Connection, type Pool, type Result, type Statement, connectionOf, send } from './pool.ts';
import type { Expected, Parameter, Row, Sql } from './statements.ts';

/** Some statement did not do what was expected of it: the work runs again, one statement after another. */
class NotAsExpectedError extends Error {
  override readonly name = 'NotAsExpectedError';
}

const begin: Statement = { text: 'start transaction', parameters: [] };
const commit: Statement = { text: 'commit', parameters: [] };
const rollback: Statement = { text: 'rollback', parameters: [] };

/**
 * Runs `work` in one transaction. Writes that say what they expect wait, and go with the next statement whose answer is
 * needed, or with the end: one round trip for a transaction that only writes. Where one of them fails or finds other rows
 * than expected, all is rolled back and `work` runs a second time with each statement waited for, so that it meets the
 * refusal where it happens. `work` must therefore have no effects outside the database.
 */
export async function runTransaction<T>(pool: Pool, work: (tx: Sql) => Promise<T>): Promise<T> {
  try {
    return await attempt(new UnitOfWork(pool, true), work);
  } catch (error) {
    if (!(error instanceof NotAsExpectedError)) throw error;
  }
  return attempt(new UnitOfWork(pool, false), work);
}

async function attempt<T>(unit: UnitOfWork, work: (tx: Sql) => Promise<T>): Promise<T> {
  try {
    const result = await work(unit);
    await unit.commit();
    return result;
  } catch (error) {
    const isSo = await unit.holds(error);
    await unit.rollback();
    throw isSo ? error : new NotAsExpectedError('run one by one');
  }
}

class UnitOfWork implements Sql {
  readonly #pool: Pool;
  readonly #mayWait: boolean;
  #connection: Connection | null = null;
  #waiting: Statement[] = [begin];
  /** Something that was taken for granted is not so. */
  #isWrong = false;

  constructor(pool: Pool, mayWait: boolean) {
    this.#pool = pool;
    this.#mayWait = mayWait;
  }

  async rows(text: string, parameters: readonly Parameter[]): Promise<Row[]> {
    return (await this.#send({ text, parameters })) as Row[];
  }
  async write(text: string, parameters: readonly Parameter[], expected?: Expected): Promise<number> {
    if (this.#mayWait && expected !== undefined) {
      this.#waiting.push({ text, parameters, expected });
      return expected === 'any' ? 0 : expected;
    }
    return ((await this.#send({ text, parameters })) as { affectedRows: number }).affectedRows;
  }

  async commit(): Promise<void> {
    if (this.#isWrong) throw new NotAsExpectedError('a statement failed');
    if (!this.#connection && this.#waiting.length === 1) return; // nothing was asked
    // The commit may go with writes that find what they expect or fail.
    const isCertain = this.#waiting.every(({ expected }) => typeof expected !== 'number');
    if (!isCertain) await this.#sendWaiting();
    await this.#sendWaiting(commit);
    this.#release();
  }

  /** Never throws: a connection that can't be rolled back is closed, which does the same. */
  async rollback(): Promise<void> {
    const connection = this.#connection;
    if (!connection) return;
    try {
      await send(this.#pool, connection, [rollback]);
      this.#release();
    } catch {
      connection.destroy();
      this.#connection = null;
    }
  }

  /** Whether an error of the work stands: what the work took for granted so far is so. What still waits is sent to see. */
  async holds(error: unknown): Promise<boolean> {
    if (this.#isWrong) return false;
    if (isUnavailable(error) || this.#waiting.every(({ expected }) => expected === undefined)) return true;
    return this.#sendWaiting().then(
      () => true,
      (reason: unknown) => isUnavailable(reason),
    );
  }

  async #send(statement: Statement): Promise<Result> {
    return (await this.#sendWaiting(statement)) as Result;
  }

  /** Sends what waits, and this one after it; what it gave. */
  async #sendWaiting(last?: Statement): Promise<Result | undefined> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const statements = last ? [...waiting, last] : waiting;
    if (statements.length === 0) return undefined;
    const isGranted = waiting.some(({ expected }) => expected !== undefined);
    let results: Result[];
    try {
      this.#connection ??= await connectionOf(this.#pool);
      results = await send(this.#pool, this.#connection, statements);
    } catch (error) {
      // Which of them failed is not known; the database's "not now" holds for all.
      if (isGranted && !isUnavailable(error)) this.#isWrong = true;
      throw this.#isWrong ? new NotAsExpectedError((error as Error).message) : error;
    }
    for (const [at, { expected }] of waiting.entries()) {
      if (typeof expected !== 'number' || (results[at] as { affectedRows: number }).affectedRows === expected) continue;
      this.#isWrong = true;
      throw new NotAsExpectedError(`${expected} rows were expected`);
    }
    return results[waiting.length];
  }

  #release(): void {
    this.#connection?.release();
    this.#connection = null;
  }
}
