import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openJobs } from '../../../../subgraphs/shared/jobs/jobs.ts';
import { startLoop } from '../../../../subgraphs/shared/process/loop.ts';
import { type Redis, openRedis } from '../../../../subgraphs/shared/process/redis.ts';
import { createMetrics } from '../../../../subgraphs/shared/process/telemetry.ts';
import { startTestServers } from '../../../support/test-servers.ts';
import { log } from '../events-world.ts';
import { testJobs } from './jobs-contract.ts';
import { until } from '../../../support/until.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('jobs in Redis', () => {
  let redis: Redis;
  let servers: Awaited<ReturnType<typeof startTestServers>>;
  beforeAll(async () => {
    servers = await startTestServers({ mysqlUrl: String(process.env['TEST_MYSQL_URL']) });
    redis = await openRedis(servers.redisUrl, log);
  });
  afterAll(async () => {
    redis?.destroy();
    await servers?.stop();
  });
  testJobs(() => ({
    mongoUrl: undefined,
    redisUrl: servers.redisUrl,
    loseEverything: async () => void (await redis.flushAll()),
  }));

  test('that recur are made whole where Redis has only the first of the commands by which they were written', async () => {
    const prefix = 'partly';
    const { redisUrl } = servers;
    const jobs = await openJobs({ mongoUrl: undefined, redisUrl, name: 'test', prefix, log, metrics: createMetrics() });
    try {
      // Its due time is in an index that Agenda writes last.
      await jobs.agenda().every(500, 'test.often');
      const [id = ''] = await redis.sMembers(`${prefix}:agenda:jobs:by_name:test.often`);
      await redis.zRem(`${prefix}:agenda:jobs:by_next_run_at`, id);
      const longAgo = new Date(Date.now() - 3_600_000).toISOString();
      await redis.hSet(`${prefix}:agenda:job:${id}`, 'nextRunAt', longAgo);
      let runs = 0;
      jobs.define('test.often', async () => {
        runs += 1;
      });
      jobs.recurring('test.often', 500);
      jobs.start();
      await until(() => runs >= 2);
    } finally {
      await jobs.stop();
    }
  }, 20_000);
});

describe('a loop', () => {
  test('runs one turn at a time, and one more after a kick in the middle', async () => {
    let now = 0;
    let most = 0;
    let turns = 0;
    const loop = startLoop({
      name: 'test',
      everyMs: 60_000,
      log,
      turn: async () => {
        now += 1;
        most = Math.max(most, now);
        await pause(20);
        now -= 1;
        turns += 1;
      },
    });
    for (let kicks = 0; kicks < 10; kicks += 1) loop.kick();
    await until(() => turns === 2);
    await pause(60);
    expect({ most, turns }).toEqual({ most: 1, turns: 2 });
    await loop.stop();
  });

  test('goes on after a failure', async () => {
    let turns = 0;
    const loop = startLoop({
      name: 'test',
      everyMs: 10,
      log,
      turn: async () => {
        turns += 1;
        if (turns < 4) throw new Error('no');
      },
    });
    await until(() => turns >= 5);
    await loop.stop();
  });

  test('waits for the running turn when it stops, and starts no other', async () => {
    let turns = 0;
    let done = 0;
    const loop = startLoop({
      name: 'test',
      everyMs: 1,
      log,
      turn: async () => {
        turns += 1;
        await pause(30);
        done += 1;
      },
    });
    await pause(10);
    await loop.stop();
    loop.kick();
    await pause(50);
    expect({ turns, done }).toEqual({ turns: 1, done: 1 });
  });
});
