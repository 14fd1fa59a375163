import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { entities } from '../../../subgraphs/product/subgraph.ts';
import { insertRows, select, write } from '../../../subgraphs/shared/database/database.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import { barrierRetentionDays, inboxRetentionDays, purgeShared } from '../../../subgraphs/shared/tables/retention.ts';
import { idempotencyRetentionDays } from '../../../subgraphs/shared/tables/idempotency.ts';
import { type ProductWorld, openProductWorld } from './product-world.ts';

let world: ProductWorld;
beforeAll(async () => {
  world = await openProductWorld();
});
afterAll(() => world.close());

test('records and migrations agree on tables, columns, types and what may be missing', async () => {
  const columns = await select(
    world.sql(),
    `select table_name as tab, column_name as col, data_type as type, character_maximum_length as len, is_nullable as nullable
     from information_schema.columns where table_schema = database()`,
  );
  const tables = new Map<string, Map<string, { type: string; length: number | null; nullable: boolean }>>();
  for (const { tab, col, type, len, nullable } of columns) {
    const table = tables.get(String(tab)) ?? new Map();
    table.set(String(col), {
      type: String(type),
      length: len === null ? null : Number(len),
      nullable: nullable === 'YES',
    });
    tables.set(String(tab), table);
  }
  const types = (text: string) => ({ json: ['longtext', 'json'], boolean: ['tinyint'] })[text] ?? [text];
  const orm = await world.subgraph.deps.db.orm();
  for (const { name } of entities.map((entity) => entity.meta)) {
    const meta = orm.getMetadata().getByClassName(String(name));
    const table = tables.get(meta.tableName);
    expect([...(table?.keys() ?? [])].toSorted()).toEqual(
      meta.props.flatMap((property) => property.fieldNames).toSorted(),
    );
    for (const property of meta.props) {
      const [declared, length] = String(property.columnTypes[0]).replace(')', '').split('(');
      const column = table?.get(property.fieldNames[0]!);
      expect(types(declared!)).toContain(column?.type);
      if (/char|binary/.test(String(declared))) expect(Number(length)).toBe(column?.length);
      expect({ column: property.fieldNames[0], nullable: property.nullable ?? false }).toEqual({
        column: property.fieldNames[0],
        nullable: column?.nullable,
      });
    }
  }
});

test('migrating again changes nothing', async () => {
  await Promise.all([world.subgraph.deps.db.migrate(), world.subgraph.deps.db.migrate()]);
  expect(await select(world.sql(), 'select count(*) as applied from mikro_orm_migrations')).toMatchObject([
    { applied: 8 },
  ]);
});

test('the subgraph is ready while its database and Redis answer', async () => {
  await expect(world.subgraph.ready()).resolves.toBeUndefined();
});

describe('retention', () => {
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
  test('shared rows past their retention are deleted, younger ones stay', async () => {
    const sql = world.sql();
    const ages = (days: number) => [daysAgo(days + 1), daysAgo(days - 1)];
    await insertRows(
      sql,
      'inbox',
      ages(inboxRetentionDays).map((at) => ({ event_id: idToBytes(newId()), type: 't', handled_at: at })),
    );
    await insertRows(
      sql,
      'barrier',
      ages(barrierRetentionDays).map((at) => ({
        saga_id: idToBytes(newId()),
        branch: 'b',
        op: 'action',
        inserted_by: 'action',
        created_at: at,
      })),
    );
    await insertRows(sql, 'idempotency', ages(idempotencyRetentionDays).map((at) => ({
      owner_id: idToBytes(newId()), key_hash: Buffer.alloc(32), operation: 'o', input_hash: Buffer.alloc(32), result: '{}', created_at: at,
    }))); // prettier-ignore
    expect(await purgeShared(sql, { inbox: true })).toEqual({ outbox: 0, inbox: 1, barrier: 0, idempotency: 0 });
    expect(await purgeShared(sql, { inbox: true, barrier: true, idempotency: true })).toEqual({
      outbox: 0,
      inbox: 0,
      barrier: 1,
      idempotency: 1,
    });
    for (const table of ['inbox', 'barrier', 'idempotency']) expect(await write(sql, `delete from ${table}`)).toBe(1);
  });
});
