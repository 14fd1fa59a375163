import type { Connection as StreamingConnection, RowDataPacket } from 'mysql2';
import type { Connection } from 'mysql2/promise';

/** Statements end so and nowhere else have it: the reader needs no parser. */
export const statementEnd = ';\n';
/** Well below the smallest `max_allowed_packet` that a server has by default (16 MiB). */
const maxStatementChars = 512 * 1024;

const numbers = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal']);
const texts = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'json', 'enum', 'set']);
const bytes = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']);
const times = new Set(['date', 'datetime', 'timestamp', 'time', 'year']);

type Column = { readonly name: string; readonly literal: (value: Buffer) => string };

/**
 * A literal that needs no escaping, whatever the value is: numbers and times as they are, all else in hexadecimal digits.
 * Throws for a type that loses something in text, as FLOAT does.
 */
function literalOf(type: string): Column['literal'] {
  const hex = (value: Buffer): string => (value.length === 0 ? `''` : `0x${value.toString('hex')}`);
  if (numbers.has(type)) return (value) => value.toString('latin1');
  if (times.has(type)) return (value) => `'${value.toString('latin1')}'`;
  if (bytes.has(type)) return hex;
  if (texts.has(type)) return (value) => (value.length === 0 ? `''` : `_utf8mb4 ${hex(value)}`);
  throw new Error(`back-ups know no columns of type ${type}`);
}

const select = async (connection: Connection, sql: string, values: readonly string[]): Promise<RowDataPacket[]> =>
  (await connection.query<RowDataPacket[]>(sql, [...values]))[0];

/**
 * One schema as SQL text: its tables, and their rows as this connection's transaction sees them. `rows` is told of each
 * table that is done. Throws when the schema changes meanwhile.
 */
export async function* dumpSchema(
  connection: Connection,
  schema: string,
  rows: (table: string, count: number) => void,
): AsyncGenerator<string> {
  const tables = await select(connection, 'select table_name as name, table_type as type from information_schema.tables where table_schema = ? order by table_name', [schema]); // prettier-ignore
  for (const { name, type } of tables as { name: string; type: string }[]) {
    if (type !== 'BASE TABLE') throw new Error(`${schema}.${name} is no table but a ${type}`);
    const table = `${connection.escapeId(schema)}.${connection.escapeId(name)}`;
    const [shown] = await select(connection, `show create table ${table}`, []);
    const create = String(shown?.['Create Table']);
    if (create.includes(statementEnd)) throw new Error(`the definition of ${table} can't be kept as one statement`);
    yield create + statementEnd;
    rows(name, yield* dumpRows(connection, { schema, name, table }));
  }
}

async function* dumpRows(
  connection: Connection,
  { schema, name, table }: { schema: string; name: string; table: string },
): AsyncGenerator<string, number> {
  const described = await select(connection, 'select column_name as name, data_type as type, extra as extra from information_schema.columns where table_schema = ? and table_name = ? order by ordinal_position', [schema, name]); // prettier-ignore
  const columns: Column[] = (described as { name: string; type: string; extra: string }[])
    .filter(({ extra }) => !/(virtual|stored|persistent) generated/i.test(extra))
    .map((column) => ({ name: column.name, literal: literalOf(column.type) }));
  const list = columns.map((column) => connection.escapeId(column.name)).join(', ');
  const insert = `insert into ${connection.escapeId(name)} (${list}) values\n`;
  // mysql2's promises have no streams; what they are made of has. As bytes, each value is what the server sent.
  const { connection: streaming } = connection as unknown as { connection: StreamingConnection };
  const stream = streaming
    .query({ sql: `select ${list} from ${table}`, rowsAsArray: true, typeCast: (field) => field.buffer() })
    .stream();
  let count = 0;
  let text = '';
  for await (const row of stream as AsyncIterable<(Buffer | null)[]>) {
    const values = columns.map(({ literal }, at) => (row[at] ? literal(row[at]) : 'null'));
    text += `${text === '' ? insert : ',\n'}(${values.join(',')})`;
    count += 1;
    if (text.length < maxStatementChars) continue;
    yield text + statementEnd;
    text = '';
  }
  if (text !== '') yield text + statementEnd;
  return count;
}
