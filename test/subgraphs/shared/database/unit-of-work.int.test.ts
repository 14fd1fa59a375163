import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { createConnection } from 'mysql2/promise';
import pino from 'pino';
import {
  type Database,
  type Sql,
  insertRows,
  openDatabase,
  run,
  select,
  write,
} from '../../../../subgraphs/shared/database/database.ts';
import { isDuplicateKey, isUnavailable } from '../../../../subgraphs/shared/errors/errors.ts';
import { until } from '../../../support/until.ts';
import { startTcpProxy } from '../../../faults/tcp-proxy.ts';
import { type Sent, sentDuring } from '../../../support/statements.ts';

const log = pino({ level: 'silent' });
const schema = `t${randomBytes(6).toString('hex')}`;
let db: Database;
let url: URL;
beforeAll(async () => {
  url = new URL(String(process.env['TEST_MYSQL_URL']));
  const root = await createConnection({ uri: url.href });
  await root.query(`create database ${schema} default character set utf8mb4 collate utf8mb4_bin`);
  await root.end();
  url.pathname = `/${schema}`;
  db = await openDatabase({ url: url.href, entities: [], migrations: [], poolSize: 4, log });
  await run(db.em(), 'create table account (id int not null primary key, balance int not null check (balance >= 0))');
  await run(db.em(), 'create table note (id int not null auto_increment primary key, text varchar(200) not null)');
});
afterAll(async () => {
  await run(db.em(), `drop database ${schema}`);
  await db.close();
});
beforeEach(async () => {
  await run(db.em(), 'delete from account');
  await run(db.em(), 'delete from note');
  await insertRows(db.em(), 'account', [{ id: 1, balance: 100 }, { id: 2, balance: 0 }]); // prettier-ignore
});

const balances = async () =>
  (await select(db.em(), 'select balance from account order by id')).map((row) => Number(row['balance']));
const notes = async () => (await select(db.em(), 'select text from note order by id')).map((row) => row['text']);
const take = (tx: Sql, amount: number) =>
  write(tx, 'update account set balance = balance - ? where id = 1 and balance >= ?', [amount, amount], 1);
const give = (tx: Sql, amount: number) => run(tx, 'update account set balance = balance + ? where id = 2', [amount]);
/** Each round trip as its statements' first words. */
const shapes = (sent: readonly Sent[]) =>
  sent
    .filter(({ database }) => database === schema)
    .map(({ statements }) => statements.map((text) => text.split(' ')[0]));

test('writes that all do what they are expected to go in one round trip, with the commit where none is to be checked', async () => {
  const sent = await sentDuring(() =>
    db.transaction(async (tx) => {
      await insertRows(tx, 'note', [{ text: 'one' }, { text: 'two' }]);
      await give(tx, 1);
    }),
  );
  expect(shapes(sent)).toEqual([['start', 'insert', 'update', 'commit']]);
  expect(await notes()).toEqual(['one', 'two']);
});

test('a guarded write is checked before the commit', async () => {
  const sent = await sentDuring(() =>
    db.transaction(async (tx) => {
      expect(await take(tx, 30)).toBe(1);
      await give(tx, 30);
    }),
  );
  expect(shapes(sent)).toEqual([['start', 'update', 'update'], ['commit']]);
  expect(await balances()).toEqual([70, 30]);
});

test('a read sees what was written before it in its transaction', async () => {
  const seen = await db.transaction(async (tx) => {
    await take(tx, 30);
    const rows = await select(tx, 'select balance from account where id = 1');
    await give(tx, 30);
    return rows;
  });
  expect(seen).toEqual([{ balance: 70 }]);
  expect(await balances()).toEqual([70, 30]);
});

test('a guard that finds nothing: nothing is kept, and the work meets its refusal where it is', async () => {
  let runs = 0;
  const work = db.transaction(async (tx) => {
    runs += 1;
    await insertRows(tx, 'note', [{ text: 'taking' }]);
    if ((await take(tx, 500)) === 0) throw new Error('refused');
    await give(tx, 500);
  });
  await expect(work).rejects.toThrow('refused');
  expect(runs).toBe(2);
  expect(await balances()).toEqual([100, 0]);
  expect(await notes()).toEqual([]);
});

test('a guard that finds nothing may be all right: the work takes its other way', async () => {
  const taken = await db.transaction(async (tx) => {
    const found = await take(tx, 500);
    await insertRows(tx, 'note', [{ text: found === 1 ? 'taken' : 'not taken' }]);
    return found;
  });
  expect(taken).toBe(0);
  expect(await notes()).toEqual(['not taken']);
});

test('a row that is there: the work hears of it at the statement that met it', async () => {
  const outcome = await db.transaction(async (tx) => {
    await insertRows(tx, 'note', [{ text: 'before' }]);
    try {
      await insertRows(tx, 'account', [{ id: 1, balance: 5 }]);
    } catch (error) {
      if (isDuplicateKey(error)) return 'there';
      throw error;
    }
    await give(tx, 5);
    return 'new';
  });
  expect(outcome).toBe('there');
  expect(await notes()).toEqual(['before']);
  expect(await balances()).toEqual([100, 0]);
});

test('an error that is not caught where it is met is the error of the transaction, and nothing is kept', async () => {
  const work = db.transaction(async (tx) => {
    await insertRows(tx, 'note', [{ text: 'before' }]);
    await run(tx, 'update account set balance = balance - 500 where id = 1');
  });
  await expect(work).rejects.toMatchObject({ errno: expect.any(Number) });
  expect(await notes()).toEqual([]);
});

test('what the work refuses by itself after writes that were not checked yet is refused only if these hold', async () => {
  const order: string[] = [];
  const work = db.transaction(async (tx) => {
    if ((await take(tx, 500)) === 0) throw new Error('too little');
    order.push('went on');
    throw new Error('another reason');
  });
  await expect(work).rejects.toThrow('too little');
  expect(order).toEqual(['went on']);
});

test('what the work refuses by itself, where all that it took for granted is so, is refused at once', async () => {
  let runs = 0;
  const work = db.transaction(async (tx) => {
    runs += 1;
    await insertRows(tx, 'note', [{ text: 'before' }]);
    await take(tx, 30);
    throw new Error('refused');
  });
  await expect(work).rejects.toThrow('refused');
  expect(runs).toBe(1);
  expect(await notes()).toEqual([]);
  expect(await balances()).toEqual([100, 0]);
});

test('a failed statement that the work swallows does not let the rest through unseen', async () => {
  const runs: string[] = [];
  await db.transaction(async (tx) => {
    await insertRows(tx, 'account', [{ id: 1, balance: 5 }]).catch(() => runs.push('refused'));
    await select(tx, 'select 1').catch(() => runs.push('unclear'));
    await insertRows(tx, 'note', [{ text: 'kept' }]);
  });
  // The first run ends at the read; the second meets the refusal itself.
  expect(runs).toEqual(['unclear', 'refused']);
  expect(await notes()).toEqual(['kept']);
});

test('a transaction that asks nothing sends nothing, and one that only reads ends its reads', async () => {
  expect(shapes(await sentDuring(() => db.transaction(async () => 1)))).toEqual([]);
  const sent = await sentDuring(() => db.transaction((tx) => select(tx, 'select balance from account for update')));
  expect(shapes(sent)).toEqual([['start', 'select'], ['commit']]);
});

test('two that wait for each other: one is run again, and both are done', async () => {
  const [one, other] = [1, 2].map((first) =>
    db.transaction(async (tx) => {
      await select(tx, 'select * from account where id = ? for update', [first]);
      await new Promise((next) => setTimeout(next, 200));
      await run(tx, 'update account set balance = balance + 1 where id = ?', [3 - first]);
      await run(tx, 'update account set balance = balance + 1 where id = ?', [first]);
    }),
  );
  await Promise.all([one, other]);
  expect(await balances()).toEqual([102, 2]);
});

test('a connection that is cut in the midst of it leaves nothing behind, and says "not now"', async () => {
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  const through = new URL(url.href);
  through.port = String(proxy.port);
  const other = await openDatabase({ url: through.href, entities: [], migrations: [], poolSize: 1, log });
  try {
    const work = other.transaction(async (tx) => {
      await take(tx, 10);
      await select(tx, 'select 1');
      proxy.cut();
      await give(tx, 10);
    });
    const error: unknown = await work.catch((reason: unknown) => reason);
    expect(isUnavailable(error)).toBe(true);
    expect(await balances()).toEqual([100, 0]);
  } finally {
    proxy.mend();
    await other.close();
    await proxy.close();
  }
});

test.each([
  "'; delete from account; -- ",
  "\\'; delete from account; -- ",
  '\\',
  '"; drop table account; --',
  "x', (select version())) -- ",
  '?',
  '/*! delete from account */',
  '\u0000\u001a\n\r\t\b',
  "¿'; 日本 😀 “",
])('no value gets out of its place: %j', async (text) => {
  await db.transaction(async (tx) => {
    await insertRows(tx, 'note', [{ text }]);
    await run(tx, 'insert into note (text) values (?)', [text]);
    await write(tx, 'update account set balance = balance + 1 where id = 1 and ? = ?', [text, text], 1);
    expect(await select(tx, 'select count(*) as n from note where text = ?', [text])).toEqual([{ n: 2 }]);
  });
  expect(await notes()).toEqual([text, text]);
  expect(await balances()).toEqual([101, 0]);
});

test('a value that is an object or a list is refused, and nothing is sent', async () => {
  for (const value of [{ id: 1 }, ['1', '2'], { toSqlString: () => '1; delete from account' }] as unknown as string[]) {
    await expect(run(db.em(), 'delete from account where id = ?', [value])).rejects.toThrow(TypeError);
    const work = db.transaction(async (tx) => run(tx, 'delete from account where id = ?', [value]));
    await expect(work).rejects.toThrow(TypeError);
  }
  expect(await balances()).toEqual([100, 0]);
});

test('backslashes escape on every connection, also where the server is told that they do not', async () => {
  const root = await createConnection({ uri: url.href });
  const [rows] = await root.query('select @@global.sql_mode as mode');
  const { mode } = (rows as { mode: string }[])[0]!;
  await root.query('set global sql_mode = ?', [`${mode},NO_BACKSLASH_ESCAPES`]);
  const other = await openDatabase({ url: url.href, entities: [], migrations: [], poolSize: 1, log });
  try {
    await run(other.em(), 'insert into note (text) values (?)', ["\\' , '"]);
    expect(await notes()).toEqual(["\\' , '"]);
  } finally {
    await root.query('set global sql_mode = ?', [mode]);
    await root.end();
    await other.close();
  }
});

test('a null for a column that takes none is refused on every connection, also where the server is not strict', async () => {
  const root = await createConnection({ uri: url.href });
  const [rows] = await root.query('select @@global.sql_mode as mode');
  const { mode } = (rows as { mode: string }[])[0]!;
  await root.query("set global sql_mode = ''");
  const other = await openDatabase({ url: url.href, entities: [], migrations: [], poolSize: 1, log });
  try {
    const both = run(other.em(), 'update account set balance = if(id = 1, null, balance + 1)', []);
    await expect(both).rejects.toMatchObject({ errno: 1048 });
    expect(await balances()).toEqual([100, 0]);
  } finally {
    await root.query('set global sql_mode = ?', [mode]);
    await root.end();
    await other.close();
  }
});

test('a write outside transactions that the database gives up for another one is run again', async () => {
  await insertRows(
    db.em(),
    'note',
    Array.from({ length: 20 }, (_, index) => ({ text: `note ${index}` })),
  );
  let single: Promise<number> | undefined;
  await db.transaction(async (tx) => {
    // It has written more, so it is the other one that has to go.
    await write(tx, 'update note set text = concat(text, ?)', ['!']);
    await write(tx, 'update account set balance = balance + 1 where id = 2', []);
    single ??= write(db.em(), 'update account set balance = balance + 10 order by id', []);
    const waiting = () => select(tx, "select 1 from information_schema.innodb_trx where trx_state = 'LOCK WAIT'", []);
    // The server makes this table anew when nobody has read it for 100 ms.
    await until(async () => (await waiting()).length > 0, { everyMs: 150 });
    await write(tx, 'update account set balance = balance + 1 where id = 1', []);
  });
  expect(await single).toBe(2);
  expect(await balances()).toEqual([111, 11]);
});
