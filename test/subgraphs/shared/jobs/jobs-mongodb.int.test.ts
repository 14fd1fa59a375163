import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { startMongoServer } from '../../../support/ferretdb.ts';
import { testJobs } from './jobs-contract.ts';

const server = await startMongoServer();

describe('jobs in MongoDB', () => {
  if (typeof server === 'string') {
    // Where there is no such server, the summary says so and why.
    // oxlint-disable-next-line jest/no-disabled-tests
    test.skip(`skipped: ${server}`, () => undefined);
    return;
  }
  const client = new MongoClient(server.url);
  beforeAll(async () => {
    await client.connect();
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });
  const loseEverything = async () => {
    for (const collection of await client.db().collections()) await collection.deleteMany({});
  };
  testJobs(() => ({ mongoUrl: server.url, redisUrl: String(process.env['TEST_REDIS_URL']), loseEverything }));
});
