import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { type Run, repeat } from './measure.ts';

/** One statement of placing an order, and whose connection it runs on. */
export type Statement = { readonly schema: 'order' | 'product'; readonly sql: string };

const settleMs = 500;
/** Background work that happens to fall into the recording, and settings of new connections. */
const notPlacing =
  /^\s*(set session|update outbox set (claimed_by|published_at)|select id, aggregate_id|select .* from (saga|outbox|idempotency) where (state|created_at|published_at))/i;

/** Records the SQL of one placing, transaction control included, by the server's general log. */
export async function recordPlacing(
  connection: Connection,
  prefix: string,
  place: () => Promise<void>,
): Promise<Statement[]> {
  await connection.query("set global log_output = 'TABLE'");
  await connection.query('truncate table mysql.general_log');
  await connection.query('set global general_log = 1');
  await place();
  await sleep(settleMs);
  await connection.query('set global general_log = 0');
  const [rows] = await connection.query(
    "select user_host, convert(argument using utf8mb4) sql_text from mysql.general_log where command_type in ('Query', 'Execute') order by event_time",
  );
  return (rows as { user_host: string; sql_text: string }[]).flatMap(({ user_host, sql_text }) => {
    const schema = (['order', 'product'] as const).find((name) => user_host.startsWith(`${prefix}_${name}[`));
    if (schema === undefined) return [];
    // The platform sends several at once.
    return sql_text.split(';\n').flatMap((sql) => (notPlacing.test(sql) ? [] : [{ schema, sql }]));
  });
}

export const withoutTransactionControl = (statements: readonly Statement[]): Statement[] =>
  statements.filter(({ sql }) => !/^\s*(begin|commit|start transaction|rollback)/i.test(sql));

/**
 * Replays a recorded placing as fast as mysql2 can, with nothing of the platform around it: the same statements in the
 * same transactions and on the same tables. Ids, hashes and order numbers are new each time; `products` are the ones that it orders.
 */
export async function replayPlacing(options: {
  url: (schema: Statement['schema']) => string;
  recorded: readonly Statement[];
  products: readonly string[];
  constants: readonly string[];
  concurrency: number;
  seconds: number;
}): Promise<Run> {
  const open = async (schema: Statement['schema']): Promise<Connection> => {
    const connection = await createConnection({ uri: options.url(schema) });
    await connection.query('set session transaction isolation level read committed');
    return connection;
  };
  const lines = await Promise.all(
    Array.from({ length: options.concurrency }, async () => ({
      order: await open('order'),
      product: await open('product'),
    })),
  );
  const renew = renewer(options);
  try {
    return await repeat(options, async (line) => {
      for (const { schema, sql } of renew()) await (lines[line] as (typeof lines)[number])[schema].query(sql);
    });
  } finally {
    await Promise.all(lines.flatMap(({ order, product }) => [order.end(), product.end()]));
  }
}

function renewer({
  recorded,
  products,
  constants,
}: {
  recorded: readonly Statement[];
  products: readonly string[];
  constants: readonly string[];
}): () => Statement[] {
  const kept = new Set(constants.map((id) => id.replaceAll('-', '')));
  const ours = new Set(products.map((id) => id.replaceAll('-', '')));
  return () => {
    const product = (products[Math.floor(Math.random() * products.length)] as string).replaceAll('-', '');
    const renewed = new Map<string, string>();
    const fresh = (text: string, make: () => string): string => {
      if (!renewed.has(text)) renewed.set(text, make());
      return renewed.get(text) as string;
    };
    return recorded.map(({ schema, sql }) => ({
      schema,
      sql: sql
        .replace(/X'([0-9a-f]{32}|[0-9a-f]{64})'/gi, (literal, hex: string) => {
          if (ours.has(hex)) return `X'${product}'`;
          return kept.has(hex) ? literal : fresh(literal, () => `X'${randomBytes(hex.length / 2).toString('hex')}'`);
        })
        .replace(/'SO[0-9A-Z]{15}'/g, (literal) =>
          fresh(literal, () => `'SO${randomBytes(8).toString('hex').slice(0, 15).toUpperCase()}'`),
        ),
    }));
  };
}
