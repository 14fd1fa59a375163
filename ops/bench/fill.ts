import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { audit } from '../audit.ts';
import { type BenchPlatform, giveMemory, startBenchPlatform } from './bench-platform.ts';
import type { SchemaName } from './filling/batch.ts';
import { type Filling, fillSchemas } from './filling/fill-schemas.ts';
import { type PlainDatabase, openPlainDatabase } from './filling/plain-database.ts';
import { dataDir, round } from './measure.ts';
import { type Staff, signInStaff } from './staff.ts';

/** Where the filled databases stay, for `npm run bench -- lists`. */
export const filledDir = (): string => join(dataDir(), 'bench-filled');

/**
 * `npm run bench -- fill [orders = 1000000]`: a shop with two years of orders, which stays for `lists`. Written straight into the
 * tables, but made by the services' own rules and the same for the same number: the audit is clean afterwards.
 */
export async function benchFill([orders = '1000000']: readonly string[]): Promise<void> {
  await rm(filledDir(), { recursive: true, force: true });
  // A platform that nobody uses meanwhile makes the schemas, the administrator and the products.
  const platform = await startBenchPlatform({ keep: filledDir(), durable: false });
  try {
    await giveMemory(platform);
    const startedAt = performance.now();
    const rows = await fill(platform, { orders: Number(orders) });
    const seconds = (performance.now() - startedAt) / 1_000;
    console.log(`filled ${orders} orders, ${rows} rows in ${round(seconds, 0)} s: ${round(Number(orders) / seconds, 0)} orders a second`); // prettier-ignore
    console.table(await sizes(platform));
    const before = performance.now();
    const env = { MYSQL_URL: platform.mysqlUrl, REDIS_URL: platform.redisUrl, DATABASE_PREFIX: platform.prefix };
    const broken = (await audit({ env })).filter((finding) => finding.broken.length > 0);
    console.log(`audit in ${round((performance.now() - before) / 1_000, 0)} s: ${broken.length === 0 ? 'clean' : JSON.stringify(broken, null, 1)}`); // prettier-ignore
    if (broken.length > 0) process.exitCode = 1;
  } finally {
    await platform.stop();
  }
}

/** Fills the platform's databases; how many rows that made. */
export async function fill(
  platform: BenchPlatform,
  {
    orders,
    createProduct,
    ...more
  }: Omit<Filling, 'administratorId' | 'createProduct'> & { createProduct?: Staff['createProduct'] },
): Promise<number> {
  const open = (schema: SchemaName): Promise<PlainDatabase> => {
    const url = new URL(platform.mysqlUrl);
    url.pathname = `/${platform.prefix}_${schema}`;
    return openPlainDatabase(url.href);
  };
  const [order, payment, product, user] = await Promise.all([open('order'), open('payment'), open('product'), open('user')]); // prettier-ignore
  const databases = { order, payment, product, user };
  try {
    const administrator = await signInStaff(platform);
    const { me } = await platform.gql<{ me: { id: string } }>('{ me { id } }', {}, administrator.token);
    return await fillSchemas(databases, { ...more, orders, administratorId: me.id, createProduct: createProduct ?? administrator.createProduct }); // prettier-ignore
  } finally {
    await Promise.all(Object.values(databases).map((database) => database.close()));
  }
}

async function sizes({ connection, prefix }: BenchPlatform): Promise<unknown> {
  const [rows] = await connection.query(
    `select table_schema as place, table_name as name, table_rows as row_count, round((data_length + index_length) / 1048576) as mib
     from information_schema.tables where table_schema like ? order by data_length + index_length desc limit 15`,
    [`${prefix}\\_%`],
  );
  return rows;
}
