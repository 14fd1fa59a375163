import { createConnection } from 'mysql2/promise';
import type { Database } from '../../../subgraphs/shared/database/database.ts';
import type { Row, Sql } from '../../../subgraphs/shared/database/statements.ts';

/** One connection to a schema, for statements that may take as long as they do: a service would give them up and start again. */
export type PlainDatabase = Pick<Database, 'em' | 'transaction' | 'close'>;

export async function openPlainDatabase(url: string): Promise<PlainDatabase> {
  const connection = await createConnection({ uri: url, timezone: 'Z' });
  const sql: Sql = {
    rows: async (text, parameters) => (await connection.query(text, [...parameters]))[0] as Row[],
    write: async (text, parameters) => {
      const [result] = await connection.query(text, [...parameters]);
      return (result as { affectedRows: number }).affectedRows;
    },
  };
  // One after another: they share the connection.
  let last: Promise<unknown> = Promise.resolve();
  return {
    em: () => sql,
    transaction(work) {
      const done = last.then(async () => {
        await connection.beginTransaction();
        const result = await work(sql);
        await connection.commit();
        return result;
      });
      last = done.catch(() => undefined);
      return done;
    },
    close: () => connection.end(),
  };
}
