import { describe, expect, test } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';
import { at, bytes, id, minor, text } from '../../../../subgraphs/shared/database/columns.ts';
import { readerOf, writerOf } from '../../../../subgraphs/shared/database/reader.ts';
import type { Expected, Parameter, Sql } from '../../../../subgraphs/shared/database/statements.ts';
import {
  type TablesOf,
  builderFor,
  byPrimaryKey,
  change,
  find,
  inserterFor,
  prepare,
} from '../../../../subgraphs/shared/database/tables.ts';
import { idToBytes, newId } from '../../../../subgraphs/shared/values/ids.ts';

const ParcelRecord = defineEntity({
  name: 'ParcelRecord',
  tableName: 'parcel',
  properties: {
    id: id().primary(),
    state: text<'PACKED' | 'SENT'>(16),
    label: text<string>(64).nullable(),
    costMinor: minor().defaultRaw('0'),
    hash: bytes(32),
    isFragile: p.boolean().default(false),
    contents: p.json<string[]>(),
    sentAt: at().nullable(),
    weight: p.integer(),
  },
});
const records = [ParcelRecord] as const;
type Tables = TablesOf<typeof records>;
const tables = builderFor<Tables>();
const insert = inserterFor<Tables>();

/** Takes what is sent, and gives these rows. */
function recorder(rows: object[] = []) {
  const sent: { text: string; parameters: readonly Parameter[]; expected?: Expected | undefined }[] = [];
  const sql: Sql = {
    rows: async (statement, parameters) => {
      sent.push({ text: statement, parameters });
      return rows as Record<string, unknown>[];
    },
    write: async (statement, parameters, expected) => {
      sent.push({ text: statement, parameters, expected });
      return 1;
    },
  };
  return { sql, sent };
}

const row = {
  id: idToBytes('01a22d2b-e941-7288-99af-f281b71f144b'),
  state: 'SENT',
  label: null,
  cost_minor: '9007199254740993',
  hash: Buffer.alloc(32, 1),
  is_fragile: 1,
  contents: '["tea"]',
  sent_at: '2026-11-30 15:56:22.505',
  weight: 3,
};

describe('a reader made of a record', () => {
  const read = readerOf(ParcelRecord);
  test('gives the record for a row', () => {
    expect(read(row)).toEqual({
      id: '01a22d2b-e941-7288-99af-f281b71f144b',
      state: 'SENT',
      label: null,
      costMinor: 9007199254740993n,
      hash: Buffer.alloc(32, 1),
      isFragile: true,
      contents: ['tea'],
      sentAt: new Date('2026-11-30T15:56:22.505Z'),
      weight: 3,
    });
  });
  test('reads those columns that are there', () => {
    expect(read({ sent_at: null, weight: '4' })).toEqual({ sentAt: null, weight: 4 });
  });
  test('is not made of a type that it can not read', () => {
    const odd = defineEntity({ name: 'Odd', tableName: 'odd', properties: { a: p.decimal().primary() } });
    expect(() => readerOf(odd)).toThrow('odd.a has the type DecimalType');
  });
});

describe('a writer made of a record', () => {
  test('gives the row that a reader reads, whatever else the value has', () => {
    const value = readerOf(ParcelRecord)(row);
    const written = writerOf(ParcelRecord)({ ...value, note: 'of no column' } as typeof value);
    expect(written).toEqual({
      ...row, cost_minor: 9007199254740993n, is_fragile: true, sent_at: new Date('2026-11-30T15:56:22.505Z'),
    }); // prettier-ignore
    expect(readerOf(ParcelRecord)(written)).toEqual(value);
  });
  test('leaves null what is null', () => {
    const value = { ...readerOf(ParcelRecord)(row), sentAt: null };
    expect(writerOf(ParcelRecord)(value).sent_at).toBeNull();
  });
});

describe('statements of typed tables', () => {
  test('that were compiled once are bound by name, as often as it is named', async () => {
    const { sql, sent } = recorder([row]);
    const bySent = prepare<{ id: Buffer; at: Date }>()((param) =>
      tables
        .selectFrom('parcel')
        .select(['id', 'state'])
        .where('id', '=', param.id)
        .where('state', '=', 'SENT')
        .where((eb) => eb.or([eb('sent_at', '<', param.at), eb('id', '=', param.id)])),
    );
    const at0 = new Date(0);
    const [found] = await find(sql, bySent, { id: row.id, at: at0 });
    expect(found?.state).toBe('SENT');
    expect(sent).toEqual([
      {
        text: 'select `id`, `state` from `parcel` where `id` = ? and `state` = ? and (`sent_at` < ? or `id` = ?)',
        parameters: [row.id, 'SENT', at0, row.id],
      },
    ]);
  });
  test('that are built for one run say what they expect', async () => {
    const { sql, sent } = recorder();
    await change(sql, tables.updateTable('parcel').set({ state: 'SENT' }).where('weight', 'in', [1, 2]), 1);
    expect(sent).toEqual([
      { text: 'update `parcel` set `state` = ? where `weight` in (?, ?)', parameters: ['SENT', 1, 2], expected: 1 },
    ]);
  });
  test('go by the primary key where they have to', async () => {
    const { sql, sent } = recorder();
    await find(
      sql,
      byPrimaryKey(tables.selectFrom('parcel').selectAll().where('weight', '=', 1).forUpdate(), 'parcel'),
    );
    await change(sql, byPrimaryKey(tables.updateTable('parcel').set({ weight: 2 }), 'parcel'));
    expect(sent.map((each) => each.text)).toEqual([
      'select * from `parcel` force index (primary) where `weight` = ? for update',
      'update `parcel` force index (primary) set `weight` = ?',
    ]);
  });
  test('insert several rows at once', async () => {
    const { sql, sent } = recorder();
    const parcel = { id: row.id, state: 'PACKED', hash: row.hash, contents: '[]', weight: 1 } as const;
    await insert(sql, 'parcel', [parcel, { ...parcel, id: idToBytes(newId()) }]);
    await insert(sql, 'parcel', []);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.text).toBe(
      'insert into parcel (id, state, hash, contents, weight) values (?, ?, ?, ?, ?), (?, ?, ?, ?, ?)',
    );
  });
  test('of a wrong table, column or value do not compile', () => {
    // @ts-expect-error no such table
    tables.selectFrom('parcels').selectAll();
    // @ts-expect-error no such column
    tables.selectFrom('parcel').select('stat');
    // @ts-expect-error no such state
    tables.updateTable('parcel').set({ state: 'SNET' });
    // @ts-expect-error an id is bytes there
    tables.selectFrom('parcel').selectAll().where('id', '=', 'text');
    // @ts-expect-error a column is missing
    void insert(recorder().sql, 'parcel', [{ id: row.id }]);
    // @ts-expect-error no such parameter
    prepare<{ id: Buffer }>()((param) => tables.selectFrom('parcel').selectAll().where('id', '=', param.key));
    expect(tables.selectFrom('parcel').selectAll().compile().sql).toBe('select * from `parcel`');
  });
});
