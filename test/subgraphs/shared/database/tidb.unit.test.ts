import type { EventEmitter } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer } from 'mysql2';
import { maxTransactionTries, openDatabase, withRetries } from '../../../../subgraphs/shared/database/database.ts';
import { isUnavailable } from '../../../../subgraphs/shared/errors/errors.ts';
import { ConfigError } from '../../../../subgraphs/shared/process/env.ts';
import { createLogger } from '../../../../subgraphs/shared/process/telemetry.ts';
import { realTime } from '../../../../subgraphs/shared/time/time.ts';

const log = createLogger('test', 'silent');

let close: () => Promise<void>;
afterEach(() => close());

/** Of mysql2's server what is used here, beneath its types. */
type ServedConnection = EventEmitter & {
  serverHandshake(greeting: object): void;
  writeOk(): void;
  writeTextResult(rows: object[], columns: object[]): void;
  _resetSequenceId(): void;
};

/** Answers as TiDB does to what is asked at the start; the port. */
async function startTiDb(checkConstraint: 0 | 1): Promise<number> {
  const serverVersion = '8.0.11-TiDB-v8.5.0';
  const answers: Readonly<Record<string, readonly [string, string]>> = {
    'select version() as version': ['version', serverVersion],
    'select @@global.tidb_enable_check_constraint as is_on': ['is_on', String(checkConstraint)],
  };
  const column = (name: string) => ({
    ...{ catalog: 'def', schema: '', table: '', orgTable: '', name, orgName: name },
    ...{ characterSet: 46, columnLength: 255, columnType: 253, flags: 0, decimals: 0 },
  });
  const server = (createServer as unknown as () => { _server: Server } & EventEmitter)();
  server.on('connection', (connection: ServedConnection) => {
    connection.serverHandshake({
      protocolVersion: 10, serverVersion, connectionId: 1, statusFlags: 2, characterSet: 46, capabilityFlags: withoutTls,
      authCallback: (_: unknown, done: (error: null) => void) => {
        done(null);
        connection._resetSequenceId();
      },
    }); // prettier-ignore
    connection.on('error', () => undefined);
    // What begins with SET comes under this name.
    connection.on('stmt_prepare', () => answer(''));
    connection.on('query', (text: string) => answer(text));
    function answer(text: string): void {
      const [name, value] = answers[text] ?? [];
      if (name === undefined) connection.writeOk();
      else connection.writeTextResult([{ [name]: value }], [column(name)]);
      connection._resetSequenceId();
    }
  });
  await new Promise<void>((listening) => server._server.listen(0, '127.0.0.1', listening));
  close = () => new Promise((closed) => server._server.close(() => closed()));
  return (server._server.address() as AddressInfo).port;
}
const withoutTls = 0xff_ff_ff & ~0x8_00;
const open = (port: number) =>
  openDatabase({ url: `mysql://root@127.0.0.1:${port}/shop`, entities: [], migrations: [], poolSize: 1, log });

describe('TiDB', () => {
  test('is refused while it ignores CHECK constraints, in one line that says what to run', async () => {
    const refused = open(await startTiDb(0));
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toThrow(/^MYSQL_URL: .*`set global tidb_enable_check_constraint = on`[^\n]*$/);
  });

  test('is taken when it keeps them', async () => {
    const db = await open(await startTiDb(1));
    await db.close();
  });

  test.each([
    [8002, 'can not retry select for update statement'],
    [8022, 'KV error safe to retry'],
    [8028, 'Information schema is changed during the execution of the statement'],
    [9007, 'Write conflict'],
    [1105, 'pessimistic lock retry limit reached'],
  ])(
    'a transaction that it aborts with %i is run again, and says "not now" when that is of no use',
    async (errno, message) => {
      const time = { ...realTime, sleep: async () => undefined };
      const aborted = Object.assign(new Error(message), { errno });
      let tries = 0;
      const second = async () => {
        tries += 1;
        if (tries === 1) throw aborted;
        return 'done';
      };
      expect(await withRetries({ log, time }, second)).toBe('done');
      let all = 0;
      const never = withRetries({ log, time }, async () => {
        all += 1;
        throw aborted;
      });
      await expect(never).rejects.toBe(aborted);
      expect([all, isUnavailable(aborted)]).toEqual([maxTransactionTries, true]);
    },
  );

  test('an unknown error of it is neither run again nor "not now"', async () => {
    const unknown = Object.assign(new Error('something else'), { errno: 1105 });
    let tries = 0;
    await expect(withRetries({ log }, async () => { tries += 1; throw unknown; })).rejects.toBe(unknown); // prettier-ignore
    expect([tries, isUnavailable(unknown)]).toEqual([1, false]);
  });
});
