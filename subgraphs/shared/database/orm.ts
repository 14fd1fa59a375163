import type { EntitySchema } from '@mikro-orm/core';
import type { Migration } from '@mikro-orm/migrations';
import type { MikroORM } from '@mikro-orm/mysql';
import { createConnection } from 'mysql2/promise';
import type { Logger } from '../process/telemetry.ts';

type MigrationClass = new (...args: ConstructorParameters<typeof Migration>) => Migration;

/** A migration under the name that the migrations table remembers; loaded, and MikroORM with it, when it is missing there. */
export type NamedMigration = { readonly name: string; readonly load: () => Promise<MigrationClass> };

export type SchemaOptions = {
  readonly url: string;
  readonly entities: readonly EntitySchema[] | readonly unknown[];
  readonly migrations: readonly NamedMigration[];
  readonly log: Logger;
};

/**
 * MikroORM on one schema, for its migrations and to compare the schema with the entities. Loaded when it is needed: most
 * processes find their schema as it should be. To be closed.
 */
export async function openOrm({ url, entities, migrations, log }: SchemaOptions): Promise<MikroORM> {
  const isMariaDb = await servesMariaDb(url);
  const { Migrator } = await import('@mikro-orm/migrations');
  const migrationsList = await Promise.all(migrations.map(async ({ name, load }) => ({ name, class: await load() })));
  const options = {
    clientUrl: url,
    entities: [...entities] as EntitySchema[],
    extensions: [Migrator],
    migrations: { migrationsList, snapshot: false, transactional: true, allOrNothing: false },
    forceUtcTimezone: true,
    charset: 'utf8mb4',
    collate: 'utf8mb4_bin',
    pool: { min: 0, max: 1 },
    driverOptions: { connectTimeout: 3_000, enableKeepAlive: true, ...socketOf(url) },
    discovery: { warnWhenNoEntities: false },
    logger: (message: string) => log.debug({ component: 'mikro-orm' }, message),
  };
  // MikroORM's mysql driver reports a phantom schema difference on MariaDB, which it is not meant for, so each server gets its own:
  // https://github.com/mikro-orm/mikro-orm/issues/5582
  if (!isMariaDb) return (await import('@mikro-orm/mysql')).MikroORM.init(options);
  return (await import('@mikro-orm/mariadb')).MikroORM.init(options);
}

/** A Unix socket by the URL's parameter `socketPath`, as mysql2 knows it. */
function socketOf(url: string): { socketPath?: string } {
  const socketPath = new URL(url).searchParams.get('socketPath');
  return socketPath === null ? {} : { socketPath };
}

async function servesMariaDb(url: string): Promise<boolean> {
  const connection = await createConnection({ uri: url, connectTimeout: 3_000 });
  try {
    const [rows] = await connection.query('select version() as version');
    return String((rows as { version: string }[])[0]?.version).includes('MariaDB');
  } finally {
    await connection.end();
  }
}

/**
 * Applies the migrations that are missing. The lock is a row in a table of its own: no GET_LOCK, which TiDB and Vitess
 * don't have.
 */
export async function migrate(options: SchemaOptions): Promise<void> {
  const connection = await createConnection({ uri: options.url });
  try {
    if (await isUpToDate()) return;
    await connection.query(
      'create table if not exists migration_lock (id tinyint not null primary key) engine = InnoDB',
    );
    await connection.query('insert ignore into migration_lock values (1)');
    await connection.query('set session innodb_lock_wait_timeout = 120');
    await connection.query('start transaction');
    await connection.query('select id from migration_lock where id = 1 for update');
    const orm = await openOrm(options);
    try {
      await orm.migrator.up();
    } finally {
      await orm.close(true);
    }
    await connection.query('commit');
  } finally {
    await connection.end();
  }

  /** MikroORM writes a migration down when it is done. */
  async function isUpToDate(): Promise<boolean> {
    const [tables] = await connection.query("show tables like 'mikro_orm_migrations'");
    if ((tables as unknown[]).length === 0) return false;
    const [rows] = await connection.query('select name from mikro_orm_migrations');
    const done = new Set((rows as { name: string }[]).map(({ name }) => name));
    return options.migrations.every(({ name }) => done.has(name));
  }
}
