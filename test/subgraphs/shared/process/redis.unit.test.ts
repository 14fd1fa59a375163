import { expect, test } from '@jest/globals';
import { openRedis } from '../../../../subgraphs/shared/process/redis.ts';
import { createLogger } from '../../../../subgraphs/shared/process/telemetry.ts';

test('a Redis that never answers is said at the start, with the variable to mend and without its password', async () => {
  // Nothing listens on port 1.
  const opening = openRedis('redis://:secret@127.0.0.1:1', createLogger('test', 'silent'), { startTimeoutMs: 200 });
  await expect(opening).rejects.toThrow(/^REDIS_URL: .*127\.0\.0\.1:1/);
  await expect(opening).rejects.not.toThrow('secret');
});
