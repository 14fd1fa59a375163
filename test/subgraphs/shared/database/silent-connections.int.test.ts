import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Database, openDatabase, select } from '../../../../subgraphs/shared/database/database.ts';
import { isUnavailable } from '../../../../subgraphs/shared/errors/errors.ts';
import { startEventConsumer } from '../../../../subgraphs/shared/events/event-consumer.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';
import { openJobs } from '../../../../subgraphs/shared/jobs/jobs.ts';
import { openRedis } from '../../../../subgraphs/shared/process/redis.ts';
import { createMetrics } from '../../../../subgraphs/shared/process/telemetry.ts';
import { type TcpProxy, startTcpProxy } from '../../../faults/tcp-proxy.ts';
import { type EventsWorld, log, openEventsWorld } from '../events-world.ts';
import { until } from '../../../support/until.ts';

/*
 * Connections that die without a word, as when a firewall has forgotten them: the server is there, answers others, and
 * knows nothing of what waits here.
 */

let world: EventsWorld;
let redisProxy: TcpProxy;
let redisUrl: string;
beforeAll(async () => {
  world = await openEventsWorld();
  redisProxy = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(world.redisUrl).port) });
  redisUrl = `redis://127.0.0.1:${redisProxy.port}`;
});
afterAll(async () => {
  await redisProxy?.close();
  await world?.close();
});

test('a consumer reads on over a new connection, and stops at once', async () => {
  const redis = await openRedis(redisUrl, log);
  const handled: string[] = [];
  const relay = world.relay('silent');
  const consumer = startEventConsumer({
    service: 'listener',
    sources: ['silent'],
    handlers: { 'thing.happened': async () => undefined },
    onHandled: ({ id }) => handled.push(id),
    ...{ db: world.db, redis, log, metrics: world.metrics },
  });
  try {
    const tell = async (): Promise<void> => {
      const [event] = await world.append(newId(), 1);
      await until(() => handled.includes(String(event?.id)), { timeoutMs: 20_000 });
    };
    await tell();
    redisProxy.forget();
    await tell();
  } finally {
    await consumer.stop();
    await relay.stop();
    redis.destroy();
  }
}, 60_000);

test('jobs run on over a new connection', async () => {
  const jobs = await openJobs({ mongoUrl: undefined, redisUrl, name: 'test', prefix: 'silent', log, metrics: createMetrics() }); // prettier-ignore
  let runs = 0;
  jobs.define('test.often', async () => {
    runs += 1;
  });
  jobs.recurring('test.often', 500);
  jobs.start();
  try {
    await until(() => runs >= 1);
    redisProxy.forget();
    const before = runs;
    await until(() => runs >= before + 3, { timeoutMs: 60_000 });
    await jobs.ready();
  } finally {
    await jobs.stop();
  }
}, 90_000);

test('a statement is given up in the end, and the next one has another connection', async () => {
  const url = new URL(String(process.env['TEST_MYSQL_URL']));
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  let db: Database | undefined;
  try {
    url.port = String(proxy.port);
    url.pathname = '/mysql';
    db = await openDatabase({ url: url.href, entities: [], migrations: [], poolSize: 1, log, lostAfterMs: 1_500 });
    await select(db.em(), 'select 1');
    proxy.forget();
    const [lost, waiting] = await Promise.allSettled([select(db.em(), 'select 1'), select(db.em(), 'select 2 as two')]);
    expect(lost.status === 'rejected' && isUnavailable(lost.reason)).toBe(true);
    expect(waiting).toEqual({ status: 'fulfilled', value: [{ two: 2 }] });
  } finally {
    await db?.close();
    await proxy.close();
  }
}, 30_000);
